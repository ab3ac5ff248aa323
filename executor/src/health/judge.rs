//! What a sign means, given those before it.

use std::collections::BTreeMap;

use super::xid::meaning;
use super::{Sign, Symptom};

/// What is done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: it is shown.
    Note,
    /// The node takes no more work; what runs goes on.
    Drain,
    /// The same, and runs on that GPU are stopped and go back to the queue: they cannot go on there.
    DrainAndRequeue,
}

/// Something new about a GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The GPU, in the order of NVML.
    pub board: u32,
    /// What is done.
    pub effect: Effect,
    /// What was found.
    pub text: String,
}

/// What is known of one GPU.
#[derive(Clone, Debug, Default)]
struct History {
    /// It did not answer when it was last asked.
    away: bool,
    /// Memory errors that were counted last.
    uncorrected: Option<u64>,
    strangers: Vec<u32>,
}

/// Remembers what was found, so that only new faults are told. It begins anew with each server.
#[derive(Clone, Debug, Default)]
pub struct Judge(BTreeMap<u32, History>);

impl Judge {
    /// What a symptom means; `None` where it says nothing new.
    pub fn judge(&mut self, symptom: &Symptom) -> Option<Verdict> {
        let history = self.0.entry(symptom.board).or_default();
        let (effect, text) = match &symptom.sign {
            Sign::Answers => {
                history.away = false;
                return None;
            }
            Sign::Lost => history.goes_away("it is lost: it has fallen off the bus")?,
            Sign::ResetRequired => history.goes_away("it must be reset before it can be used")?,
            Sign::Xid(xid) => {
                let (effect, words) = meaning(*xid);
                (effect, format!("XID {xid}{}", words.map(|words| format!(", {words}")).unwrap_or_default()))
            }
            Sign::Uncorrected(total) => history.counts(*total)?,
            Sign::Strangers(pids) => history.is_used_by(pids)?,
        };
        Some(Verdict { board: symptom.board, effect, text })
    }
}

impl History {
    fn goes_away(&mut self, text: &str) -> Option<(Effect, String)> {
        (!std::mem::replace(&mut self.away, true)).then(|| (Effect::DrainAndRequeue, text.to_owned()))
    }

    /// Errors from before this server began are told, and drain nothing: somebody may have looked at them already.
    fn counts(&mut self, total: u64) -> Option<(Effect, String)> {
        let before = self.uncorrected.replace(total);
        let text = format!("{total} memory errors since the driver was loaded that could not be corrected");
        match before {
            None if total > 0 => Some((Effect::Note, text)),
            Some(before) if total > before => Some((Effect::Drain, text)),
            _ => None,
        }
    }

    fn is_used_by(&mut self, pids: &[u32]) -> Option<(Effect, String)> {
        if self.strangers == pids {
            return None;
        }
        pids.clone_into(&mut self.strangers);
        let pids: Vec<String> = pids.iter().map(u32::to_string).collect();
        let text = match pids.len() {
            0 => "no stranger uses it any more".to_owned(),
            1 => format!("used by process {}, which no run has started", pids[0]),
            _ => format!("used by processes {}, which no run has started", pids.join(", ")),
        };
        Some((Effect::Note, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(signs: &[Sign]) -> Vec<Option<(Effect, String)>> {
        let mut judge = Judge::default();
        let judged = signs.iter().map(|sign| judge.judge(&Symptom { board: 0, sign: sign.clone() }));
        judged.map(|verdict| verdict.map(|verdict| (verdict.effect, verdict.text))).collect()
    }

    fn effects(signs: &[Sign]) -> Vec<Option<Effect>> {
        all(signs).into_iter().map(|verdict| verdict.map(|(effect, _)| effect)).collect()
    }

    #[test]
    fn errors_of_applications_drain_nothing_and_others_do() {
        for xid in [13, 31, 43, 45, 68, 109, 63, 92, 94] {
            assert_eq!(effects(&[Sign::Xid(xid)]), [Some(Effect::Note)], "{xid}");
        }
        for xid in [62, 64, 74, 119, 120, 9999] {
            assert_eq!(effects(&[Sign::Xid(xid)]), [Some(Effect::Drain)], "{xid}");
        }
        for xid in [48, 79, 95] {
            assert_eq!(effects(&[Sign::Xid(xid), Sign::Xid(xid)]), [Some(Effect::DrainAndRequeue); 2], "{xid}");
        }
    }

    #[test]
    fn a_lost_gpu_is_told_once_until_it_was_there_again() {
        let signs = [Sign::Answers, Sign::Lost, Sign::Lost, Sign::ResetRequired, Sign::Answers, Sign::ResetRequired];
        let gone = Some(Effect::DrainAndRequeue);
        assert_eq!(effects(&signs), [None, gone, None, None, None, gone]);
    }

    #[test]
    fn memory_errors_count_from_the_first_look() {
        let signs = [2, 2, 3, 3, 0, 1].map(Sign::Uncorrected);
        let (note, drain) = (Some(Effect::Note), Some(Effect::Drain));
        assert_eq!(effects(&signs), [note, None, drain, None, None, drain]);
        assert_eq!(effects(&[0, 0, 1].map(Sign::Uncorrected)), [None, None, drain]);
    }

    #[test]
    fn strangers_are_named_when_they_change() {
        let texts: Vec<_> =
            all(&[&[][..], &[7], &[7], &[7, 9], &[]].map(|pids: &[u32]| Sign::Strangers(pids.to_vec())));
        let texts: Vec<_> = texts.into_iter().map(|verdict| verdict.map(|(_, text)| text)).collect();
        assert_eq!(texts[0], None);
        assert_eq!(texts[1].as_deref(), Some("used by process 7, which no run has started"));
        assert_eq!((texts[2].as_ref(), texts[3].is_some()), (None, true));
        assert_eq!(texts[4].as_deref(), Some("no stranger uses it any more"));
    }
}
