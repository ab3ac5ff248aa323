//! SRPT has the least mean completion time of all preemptive schedules on one GPU (Schrage 1968): here against every
//! schedule in steps of one unit.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::bench::{Plan, finishes};

const UNIT: u64 = 1_000_003;

/// The least sum of completion times over all schedules from `now` on, by trying every job that is there in each unit.
fn least(now: u64, left: &mut Vec<u64>, submits: &[u64], known: &mut BTreeMap<(u64, Vec<u64>), u64>) -> u64 {
    if left.iter().all(|left| *left == 0) {
        return 0;
    }
    if let Some(sum) = known.get(&(now, left.clone())) {
        return *sum;
    }
    let mut best = u64::MAX;
    for job in 0..left.len() {
        if left[job] > 0 && submits[job] <= now {
            left[job] -= 1;
            let done = if left[job] == 0 { now + 1 } else { 0 };
            best = best.min(done + least(now + 1, left, submits, known));
            left[job] += 1;
        }
    }
    if best == u64::MAX {
        // Nobody is there: the GPU is idle.
        best = least(now + 1, left, submits, known);
    }
    known.insert((now, left.clone()), best);
    best
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn no_schedule_is_better(jobs in prop::collection::vec((0..10u64, 1..6u64), 1..=6)) {
        let mut jobs = jobs;
        jobs.sort_unstable();
        let (submits, mut works): (Vec<u64>, Vec<u64>) = jobs.iter().copied().unzip();
        let plans: Vec<Plan> = jobs.iter().map(|(at, work)| Plan { submit: at * UNIT, gpus: 1, work: work * UNIT }).collect();
        let found: u64 = finishes(&plans, 1, "srtf").iter().sum();
        prop_assert_eq!(found, UNIT * least(0, &mut works, &submits, &mut BTreeMap::new()));
    }
}
