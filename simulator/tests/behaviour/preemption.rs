//! What stopping runs costs, to the microsecond, and why targets were missed.

use std::sync::Arc;

use engine::{Inventory, MICROS, Span, Time};
use proptest::prelude::*;
use simulator::physics::Physics;
use simulator::result::Miss::{self, Preempted, Rejected, StartedLate};
use simulator::result::Replay;
use simulator::tenants::TenantTerms;
use simulator::workload::Workload;
use traces::{Details, Trace, TraceJob, Wishes};

use super::bench::{job, spec, trace_of};

fn secs(secs: u64) -> Time {
    Time(secs * MICROS)
}

/// A job of one GPU and a priority: submission and work in seconds.
fn one(id: &str, submit: u64, work: u64, priority: i32) -> TraceJob {
    TraceJob { priority, ..job(id, secs(submit), 1000, Span::secs(work)) }
}

fn replayed(trace: &Arc<Trace>, gpus: u32, policy: &str, settings: &[&str]) -> Replay {
    let inventory = Inventory::uniform(1, gpus, "GPU");
    let physics = Physics::parse(settings).unwrap();
    let workload = Workload::new(trace, &inventory, &TenantTerms::default());
    simulator::run::replay(&spec(&inventory, policy, &physics), &workload).unwrap()
}

/// A job is stopped at 100 s for one of 50 s. Returns its end, then done again, draining, restarting, then
/// what was predicted, all in seconds.
fn stopped(policy: &str, settings: &[&str]) -> (u64, [u64; 3], u64) {
    let trace = trace_of(vec![one("long", 0, 1000, 0), one("short", 100, 50, 1)]);
    let replay = replayed(&trace, 1, policy, settings);
    let [row] = replay.evictions.as_slice() else { panic!("{:?}", replay.evictions) };
    assert_eq!((row.at, row.job, row.attempt, row.by), (secs(100), 0, 1, Some(1)));
    assert!((replay.summary.preempted_gpu_s - row.cost()).abs() < 1e-9);
    let whole = |gpu_s: f64| gpu_s.round() as u64;
    let parts = [row.lost, row.drained, row.restarted].map(whole);
    (replay.jobs[0].finish.0 / MICROS, parts, whole(row.predicted))
}

#[test]
fn a_checkpoint_that_takes_time_is_billed_as_draining() {
    assert_eq!(stopped("priority", &["save_s=20"]).0, 1070);
    assert_eq!(stopped("priority", &["save_s=20"]).1, [0, 20, 0]);
    // It goes on for 10 s, which are kept, and then saves.
    assert_eq!(stopped("priority", &["save_s=20", "drain_s=10"]).0, 1070);
    assert_eq!(stopped("priority", &["save_s=20", "drain_s=10"]).1, [0, 20, 0]);
    // What does not save does not take the time for it.
    let settings = ["save_s=20", "preempt_saves=false", "checkpoint_s=never"];
    assert_eq!(stopped("priority", &settings), (1150, [100, 0, 0], 100));
}

#[test]
fn work_after_the_order_is_billed_once() {
    let settings = ["drain_s=10", "preempt_saves=false", "checkpoint_s=never"];
    assert_eq!(stopped("priority[drain=10]", &settings), (1160, [100, 10, 0], 110));
}

#[test]
fn the_prediction_holds_where_the_world_is_as_the_policy_was_told() {
    let settings = ["restart_s=30", "preempt_saves=false", "checkpoint_s=60"];
    assert_eq!(stopped("priority[restart=30]", &settings), (1120, [40, 0, 30], 70));
}

#[test]
fn a_run_that_is_expected_to_save_costs_its_restart_alone() {
    assert_eq!(stopped("priority[restart=30,saves=true]", &["restart_s=30"]), (1080, [0, 0, 30], 30));
}

#[test]
fn misses_have_their_cause() {
    let due = |plan: TraceJob, deadline: Option<u64>, start_by: Option<u64>| {
        let wishes = Wishes { deadline: deadline.map(secs), start_by: start_by.map(secs), ..Wishes::NONE };
        TraceJob { details: Details { wishes: wishes.into(), ..Details::NONE }.into(), ..plan }
    };
    let trace = trace_of(vec![
        due(one("preempted", 0, 100, 0), Some(120), None),
        due(one("kept", 10, 50, 1), Some(60), Some(10)),
        due(one("late", 20, 10, 0), Some(100), None),
        due(one("not begun", 30, 10, 0), None, Some(40)),
        one("without", 40, 10, 0),
        due(TraceJob { gpu_milli: 4000, ..one("too large", 50, 10, 0) }, Some(500), None),
    ]);
    let replay = replayed(&trace, 1, "priority", &[]);
    let missed: Vec<Option<Miss>> = replay.jobs.iter().map(|row| row.missed).collect();
    assert_eq!(missed, [Some(Preempted), None, Some(StartedLate), Some(StartedLate), None, Some(Rejected)]);
    assert_eq!(replay.summary.deadline_missed_share, Some(3.0 / 4.0));
    assert_eq!(replay.summary.start_by_missed_share, Some(1.0 / 2.0));
    let slow = replayed(&trace_of(vec![due(one("ran long", 0, 10, 0), Some(5), None)]), 1, "fifo", &[]);
    assert_eq!(slow.jobs[0].missed, Some(StartedLate), "it could not have been met at all");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Every second that a GPU is held is work that is kept, or is on the bill of an eviction.
    #[test]
    fn what_is_held_is_useful_or_on_a_bill(
        jobs in prop::collection::vec((0..400u64, 1..5u32, 1..300u64, 0..4i32), 1..25),
        policy in prop::sample::select(vec!["priority", "srtf", "srsf[victims=cost]", "priority[min-runtime=30,victims=cost]"]),
        settings in prop::sample::subsequence(
            vec!["restart_s=30", "drain_s=10", "save_s=15", "checkpoint_s=60", "preempt_saves=false"], 0..=5,
        ),
    ) {
        let mut jobs = jobs;
        jobs.sort_unstable();
        let plan = |(at, (submit, gpus, work, priority)): (usize, &(u64, u32, u64, i32))| {
            TraceJob { gpu_milli: gpus * 1000, ..one(&at.to_string(), *submit, *work, *priority) }
        };
        let trace = trace_of(jobs.iter().enumerate().map(plan).collect());
        let replay = replayed(&trace, 4, policy, &settings);
        let summary = &replay.summary;
        let capacity = summary.makespan_s.unwrap() * 4.0;
        let wasted = (summary.gpu_allocated_share.unwrap() - summary.goodput_share.unwrap()) * capacity;
        prop_assert!((wasted - summary.preempted_gpu_s).abs() < 1e-6, "{wasted} {}", summary.preempted_gpu_s);
    }
}
