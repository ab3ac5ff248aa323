//! Whole replays on one node against a scheduler that sorts and scans everything at every event.
//!
//! The semantics are those of Tiresias' simulator with its scheme `count`: preemption is free and keeps all work; the
//! preemptive orders are a greedy pass from an empty cluster at each event, past jobs that do not fit.

use proptest::prelude::*;
use proptest::strategy::ValueTree;

use crate::bench::{Plan, finishes};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Rule {
    Fifo,
    Sjf,
    Srtf,
    Srsf,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Behind {
    Blocked,
    Skip,
}

#[derive(Clone, Copy)]
struct Job {
    id: usize,
    gpus: u32,
    work: u64,
    left: u64,
    running: bool,
}

impl Job {
    fn rank(&self, rule: Rule) -> u64 {
        match rule {
            Rule::Fifo => 0,
            Rule::Sjf => self.work,
            Rule::Srtf => self.left,
            Rule::Srsf => self.left * u64::from(self.gpus),
        }
    }
}

/// Finish times; `None` when two jobs tie of which one runs, as what happens then is a matter of taste.
fn schedule(plans: &[Plan], gpus: u32, rule: Rule, behind: Behind) -> Option<Vec<u64>> {
    let mut finish = vec![0; plans.len()];
    let (mut open, mut next, mut now): (Vec<Job>, usize, u64) = (Vec::new(), 0, 0);
    loop {
        let ends = open.iter().filter(|job| job.running).map(|job| now + job.left);
        let Some(then) = ends.chain(plans.get(next).map(|plan| plan.submit)).min() else { return Some(finish) };
        for job in open.iter_mut().filter(|job| job.running) {
            job.left -= then - now;
        }
        now = then;
        for job in open.extract_if(.., |job| job.running && job.left == 0) {
            finish[job.id] = now;
        }
        while let Some(plan) = plans.get(next).filter(|plan| plan.submit == now) {
            open.push(Job { id: next, gpus: plan.gpus, work: plan.work, left: plan.work, running: false });
            next += 1;
        }
        if matches!(rule, Rule::Fifo | Rule::Sjf) {
            start(&mut open, gpus, rule, behind);
        } else {
            start_from_empty(&mut open, gpus, rule)?;
        }
    }
}

fn start(open: &mut [Job], gpus: u32, rule: Rule, behind: Behind) {
    let mut free = gpus - open.iter().filter(|job| job.running).map(|job| job.gpus).sum::<u32>();
    open.sort_by_key(|job| (job.rank(rule), job.id));
    for job in open.iter_mut().filter(|job| !job.running) {
        if job.gpus <= free {
            job.running = true;
            free -= job.gpus;
        } else if behind == Behind::Blocked {
            break;
        }
    }
}

fn start_from_empty(open: &mut [Job], gpus: u32, rule: Rule) -> Option<()> {
    open.sort_by_key(|job| (job.rank(rule), job.id));
    let tie = |pair: &[Job]| pair[0].rank(rule) == pair[1].rank(rule) && (pair[0].running || pair[1].running);
    if open.windows(2).any(tie) {
        return None;
    }
    let mut free = gpus;
    for job in open {
        job.running = job.gpus <= free;
        free -= if job.running { job.gpus } else { 0 };
    }
    Some(())
}

fn plans(gpus: u32) -> impl Strategy<Value = Vec<Plan>> {
    let gap = prop_oneof![Just(0u64), 0..2_000_000u64, 0..30_000_000u64];
    let work = prop_oneof![1 => Just(0u64), 12 => 0..40_000_000u64, 2 => 0..400_000_000u64];
    let plan = (gap, 1..=gpus, work);
    prop::collection::vec(plan, 1..60).prop_map(|plans| {
        let mut submit = 0;
        let at = |(gap, gpus, work)| {
            submit += gap;
            Plan { submit, gpus, work }
        };
        plans.into_iter().map(at).collect()
    })
}

const POLICIES: [(&str, Rule, Behind); 6] = [
    ("fifo", Rule::Fifo, Behind::Blocked),
    ("fifo[skip=true]", Rule::Fifo, Behind::Skip),
    ("sjf", Rule::Sjf, Behind::Blocked),
    ("sjf[skip=true]", Rule::Sjf, Behind::Skip),
    ("srtf", Rule::Srtf, Behind::Skip),
    ("srsf", Rule::Srsf, Behind::Skip),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_job_finishes_when_the_naive_scheduler_says(
        (gpus, plans) in (1..=16u32).prop_flat_map(|gpus| (Just(gpus), plans(gpus))),
    ) {
        for (policy, rule, behind) in POLICIES {
            if let Some(expected) = schedule(&plans, gpus, rule, behind) {
                prop_assert_eq!(finishes(&plans, gpus, policy), expected, "{}", policy);
            }
        }
    }
}

#[test]
fn ties_are_rare_enough_for_the_comparison_to_mean_something() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let decided = (0..100)
        .map(|_| plans(8).new_tree(&mut runner).unwrap().current())
        .filter(|plans| schedule(plans, 8, Rule::Srsf, Behind::Skip).is_some())
        .count();
    assert!(decided > 60, "{decided} of 100");
}
