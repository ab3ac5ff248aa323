//! Facts of worlds that go in rounds, and restarts that are owed.

use engine::{Event, JobId, NodeId, Span, Time};

use crate::bench::{Bench, started, stopped};

const OWED: Event = Event::RestartOwed { job: JobId(0), owed: Span::secs(30) };

#[test]
fn rounds_are_numbered_and_dated() {
    let mut bench = Bench::nodes(1);
    assert_eq!(bench.core().state().round(), None);
    bench.at(5, [Event::Round { idle: false }]);
    bench.at(9, [Event::Round { idle: true }]);
    let round = bench.core().state().round().unwrap();
    assert_eq!((round.number, round.began, round.idle), (2, Time(9_000_000), true));
}

#[test]
fn a_restart_is_owed_until_a_run_has_served_it() {
    let mut bench = Bench::nodes(1);
    let left = |bench: &Bench, secs: u64| bench.job(0).restart_left(Time(secs * 1_000_000)).0 / 1_000_000;
    bench.submit(0, Bench::plain(8));
    bench.at(0, [started(0, 1)]);
    bench.at_with(10, [Event::NodeUp { node: NodeId(0) }], |draft| draft.preempt(JobId(0)).unwrap());
    assert_eq!(bench.at(10, [stopped(0, 1, 10), OWED]), ["launch j0/2 on n0:0-7 from 10s"]);
    assert_eq!([left(&bench, 10), left(&bench, 25), left(&bench, 60)], [30, 15, 0], "the run serves it");
    bench.at(40, [started(0, 2)]);
    assert_eq!(left(&bench, 40), 0);
    assert_eq!(bench.job(0).work_done(Time(45_000_000)), Span::secs(15));
}

#[test]
fn a_job_that_waits_serves_nothing() {
    let mut bench = Bench::nodes(1);
    bench.park(0, Bench::plain(8));
    bench.at_with(1, [OWED], |_| {});
    assert_eq!(bench.job(0).restart_left(Time(99_000_000)), Span::secs(30));
    assert!(bench.try_at(1, [Event::RestartOwed { job: JobId(7), owed: Span::ZERO }]).is_err(), "there is no such job");
}
