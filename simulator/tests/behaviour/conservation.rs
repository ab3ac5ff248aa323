//! A preempted job does exactly its work, however often it is stopped, to the microsecond.

use engine::{Inventory, MICROS, Span, Time};
use proptest::prelude::*;

use crate::bench::{Plan, finishes, job, rows, trace, trace_of};

#[test]
fn three_preemptions_at_odd_microseconds() {
    let plan = |submit, work| Plan { submit, gpus: 4, work };
    let plans = [plan(0, 10_000_007), plan(1_000_001, 333_333), plan(2_718_281, 1), plan(3_141_592, 2_000_003)];
    let rows = rows(&trace(&plans), &Inventory::uniform(1, 4, "GPU"), "srtf", &[]);
    assert_eq!(rows[0].preemptions, 3);
    assert_eq!(rows[0].service, Span(10_000_007));
    assert_eq!(rows[0].finish, Time(10_000_007 + 333_333 + 1 + 2_000_003));
}

/// A gang over two nodes runs at 0.7. Each time it stops, the work done is rounded down to a microsecond, and at its end
/// the time is rounded up: with n segments it runs at most n x 1/0.7 microseconds longer than without stops.
#[test]
fn a_slow_gang_that_is_stopped_twice() {
    let plan = |submit, gpus, work| Plan { submit, gpus, work };
    let plans = [plan(0, 16, 10_000_007), plan(1_000_001, 8, 333_333), plan(5_000_003, 8, 77)];
    let rows = rows(&trace(&plans), &Inventory::uniform(2, 8, "GPU"), "srtf", &["spread_penalty=0.3"]);
    let segments = [1_000_001u64, 5_000_003 - 1_000_001 - 333_333];
    let done: u64 = segments.iter().map(|micros| micros * 7 / 10).sum();
    let last = ((10_000_007 - done) * 10).div_ceil(7);
    assert_eq!(rows[0].preemptions, 2);
    assert_eq!(rows[0].service, Span(segments.iter().sum::<u64>() + last));
    assert_eq!(rows[0].finish, Time(segments.iter().sum::<u64>() + last + 333_333 + 77));
    let alone = 100_000_070u64.div_ceil(7);
    assert!(rows[0].service.0 - alone <= (3 * 10u64).div_ceil(7));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// One GPU that is never idle: the last job ends when all the work is done.
    #[test]
    fn one_busy_gpu(works in prop::collection::vec((0..900_000u64, 1..30_000_000u64), 1..30)) {
        let mut submit = 0;
        let mut backlog = 0;
        let plan = |(gap, work): (u64, u64)| {
            // The next job arrives before the work so far is done.
            let gap = if backlog == 0 { 0 } else { gap % backlog };
            submit += gap;
            backlog = backlog - gap + work;
            Plan { submit, gpus: 1, work }
        };
        let plans: Vec<Plan> = works.into_iter().map(plan).collect();
        let all: u64 = plans.iter().map(|plan| plan.work).sum();
        prop_assert_eq!(finishes(&plans, 1, "srtf").into_iter().max(), Some(all));
    }

    /// Service is work, whatever the policy does, where placements do not slow jobs down.
    #[test]
    fn service_is_work(
        jobs in prop::collection::vec((0..20_000_000u64, 1..17u32, 1..60_000_000u64, -2..3i32), 1..40),
        policy in prop::sample::select(vec!["srtf", "srsf", "priority", "priority[place=worst-fit]"]),
    ) {
        let mut submit = 0;
        let of = |(at, (gap, gpus, work, priority)): (usize, &(u64, u32, u64, i32))| {
            submit += gap;
            let job = job(&at.to_string(), Time(submit), gpus * 1000, Span(*work));
            traces::TraceJob { priority: *priority, ..job }
        };
        let trace = trace_of(jobs.iter().enumerate().map(of).collect());
        for row in rows(&trace, &Inventory::uniform(2, 8, "GPU"), policy, &["restart_s=3"]) {
            prop_assert_eq!(row.service, trace.jobs[row.trace_index as usize].duration);
            let launches = u64::from(row.attempts) - 1;
            prop_assert!(row.finish.since(row.start) >= Span(row.service.0 + launches.min(1) * 3 * MICROS));
        }
    }
}
