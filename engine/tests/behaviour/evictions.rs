//! The bill of a stopped run: each GPU-second once, whatever happens to the job next.

use engine::{Bill, Draft, Event, JobId, MICROS, NodeId};

use super::bench::{Bench, completed, started, stopped};

/// A node of 8 GPUs that a job holds since 0 s, which is stopped at 100 s.
fn stopped_at_100() -> Bench {
    let mut bench = Bench::nodes(1);
    bench.submit(0, Bench::plain(8));
    bench.at(0, [started(0, 1)]);
    bench.ask(100, stop);
    bench
}

fn stop(draft: &mut Draft<'_>) {
    draft.preempt_for(JobId(0), Bill { by: None, predicted: 7 }).unwrap();
}

/// Seconds of the 8 GPUs: done again, draining, restarting.
fn bill(bench: &Bench, at: usize) -> [u128; 3] {
    let eviction = bench.core().state().evictions()[at];
    assert_eq!(eviction.cost(), eviction.lost + eviction.drained + eviction.restarted);
    [eviction.lost, eviction.drained, eviction.restarted].map(|part| part / 8000 / u128::from(MICROS))
}

#[test]
fn work_after_the_order_is_drained_or_kept_but_not_lost_too() {
    let mut bench = stopped_at_100();
    bench.at(110, [stopped(0, 1, 60)]);
    assert_eq!(bill(&bench, 0), [40, 10, 0]);
    let mut bench = stopped_at_100();
    bench.at(110, [stopped(0, 1, 104)]);
    assert_eq!(bill(&bench, 0), [0, 6, 0]);
    assert_eq!(bench.core().state().evictions()[0].bill.predicted, 7);
    let totals = bench.core().state().totals();
    assert_eq!((totals.lost_milli_micros, totals.saving_milli_micros), (0, 6 * 8000 * u128::from(MICROS)));
    let mut bench = stopped_at_100();
    bench.at(110, [completed(0, 1)]);
    assert_eq!(bill(&bench, 0), [0, 0, 0]);
}

#[test]
fn the_next_run_is_billed_until_it_makes_progress() {
    let mut bench = stopped_at_100();
    bench.at(100, [stopped(0, 1, 100)]);
    bench.at(130, [started(0, 2)]);
    assert_eq!(bill(&bench, 0), [0, 0, 30]);
    bench.at(200, [completed(0, 2)]);
    assert_eq!(bill(&bench, 0), [0, 0, 30]);
}

#[test]
fn a_restart_that_is_stopped_is_on_the_bill_of_who_stopped_it() {
    let mut bench = stopped_at_100();
    bench.at(100, [stopped(0, 1, 100)]);
    bench.ask(120, stop);
    bench.at(120, [stopped(0, 2, 100)]);
    bench.at(150, [started(0, 3)]);
    assert_eq!((bill(&bench, 0), bill(&bench, 1)), ([0, 0, 0], [20, 0, 30]));
}

#[test]
fn a_restart_that_loses_its_node_is_billed_and_the_next_is_not() {
    let mut bench = stopped_at_100();
    bench.at(100, [stopped(0, 1, 100)]);
    let node = NodeId(0);
    bench.at(125, [Event::NodeDown { node }]);
    bench.at(125, [stopped(0, 2, 100)]);
    bench.at(200, [Event::NodeUp { node }]);
    bench.at(260, [started(0, 3)]);
    assert_eq!(bill(&bench, 0), [0, 0, 25]);
}

#[test]
fn a_cancelled_victim_is_billed_for_its_drain() {
    let mut bench = stopped_at_100();
    bench.at(105, [Event::Cancelled { job: JobId(0) }]);
    bench.at(110, [stopped(0, 1, 60)]);
    assert_eq!(bill(&bench, 0), [40, 10, 0]);
}
