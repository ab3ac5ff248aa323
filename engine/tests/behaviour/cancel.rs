//! Cancelling, holding and releasing a job in each phase of its life.

use engine::{Cause, Event, Hold, JobId, JobSpec, Outcome, Phase, Reason, Span};

use crate::bench::{Bench, completed, start, started, stopped};

fn cancel(job: u32) -> [Event; 1] {
    [Event::Cancelled { job: JobId(job) }]
}

fn hold(job: u32) -> [Event; 1] {
    [Event::JobHeld { job: JobId(job) }]
}

fn release(job: u32) -> [Event; 1] {
    [Event::JobReleased { job: JobId(job) }]
}

/// One job of the whole cluster that runs, with a grace of 5 s.
fn running() -> Bench {
    let mut bench = Bench::nodes(1);
    bench.submit(0, JobSpec { grace: Span::secs(5), ..Bench::plain(8) });
    bench.at(0, [started(0, 1)]);
    bench
}

/// The same, told to stop for a second job, which claims its GPUs.
fn claimed() -> Bench {
    let mut bench = running();
    let second = bench.submission(Bench::plain(8));
    bench.at_with(10, [second], |draft| {
        draft.preempt(JobId(0)).unwrap();
        assert!(start(draft, JobId(1)));
    });
    bench
}

#[test]
fn cancelled_while_it_waits() {
    let mut bench = running();
    bench.submit(1, Bench::plain(8));
    assert_eq!(bench.at(2, cancel(1)), ["close j1 cancelled"]);
    bench.submit(3, JobSpec { held: true, ..Bench::plain(8) });
    assert_eq!(bench.at(4, cancel(2)), ["close j2 cancelled"]);
    bench.submit(5, JobSpec { after: [JobId(0)].into_iter().collect(), ..Bench::plain(8) });
    assert_eq!(bench.at(6, cancel(3)), ["close j3 cancelled"]);
    assert_eq!(bench.at(7, [completed(0, 1)]), ["close j0 finished"], "the cancelled child stays over");
    assert_eq!(bench.job(3).phase, Phase::Done(Outcome::Cancelled));
}

#[test]
fn cancelled_while_it_launches_or_runs() {
    let mut bench = Bench::nodes(1);
    bench.submit(0, Bench::plain(8));
    assert_eq!(bench.at(1, cancel(0)), ["drain j0/1 within 0s"]);
    assert_eq!(bench.at(1, [stopped(0, 1, 0)]), ["close j0 cancelled"]);

    let mut bench = running();
    assert_eq!(bench.at(10, cancel(0)), ["drain j0/1 within 5s", "alarm Grace of j0/1 at 15s"]);
    assert_eq!(bench.job(0).phase, Phase::Draining(Cause::Cancelled));
    assert!(bench.at(11, cancel(0)).is_empty(), "twice is once");
    assert_eq!(bench.at(12, [stopped(0, 1, 12)]), ["close j0 cancelled"]);
    assert!(bench.at(13, cancel(0)).is_empty(), "it is over");
}

#[test]
fn cancelled_while_it_drains() {
    let mut bench = claimed();
    assert!(bench.at(11, cancel(0)).is_empty(), "it is stopping already");
    assert_eq!(bench.at(12, [stopped(0, 1, 12)]), ["close j0 cancelled", "launch j1/1 on n0:0-7"]);
    assert_eq!(bench.job(0).preemptions, 0);
}

#[test]
fn cancelled_while_it_claims() {
    let mut bench = claimed();
    assert_eq!(bench.at(11, cancel(1)), ["close j1 cancelled"], "no run has to stop for that");
    assert_eq!(bench.at(12, [stopped(0, 1, 12)]), ["launch j0/2 on n0:0-7 from 12s"]);
}

#[test]
fn held_while_it_waits_and_released() {
    let mut bench = Bench::nodes(1);
    assert!(bench.submit(0, JobSpec { held: true, ..Bench::plain(8) }).is_empty());
    assert_eq!(bench.reason(0), Some(Reason::OnHold));
    assert_eq!(bench.at(5, release(0)), ["launch j0/1 on n0:0-7"]);
    bench.submit(6, Bench::plain(8));
    assert!(bench.at(7, hold(1)).is_empty());
    assert_eq!(bench.at(8, [completed(0, 1)]), ["close j0 finished"], "the held job does not start");
    assert_eq!(bench.at(9, release(1)), ["launch j1/1 on n0:0-7"]);
}

#[test]
fn a_released_job_still_waits_for_its_parents() {
    let mut bench = running();
    bench.submit(1, JobSpec { held: true, after: [JobId(0)].into_iter().collect(), ..Bench::plain(8) });
    bench.at(2, release(1));
    assert_eq!(bench.job(1).phase, Phase::Held(Hold::Parents));
    assert_eq!(bench.at(3, [completed(0, 1)]), ["close j0 finished", "launch j1/1 on n0:0-7"]);
}

#[test]
fn held_while_its_parents_run() {
    let mut bench = running();
    bench.submit(1, JobSpec { after: [JobId(0)].into_iter().collect(), ..Bench::plain(8) });
    bench.at(2, hold(1));
    assert_eq!(bench.at(3, [completed(0, 1)]), ["close j0 finished"], "the hold outlives the parents");
    assert_eq!(bench.at(4, release(1)), ["launch j1/1 on n0:0-7"]);
}

#[test]
fn held_while_it_runs() {
    let mut bench = running();
    assert_eq!(bench.at(10, hold(0)), ["drain j0/1 within 5s", "alarm Grace of j0/1 at 15s"]);
    assert!(bench.at(11, [stopped(0, 1, 11)]).is_empty());
    assert_eq!(bench.job(0).phase, Phase::Held(Hold::Operator));
    assert_eq!(bench.at(20, release(0)), ["launch j0/2 on n0:0-7 from 11s"]);
}

#[test]
fn released_before_it_has_stopped() {
    let mut bench = running();
    bench.at(10, hold(0));
    assert!(bench.at(11, release(0)).is_empty());
    assert_eq!(bench.at(12, [stopped(0, 1, 12)]), ["launch j0/2 on n0:0-7 from 12s"]);
    assert_eq!(bench.job(0).preemptions, 0, "no policy has stopped it");
}

#[test]
fn held_while_it_drains_or_claims() {
    let mut bench = claimed();
    assert!(bench.at(11, hold(0)).is_empty());
    assert!(bench.at(11, hold(1)).is_empty(), "the claim is dropped");
    assert!(bench.at(12, [stopped(0, 1, 12)]).is_empty());
    assert_eq!(bench.job(0).phase, Phase::Held(Hold::Operator));
    assert_eq!(bench.job(1).phase, Phase::Held(Hold::Operator));
    assert_eq!(bench.at(13, release(1)), ["launch j1/1 on n0:0-7"]);
}
