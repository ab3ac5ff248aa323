//! The life of a job, order by order: start, preemption, claims, time limits, nodes, dependencies.

use engine::{Alarm, Cause, Event, Hold, JobId, JobSpec, NodeId, NodeState, Outcome, Phase, Reason, Span, Time};

use crate::bench::{Bench, alarm, completed, failed, start, started, stopped};

fn none() -> Vec<String> {
    Vec::new()
}

fn graceful(gpus: u32, grace_s: u64) -> JobSpec {
    JobSpec { grace: Span::secs(grace_s), ..Bench::plain(gpus) }
}

fn after(parents: &[u32]) -> JobSpec {
    JobSpec { after: parents.iter().map(|parent| JobId(*parent)).collect(), ..Bench::plain(8) }
}

#[test]
fn submitted_launched_started_ended_closed() {
    let mut bench = Bench::nodes(1);
    assert_eq!(bench.submit(0, Bench::plain(4)), ["launch j0/1 on n0:0-3"]);
    assert_eq!(bench.job(0).phase, Phase::Launching);
    assert_eq!(bench.at(1, [started(0, 1)]), none());
    assert_eq!(bench.job(0).phase, Phase::Running);
    assert_eq!(bench.at(10, [completed(0, 1)]), ["close j0 finished"]);
    let job = bench.job(0);
    assert_eq!((job.phase, job.attempt, job.service), (Phase::Done(Outcome::Finished), 1, Span::secs(9)));
    assert_eq!(job.held_milli_micros, 4000 * 10_000_000);
}

#[test]
fn a_preempted_run_has_its_grace_and_its_gpus_are_launched_on_only_after_it() {
    let mut bench = Bench::nodes(1);
    bench.submit(0, graceful(8, 5));
    bench.at(0, [started(0, 1)]);
    let second = bench.submission(Bench::plain(8));
    let preempt = |draft: &mut engine::Draft<'_>| {
        draft.preempt(JobId(0)).unwrap();
        assert!(start(draft, JobId(1)));
    };
    assert_eq!(bench.at_with(10, [second], preempt), ["drain j0/1 within 5s", "alarm Grace of j0/1 at 15s"]);
    assert_eq!(bench.job(0).phase, Phase::Draining(Cause::Preempted));
    assert_eq!(bench.job(1).phase, Phase::Launching);
    assert_eq!(bench.at(15, [alarm(0, 1, Alarm::Grace)]), ["kill j0/1"]);
    assert_eq!(bench.at(15, [stopped(0, 1, 9)]), ["launch j1/1 on n0:0-7"]);
    assert_eq!(bench.job(0).phase, Phase::Ready);
    assert_eq!(bench.core().state().totals().lost_milli_micros, 8000 * 6_000_000, "15 s done, 9 s safe");
    assert_eq!(bench.at(20, [completed(1, 1)]), ["close j1 finished", "launch j0/2 on n0:0-7 from 9s"]);
    assert_eq!(bench.job(0).preemptions, 1);
}

#[test]
fn without_grace_no_alarm_is_ordered_and_an_early_end_makes_the_alarm_stale() {
    let mut bench = Bench::nodes(1);
    bench.submit(0, Bench::plain(8));
    bench.at(0, [started(0, 1)]);
    assert_eq!(bench.ask(5, |draft| draft.preempt(JobId(0)).unwrap()), ["drain j0/1 within 0s"]);
    assert_eq!(bench.at(5, [stopped(0, 1, 5)]), ["launch j0/2 on n0:0-7 from 5s"]);
    assert_eq!(bench.at(6, [alarm(0, 1, Alarm::Grace)]), none(), "it is about a run that is over");
    assert_eq!(bench.job(0).phase, Phase::Launching);
}

#[test]
fn a_claim_waits_for_every_run_that_drains() {
    let mut bench = Bench::nodes(1);
    bench.submit(0, graceful(4, 60));
    bench.submit(0, graceful(4, 60));
    bench.at(0, [started(0, 1), started(1, 1)]);
    let third = bench.submission(Bench::plain(8));
    let orders = bench.at_with(10, [third], |draft| {
        draft.preempt(JobId(0)).unwrap();
        draft.preempt(JobId(1)).unwrap();
        assert!(start(draft, JobId(2)));
    });
    assert_eq!(orders.len(), 4, "two drains, two alarms: {orders:?}");
    assert_eq!(bench.at(20, [stopped(1, 1, 20)]), none());
    assert_eq!(bench.at(30, [stopped(0, 1, 30)]), ["launch j2/1 on n0:0-7"]);
}

#[test]
fn a_claim_that_is_preempted_was_never_launched() {
    let mut bench = Bench::nodes(1);
    bench.submit(0, graceful(8, 60));
    bench.at(0, [started(0, 1)]);
    let second = bench.submission(Bench::plain(8));
    bench.at_with(10, [second], |draft| {
        draft.preempt(JobId(0)).unwrap();
        assert!(start(draft, JobId(1)));
    });
    let orders = bench.ask(11, |draft| {
        draft.preempt(JobId(1)).unwrap();
    });
    assert_eq!(orders, none(), "no world has heard of it");
    assert_eq!((bench.job(1).phase, bench.job(1).attempt), (Phase::Ready, 0));
    let orders = bench.at_with(12, [stopped(0, 1, 12)], |draft| assert!(start(draft, JobId(1))));
    assert_eq!(orders, ["launch j1/1 on n0:0-7"]);
}

#[test]
fn a_run_that_was_told_to_stop_may_still_finish_first() {
    let mut bench = Bench::nodes(1);
    bench.submit(0, graceful(8, 5));
    bench.at(0, [started(0, 1)]);
    bench.ask(10, |draft| draft.preempt(JobId(0)).unwrap());
    assert_eq!(bench.at(12, [completed(0, 1)]), ["close j0 finished"]);
    assert_eq!(bench.job(0).preemptions, 0);
}

#[test]
fn what_may_not_be_preempted_is_not() {
    let mut bench = Bench::nodes(1);
    bench.submit(0, JobSpec { preemptible: false, ..Bench::plain(8) });
    bench.at(0, [started(0, 1)]);
    let orders = bench.ask(1, |draft| assert_eq!(draft.preempt(JobId(0)), Err(Reason::NotPreemptible)));
    assert_eq!(orders, none());
}

#[test]
fn the_time_limit_counts_from_the_start_of_each_run() {
    let mut bench = Bench::nodes(1);
    bench.submit(0, JobSpec { time_limit: Some(Span::secs(30)), ..graceful(8, 5) });
    assert_eq!(bench.at(2, [started(0, 1)]), ["alarm TimeLimit of j0/1 at 32s"]);
    assert_eq!(bench.at(32, [alarm(0, 1, Alarm::TimeLimit)]), ["drain j0/1 within 5s", "alarm Grace of j0/1 at 37s"]);
    assert_eq!(bench.job(0).phase, Phase::Draining(Cause::TimeLimit));
    assert_eq!(bench.at(37, [alarm(0, 1, Alarm::Grace)]), ["kill j0/1"]);
    assert_eq!(bench.at(37, [stopped(0, 1, 0)]), ["close j0 timed-out"]);
}

#[test]
fn a_broken_node_kills_its_runs_and_they_start_again_elsewhere() {
    let mut bench = Bench::nodes(2);
    bench.submit(0, Bench::plain(8));
    bench.submit(0, Bench::plain(8));
    bench.at(0, [started(0, 1), started(1, 1)]);
    assert_eq!(bench.at(10, [Event::NodeDown { node: NodeId(0) }]), ["kill j0/1"]);
    assert_eq!(bench.at(10, [stopped(0, 1, 4)]), none(), "nothing is free");
    assert_eq!((bench.job(0).phase, bench.job(0).node_losses), (Phase::Ready, 1));
    assert_eq!(bench.at(20, [completed(1, 1)]), ["close j1 finished", "launch j0/2 on n1:0-7 from 4s"]);
    assert_eq!(bench.at(30, [Event::NodeUp { node: NodeId(0) }]), none());
    assert_eq!(bench.core().state().cluster().free_gpus(NodeId(0)), 8);
}

#[test]
fn node_losses_are_limited_by_the_retry_rule() {
    let mut bench = Bench::nodes(1);
    let mut spec = Bench::plain(8);
    spec.retry.node_losses_max = 1;
    bench.submit(0, spec);
    bench.at(0, [started(0, 1), Event::NodeDown { node: NodeId(0) }]);
    bench.at(0, [stopped(0, 1, 0)]);
    assert_eq!(bench.at(1, [Event::NodeUp { node: NodeId(0) }]), ["launch j0/2 on n0:0-7"]);
    assert_eq!(bench.at(2, [Event::NodeDown { node: NodeId(0) }]), ["kill j0/2"]);
    assert_eq!(bench.at(2, [stopped(0, 2, 0)]), ["close j0 failed"]);
}

#[test]
fn a_run_that_drains_on_a_node_that_breaks_is_killed() {
    let mut bench = Bench::nodes(1);
    bench.submit(0, graceful(8, 60));
    bench.at(0, [started(0, 1)]);
    bench.ask(10, |draft| draft.preempt(JobId(0)).unwrap());
    assert_eq!(bench.at(11, [Event::NodeDown { node: NodeId(0) }]), ["kill j0/1"]);
    bench.at(11, [stopped(0, 1, 0)]);
    assert_eq!((bench.job(0).preemptions, bench.job(0).node_losses), (1, 0), "it was told to stop before");
}

#[test]
fn a_drained_node_lets_its_runs_end_and_takes_no_new_ones() {
    let mut bench = Bench::nodes(1);
    bench.submit(0, Bench::plain(4));
    bench.at(0, [started(0, 1)]);
    assert_eq!(bench.at(5, [Event::NodeDrained { node: NodeId(0) }]), none());
    assert_eq!(bench.submit(6, Bench::plain(1)), none());
    assert_eq!(bench.at(10, [completed(0, 1)]), ["close j0 finished"]);
    assert_eq!(bench.core().state().cluster().free_gpu_milli(), 0);
    assert_eq!(bench.at(11, [Event::NodeResumed { node: NodeId(0) }]), ["launch j1/1 on n0:0"]);
    bench.at(12, [Event::NodeDown { node: NodeId(0) }]);
    bench.at(13, [Event::NodeResumed { node: NodeId(0) }]);
    let state = bench.core().state().cluster().state(NodeId(0));
    assert_eq!(state, NodeState::Down, "an operator cannot resume a broken node");
}

#[test]
fn children_start_when_all_parents_finished() {
    let mut bench = Bench::nodes(2);
    bench.submit(0, Bench::plain(8));
    bench.submit(0, Bench::plain(8));
    assert_eq!(bench.submit(0, after(&[0, 1])), none());
    assert_eq!(bench.job(2).phase, Phase::Held(Hold::Parents));
    assert_eq!(bench.reason(2), Some(Reason::WaitsForParents));
    assert_eq!(bench.at(5, [completed(0, 1)]), ["close j0 finished"]);
    assert_eq!(bench.at(6, [completed(1, 1)]), ["close j1 finished", "launch j2/1 on n0:0-7"]);
    assert_eq!(bench.submit(7, after(&[0])), ["launch j3/1 on n1:0-7"], "the parent had finished before");
}

#[test]
fn children_of_a_job_that_did_not_finish_close_with_all_below_them() {
    let mut bench = Bench::nodes(1);
    bench.submit(0, Bench::plain(8));
    bench.submit(0, after(&[0]));
    bench.submit(0, after(&[1]));
    bench.submit(0, after(&[0, 2]));
    let closed = ["close j0 failed", "close j1 parent-failed", "close j2 parent-failed", "close j3 parent-failed"];
    assert_eq!(bench.at(5, [failed(0, 1, 1)]), closed);
    assert_eq!(bench.submit(6, after(&[2])), ["close j4 parent-failed"]);
}

#[test]
fn a_long_chain_of_children_closes_at_once() {
    let mut bench = Bench::nodes(1);
    bench.submit(0, Bench::plain(8));
    let chain: Vec<Event> = (1..30_000).map(|job| bench.submission(after(&[job - 1]))).collect();
    for event in chain {
        bench.try_at(0, [event]).unwrap();
    }
    assert_eq!(bench.at(5, [failed(0, 1, 1)]).len(), 30_000);
}

#[test]
fn the_earliest_wake_up_that_was_asked_for_counts() {
    let mut bench = Bench::nodes(1);
    assert_eq!(bench.ask(0, |draft| draft.wake_at(Time(60_000_000))), ["wake at 60s"]);
    assert_eq!(bench.ask(1, |draft| draft.wake_at(Time(90_000_000))), none(), "an earlier one is ordered");
    assert_eq!(bench.ask(2, |draft| draft.wake_at(Time(30_000_000))), ["wake at 30s"]);
    assert_eq!(bench.at_with(30, [Event::Woke], |draft| draft.wake_at(Time(70_000_000))), ["wake at 70s"]);
    assert_eq!(bench.at_with(60, [Event::Woke], |_| panic!("it was replaced: nobody is asked")), none());
}

#[test]
fn what_can_never_run_is_rejected_with_its_reason() {
    let mut bench = Bench::nodes(2);
    assert_eq!(bench.submit(0, Bench::plain(9)), ["close j0 rejected"]);
    assert_eq!(bench.core().state().class_of(JobId(0)).impossible, Some(Reason::NoNodeLargeEnough));
    bench.park(0, Bench::plain(1));
    let orders = bench.ask(1, |draft| draft.reject(JobId(1), Reason::NoVictims).unwrap());
    assert_eq!(orders, ["close j1 rejected"]);
}
