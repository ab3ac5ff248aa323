//! The states of jobs: section "JOB STATE CODES" of `sacct(1)`.

use crate::trace::Recorded;

/// What a state says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It waits.
    Waiting,
    /// It holds its GPUs still.
    Running,
    /// It is over.
    Ended(Recorded),
    /// Slurm has a state that this table lacks, or the file has no states.
    Unknown,
}

/// Long and short name, and what it says.
const STATES: [(&str, &str, State); 24] = [
    ("BOOT_FAIL", "BF", State::Ended(Recorded::NodeFailed)),
    ("CANCELLED", "CA", State::Ended(Recorded::Killed)),
    ("COMPLETED", "CD", State::Ended(Recorded::Finished)),
    ("COMPLETING", "CG", State::Running),
    ("CONFIGURING", "CF", State::Running),
    ("DEADLINE", "DL", State::Ended(Recorded::TimedOut)),
    ("FAILED", "F", State::Ended(Recorded::Failed)),
    ("LAUNCH_FAILED", "LF", State::Ended(Recorded::NodeFailed)),
    ("NODE_FAIL", "NF", State::Ended(Recorded::NodeFailed)),
    ("OUT_OF_MEMORY", "OOM", State::Ended(Recorded::Failed)),
    ("PENDING", "PD", State::Waiting),
    ("PREEMPTED", "PR", State::Ended(Recorded::Killed)),
    ("RECONFIG_FAIL", "RCF", State::Ended(Recorded::NodeFailed)),
    ("REQUEUED", "RQ", State::Ended(Recorded::Killed)),
    ("REQUEUE_FED", "RF", State::Waiting),
    ("REQUEUE_HOLD", "RH", State::Waiting),
    ("RESIZING", "RS", State::Running),
    ("REVOKED", "RV", State::Ended(Recorded::Killed)),
    ("RUNNING", "R", State::Running),
    ("SIGNALING", "SI", State::Running),
    ("SPECIAL_EXIT", "SE", State::Ended(Recorded::Failed)),
    ("STOPPED", "ST", State::Running),
    ("SUSPENDED", "S", State::Running),
    ("TIMEOUT", "TO", State::Ended(Recorded::TimedOut)),
];

/// Reads a state such as `COMPLETED`, `CANCELLED by 1000`, or `CANCELLED+` as it is cut off in narrow columns.
pub(super) fn state(text: &str) -> State {
    let word = text.split_ascii_whitespace().next().unwrap_or_default();
    let (word, cut) = word.strip_suffix('+').map_or((word, false), |word| (word, true));
    let fits = |long: &str, short: &str| long == word || short == word || cut && long.starts_with(word);
    STATES.iter().find(|(long, short, _)| fits(long, short)).map_or(State::Unknown, |(_, _, state)| *state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        assert_eq!(state("CANCELLED by 1000"), State::Ended(Recorded::Killed));
        assert_eq!(state("CANCELLED+"), State::Ended(Recorded::Killed));
        assert_eq!(state("OUT_OF_ME+"), State::Ended(Recorded::Failed));
        assert_eq!(state("TO"), State::Ended(Recorded::TimedOut));
        assert_eq!((state("PENDING"), state("RUNNING")), (State::Waiting, State::Running));
        assert_eq!((state(""), state("BRAND_NEW")), (State::Unknown, State::Unknown));
    }
}
