//! What became of the programs that a policy had solved: whether answers are proven, cut off, or replaced by a greedy plan.

use serde::{Deserialize, Serialize};

/// One program that was solved, or was not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Solve {
    /// The answer stands.
    Answered {
        /// (Bound - objective) / objective in parts per million; `None` where no bound is known.
        gap_ppm: Option<u64>,
        /// A limit came before the proof.
        cut_off: bool,
    },
    /// The solver failed or its answer did not hold: the greedy plan ran.
    Failed,
}

/// The sum of all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Solves {
    /// Programs that were given to the solver.
    pub programs: u64,
    /// Answers that a limit cut off before the proof.
    pub cut_off: u64,
    /// Failures, after which the greedy plan ran.
    pub failed: u64,
    /// The largest known gap of an answer, in parts per million.
    pub gap_max_ppm: u64,
    /// Answers whose gap is not known.
    pub gap_unknown: u64,
}

impl Solves {
    /// Counts one.
    pub(crate) fn add(&mut self, solve: Solve) {
        self.programs += 1;
        match solve {
            Solve::Failed => self.failed += 1,
            Solve::Answered { gap_ppm, cut_off } => {
                self.cut_off += u64::from(cut_off);
                self.gap_max_ppm = self.gap_max_ppm.max(gap_ppm.unwrap_or(0));
                self.gap_unknown += u64::from(gap_ppm.is_none());
            }
        }
    }
}
