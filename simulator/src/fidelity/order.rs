//! In which order jobs started, and where two sequences of decisions part.

use std::collections::BTreeMap;

use engine::{Command, JobId, Placement, RunId, Time};

use super::Divergence;
use crate::rerun::Rerun;

type Decisions = [(Time, Command)];

/// Most jobs whose first starts have the same order in both: the longest common subsequence of two permutations, which is
/// the longest rising one of the ranks (Fredman 1975).
pub(super) fn in_order(real: &Decisions, simulated: &Decisions) -> u64 {
    let ranks: BTreeMap<JobId, usize> = first_starts(simulated).into_iter().zip(0..).collect();
    // The least last rank of a rising sequence of each length.
    let mut last: Vec<usize> = Vec::new();
    for rank in first_starts(real).iter().filter_map(|job| ranks.get(job).copied()) {
        let at = last.partition_point(|before| *before < rank);
        if at == last.len() {
            last.push(rank);
        } else {
            last[at] = rank;
        }
    }
    last.len() as u64
}

/// Jobs in the order of their first launch.
fn first_starts(decisions: &Decisions) -> Vec<JobId> {
    let first = |(_, order): &(Time, Command)| match order {
        Command::Launch { run, .. } if run.attempt == 1 => Some(run.job),
        _ => None,
    };
    decisions.iter().filter_map(first).collect()
}

/// What is decided, without what follows from the times: how much work is safe.
#[derive(PartialEq)]
enum Wish<'a> {
    Launch(RunId, &'a Placement),
    Stop(RunId),
}

fn wish((_, order): &(Time, Command)) -> Option<Wish<'_>> {
    match order {
        Command::Launch { run, placement, .. } => Some(Wish::Launch(*run, placement)),
        Command::Drain { run, .. } => Some(Wish::Stop(*run)),
        _ => None,
    }
}

/// The first decision that differs. What the simulation does after the end of the journal is none.
pub(super) fn divergence(rerun: &Rerun<'_>, real: &Decisions, simulated: &Decisions) -> Option<Divergence> {
    let same = real.iter().zip(simulated).take_while(|(a, b)| wish(a) == wish(b)).count();
    let (recorded, other) = (real.get(same), simulated.get(same));
    let is_later = other.is_some_and(|(at, _)| *at > rerun.recording().end);
    if recorded.is_none() && (other.is_none() || is_later) {
        return None;
    }
    let about = recorded.or(other).and_then(wish).map(|wish| match wish {
        Wish::Launch(run, _) | Wish::Stop(run) => run.job,
    });
    let job = about.and_then(|job| rerun.trace().jobs.get(job.index())).map(|job| job.id.to_string());
    Some(Divergence {
        decision: same as u64 + 1,
        at_s: recorded.map(|(at, _)| at.secs_f64()),
        job: job.unwrap_or_default(),
        recorded: recorded.map(|(_, order)| order.clone()),
        simulated_at_s: other.map(|(at, _)| at.secs_f64()),
        simulated: other.map(|(_, order)| order.clone()),
    })
}
