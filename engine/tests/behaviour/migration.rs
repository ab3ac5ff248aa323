//! Moving runs: what is ordered, who holds what meanwhile, and what happens when something comes in between.

use engine::{
    Alarm, Bill, Cause, Draft, Event, Fault, JobId, JobSpec, MICROS, NodeId, Outcome, Phase, Reason, Slice, Span,
};

use super::bench::{Bench, alarm, completed, failed, start, started, stopped};

/// Whole GPUs of a node.
fn gpus(node: u32, mask: u64) -> Slice {
    Slice { node: NodeId(node), bank: 0, milli: 1000, mask, cpu_milli: 0, memory_mib: 0 }
}

const BILL: Bill = Bill { by: None, predicted: 7 };

fn migrate(draft: &mut Draft<'_>, job: u32, slice: Slice) {
    draft.migrate(JobId(job), &[slice], BILL).unwrap();
}

/// Moves with these halves: all are lifted, then all land.
fn shuffle(draft: &mut Draft<'_>, moves: &[(u32, Slice)]) {
    for (job, _) in moves {
        draft.lift(JobId(*job)).unwrap();
    }
    for (job, slice) in moves {
        assert!(draft.take_slice(*slice));
        draft.land(JobId(*job), BILL).unwrap();
    }
}

/// Jobs of so many GPUs on nodes of 8, placed in order and running since 0 s.
fn bench(nodes: usize, jobs: &[u32]) -> Bench {
    let mut bench = Bench::nodes(nodes);
    for (id, gpus) in jobs.iter().enumerate() {
        bench.submit(0, JobSpec { grace: Span::secs(30), ..Bench::plain(*gpus) });
        bench.at(0, [started(id as u32, 1)]);
    }
    bench
}

fn quiet<const N: usize>(bench: &mut Bench, secs: u64, events: [Event; N]) -> Vec<String> {
    bench.at_with(secs, events, |_| {})
}

fn none() -> Vec<String> {
    Vec::new()
}

/// Two drains with their alarms, for jobs in this order.
fn drains(jobs: &[u32], secs: u64) -> Vec<String> {
    let of = |job: &u32| [format!("drain j{job}/1 within 30s"), format!("alarm Grace of j{job}/1 at {}s", secs + 30)];
    jobs.iter().flat_map(of).collect()
}

fn free(bench: &Bench) -> u64 {
    bench.core().state().cluster().free_gpu_milli() / 1000
}

#[test]
fn a_job_goes_on_elsewhere_without_asking_the_policy() {
    let mut bench = bench(2, &[4]);
    assert_eq!(bench.ask(100, |draft| migrate(draft, 0, gpus(1, 0xf0))), drains(&[0], 100));
    assert_eq!(bench.job(0).phase, Phase::Draining(Cause::Migrated));
    assert_eq!((bench.job(0).goal.as_slice(), free(&bench)), (&[gpus(1, 0xf0)][..], 12), "held once, not twice");
    assert_eq!(quiet(&mut bench, 110, [stopped(0, 1, 104)]), ["launch j0/2 on n1:4-7 from 104s"]);
    quiet(&mut bench, 130, [started(0, 2)]);
    let job = bench.job(0);
    assert_eq!((job.phase, job.attempt, job.migrations, job.preemptions), (Phase::Running, 2, 1, 0));
    assert_eq!((job.failures, job.work_at_start, job.goal.is_empty()), (0, Span::secs(104), true));
    let eviction = bench.core().state().evictions()[0];
    let cost = [eviction.lost, eviction.drained, eviction.restarted].map(|part| part / 4000 / u128::from(MICROS));
    assert_eq!((eviction.cause, eviction.bill, eviction.attempt, cost), (Cause::Migrated, BILL, 1, [0, 6, 20]));
    assert_eq!(quiet(&mut bench, 200, [completed(0, 2)]), ["close j0 finished"]);
    assert_eq!(free(&bench), 16);
}

#[test]
fn nobody_else_gets_the_goal_and_anybody_the_place_that_is_left() {
    let mut bench = bench(2, &[8]);
    bench.ask(100, |draft| migrate(draft, 0, gpus(1, 0xff)));
    assert_eq!(bench.submit(101, Bench::plain(8)), none(), "n0 is planned with, and still drains");
    assert_eq!((bench.job(1).phase, bench.job(1).placement[0].node), (Phase::Launching, NodeId(0)));
    bench.submit(102, Bench::plain(1));
    assert_eq!(bench.job(2).phase, Phase::Ready, "nothing is left for it");
    let orders = quiet(&mut bench, 110, [stopped(0, 1, 100)]);
    assert_eq!(orders, ["launch j1/1 on n0:0-7", "launch j0/2 on n1:0-7 from 100s"]);
}

#[test]
fn two_jobs_swap_places() {
    let mut bench = bench(2, &[8, 8]);
    let orders = bench.ask(100, |draft| shuffle(draft, &[(0, gpus(1, 0xff)), (1, gpus(0, 0xff))]));
    assert_eq!(orders, drains(&[0, 1], 100));
    assert_eq!(free(&bench), 0);
    assert_eq!(quiet(&mut bench, 105, [stopped(0, 1, 100)]), none(), "its goal still drains");
    assert_eq!(bench.job(0).phase, Phase::Launching);
    let orders = quiet(&mut bench, 120, [stopped(1, 1, 100)]);
    assert_eq!(orders, ["launch j0/2 on n1:0-7 from 100s", "launch j1/2 on n0:0-7 from 100s"]);
}

#[test]
fn drains_that_cost_nothing_are_one_instant() {
    let mut bench = bench(2, &[8, 8]);
    bench.ask(100, |draft| shuffle(draft, &[(0, gpus(1, 0xff)), (1, gpus(0, 0xff))]));
    let orders = quiet(&mut bench, 100, [stopped(0, 1, 100), stopped(1, 1, 100)]);
    assert_eq!(orders, ["launch j0/2 on n1:0-7 from 100s", "launch j1/2 on n0:0-7 from 100s"]);
}

#[test]
fn a_chain_moves_up_and_a_new_job_starts_on_what_it_leaves() {
    let mut bench = bench(3, &[8, 8]);
    bench.park(50, Bench::plain(8));
    let orders = bench.ask(100, |draft| {
        draft.lift(JobId(0)).unwrap();
        // Decided before its place is left for good: it must wait all the same.
        draft.start_at(JobId(2), &[gpus(0, 0xff)]).unwrap();
        draft.lift(JobId(1)).unwrap();
        assert!(draft.take_slice(gpus(1, 0xff)));
        draft.land(JobId(0), BILL).unwrap();
        assert!(draft.take_slice(gpus(2, 0xff)));
        draft.land(JobId(1), BILL).unwrap();
    });
    assert_eq!(orders, drains(&[0, 1], 100), "nobody is launched where runs still drain");
    assert_eq!(quiet(&mut bench, 110, [stopped(0, 1, 100)]), ["launch j2/1 on n0:0-7"]);
    let orders = quiet(&mut bench, 120, [stopped(1, 1, 100)]);
    assert_eq!(orders, ["launch j0/2 on n1:0-7 from 100s", "launch j1/2 on n2:0-7 from 100s"]);
}

#[test]
fn the_goal_may_overlap_its_own_gpus() {
    let mut bench = bench(1, &[4]);
    bench.ask(100, |draft| migrate(draft, 0, gpus(0, 0b0011_1100)));
    assert_eq!(free(&bench), 4);
    assert_eq!(quiet(&mut bench, 110, [stopped(0, 1, 100)]), ["launch j0/2 on n0:2-5 from 100s"]);
}

#[test]
fn its_own_place_is_no_move() {
    let mut bench = bench(2, &[4, 4]);
    let orders = bench.ask(100, |draft| {
        migrate(draft, 0, gpus(0, 0xf));
        assert!(draft.is_placed(JobId(0)));
        draft.lift(JobId(1)).unwrap();
        assert!(draft.take_slice(gpus(0, 0xf0)));
        let mark = draft.mark();
        draft.land(JobId(1), BILL).unwrap();
        assert!(draft.is_placed(JobId(1)) && draft.open().is_empty());
        draft.rollback(mark);
        assert_eq!((draft.open().len(), draft.placement(JobId(1)).len()), (1, 0));
        draft.land(JobId(1), BILL).unwrap();
        draft.lift(JobId(0)).unwrap();
        assert!(draft.stay(JobId(0)) && !draft.stay(JobId(0)));
    });
    assert_eq!(orders, none());
    assert!(bench.core().state().evictions().is_empty());
    assert_eq!(bench.job(0).phase, Phase::Running);
}

#[test]
fn who_is_lifted_can_stay_only_while_its_place_is_free() {
    let mut bench = bench(2, &[8]);
    bench.park(50, Bench::plain(8));
    bench.ask(100, |draft| {
        draft.lift(JobId(0)).unwrap();
        assert_eq!(draft.lift(JobId(0)), Err(Reason::WrongPhase), "once");
        assert_eq!(draft.preempt(JobId(0)), Err(Reason::WrongPhase));
        assert!(start(draft, JobId(1)));
        assert!(!draft.stay(JobId(0)));
        assert!(draft.take_slice(gpus(1, 0xff)));
        draft.land(JobId(0), BILL).unwrap();
        assert_eq!(draft.placement(JobId(0)), [gpus(1, 0xff)]);
        assert!(!draft.is_placed(JobId(0)), "a job that moves is not moved again, nor preempted");
    });
    assert_eq!(quiet(&mut bench, 101, [stopped(0, 1, 100)]).len(), 2);
}

#[test]
fn a_job_that_is_lifted_and_not_landed_is_a_fault() {
    let mut bench = bench(1, &[4]);
    let result = bench.try_ask(2, |draft| draft.lift(JobId(0)).unwrap());
    assert_eq!(result, Err(Fault::NotLanded(JobId(0))));
}

#[test]
fn what_may_not_move_stays() {
    let mut bench = Bench::nodes(2);
    bench.submit(0, JobSpec { preemptible: false, ..Bench::plain(4) });
    bench.submit(0, Bench::plain(4));
    bench.park(0, Bench::plain(4));
    let orders = bench.ask(10, |draft| {
        let to = |draft: &mut Draft<'_>, job: u32, slices: &[Slice]| draft.migrate(JobId(job), slices, BILL);
        assert_eq!(to(draft, 0, &[gpus(1, 0xf)]), Err(Reason::NotPreemptible));
        assert_eq!(to(draft, 2, &[gpus(1, 0xf)]), Err(Reason::WrongPhase), "it waits");
        assert_eq!(to(draft, 1, &[gpus(0, 0x1e)]), Err(Reason::NotFree { node: NodeId(0) }));
        assert_eq!(to(draft, 1, &[gpus(1, 0x7)]), Err(Reason::WrongGang));
        assert_eq!(to(draft, 1, &[gpus(0, 0x30), gpus(1, 0xc)]), Err(Reason::WrongGang));
        assert_eq!(draft.land(JobId(1), BILL), Err(Reason::WrongPhase), "it was never lifted");
        assert!(draft.is_placed(JobId(1)) && draft.open().is_empty());
    });
    assert_eq!(orders, none());
}

#[test]
fn the_goal_must_be_on_nodes_that_are_up() {
    let mut bench = bench(2, &[4]);
    quiet(&mut bench, 1, [Event::NodeDrained { node: NodeId(1) }]);
    bench.ask(10, |draft| {
        let refused = Err(Reason::NodeNotUp { node: NodeId(1) });
        assert_eq!(draft.migrate(JobId(0), &[gpus(1, 0xf)], BILL), refused);
    });
    assert_eq!(bench.job(0).phase, Phase::Running);
}

/// A job on n0 that moves to n1 at 100 s, and is still draining.
fn moving() -> Bench {
    let mut bench = bench(3, &[8]);
    bench.ask(100, |draft| migrate(draft, 0, gpus(1, 0xff)));
    assert_eq!(free(&bench), 16);
    bench
}

#[test]
fn a_job_that_finishes_before_it_stops_gives_its_goal_back() {
    let mut bench = moving();
    assert_eq!(quiet(&mut bench, 110, [completed(0, 1)]), ["close j0 finished"]);
    assert_eq!((bench.job(0).migrations, free(&bench)), (0, 24), "it never moved");
    assert_eq!(bench.core().state().evictions()[0].cost(), 0);
}

#[test]
fn a_job_that_fails_before_it_stops_waits_and_has_spent_no_retry() {
    let mut bench = moving();
    assert_eq!(quiet(&mut bench, 110, [failed(0, 1, 3)]), none());
    let job = bench.job(0);
    assert_eq!((job.phase, job.failures, job.preemptions, job.migrations), (Phase::Ready, 0, 0, 1));
    assert_eq!(free(&bench), 24);
    assert_eq!(bench.ask(111, |draft| assert!(start(draft, JobId(0)))), ["launch j0/2 on n0:0-7"]);
}

#[test]
fn a_job_that_is_cancelled_gives_its_goal_back_at_once() {
    let mut bench = moving();
    assert_eq!(quiet(&mut bench, 105, [Event::Cancelled { job: JobId(0) }]), none());
    assert_eq!(free(&bench), 24);
    assert_eq!(quiet(&mut bench, 110, [stopped(0, 1, 100)]), ["close j0 cancelled"]);
    assert_eq!(bench.job(0).outcome(), Some(Outcome::Cancelled));
}

#[test]
fn a_job_that_is_put_on_hold_gives_its_goal_back_and_goes_to_the_queue_when_released() {
    let mut bench = moving();
    quiet(&mut bench, 105, [Event::JobHeld { job: JobId(0) }]);
    assert_eq!((bench.job(0).phase, free(&bench)), (Phase::Draining(Cause::Held), 24));
    quiet(&mut bench, 106, [Event::JobReleased { job: JobId(0) }]);
    assert_eq!(quiet(&mut bench, 110, [stopped(0, 1, 100)]), none());
    assert_eq!(bench.job(0).phase, Phase::Ready);
}

#[test]
fn a_goal_that_breaks_while_the_run_drains_sends_the_job_to_the_queue() {
    let mut bench = moving();
    assert_eq!(quiet(&mut bench, 105, [Event::NodeDown { node: NodeId(1) }]), none(), "the run may still save");
    assert_eq!((bench.job(0).phase, free(&bench)), (Phase::Draining(Cause::Migrated), 16));
    assert_eq!(quiet(&mut bench, 110, [stopped(0, 1, 100)]), none());
    let job = bench.job(0);
    assert_eq!((job.phase, job.node_losses, job.migrations, job.preemptions), (Phase::Ready, 0, 1, 0));
    assert_eq!(bench.ask(111, |draft| assert!(start(draft, JobId(0)))), ["launch j0/2 on n0:0-7 from 100s"]);
}

#[test]
fn a_goal_that_breaks_while_it_is_waited_for_frees_the_claim() {
    let mut bench = bench(2, &[8, 8]);
    bench.ask(100, |draft| shuffle(draft, &[(0, gpus(1, 0xff)), (1, gpus(0, 0xff))]));
    quiet(&mut bench, 105, [stopped(0, 1, 100)]);
    assert_eq!(quiet(&mut bench, 106, [Event::NodeDown { node: NodeId(1) }]), ["kill j1/1"]);
    assert_eq!((bench.job(0).phase, bench.job(0).attempt), (Phase::Ready, 1), "no world has heard of attempt 2");
    assert_eq!(quiet(&mut bench, 106, [stopped(1, 1, 60)]), ["launch j1/2 on n0:0-7 from 60s"]);
}

#[test]
fn a_source_that_breaks_kills_the_run_and_the_job_goes_on_at_its_goal() {
    let mut bench = moving();
    assert_eq!(quiet(&mut bench, 105, [Event::NodeDown { node: NodeId(0) }]), ["kill j0/1"]);
    assert_eq!(quiet(&mut bench, 105, [stopped(0, 1, 60)]), ["launch j0/2 on n1:0-7 from 60s"]);
    assert_eq!((bench.job(0).node_losses, bench.job(0).migrations), (0, 1), "it was told to stop before");
    assert_eq!(bench.core().state().evictions()[0].lost, 8000 * 40 * u128::from(MICROS));
}

#[test]
fn a_node_that_is_source_and_goal_takes_both() {
    let mut bench = bench(1, &[4]);
    bench.ask(100, |draft| migrate(draft, 0, gpus(0, 0xf0)));
    assert_eq!(quiet(&mut bench, 105, [Event::NodeDown { node: NodeId(0) }]), ["kill j0/1"]);
    assert_eq!(quiet(&mut bench, 105, [stopped(0, 1, 0)]), none());
    assert_eq!(bench.job(0).phase, Phase::Ready);
}

#[test]
fn a_run_that_does_not_stop_in_time_is_killed_and_goes_on_from_its_checkpoint() {
    let mut bench = moving();
    assert_eq!(quiet(&mut bench, 130, [alarm(0, 1, Alarm::Grace)]), ["kill j0/1"]);
    assert_eq!(quiet(&mut bench, 130, [stopped(0, 1, 20)]), ["launch j0/2 on n1:0-7 from 20s"]);
    assert_eq!(quiet(&mut bench, 131, [alarm(0, 1, Alarm::Grace)]), none(), "it is about a run that is over");
}

#[test]
fn a_claim_that_never_launched_moves_for_nothing() {
    let mut bench = bench(2, &[8]);
    bench.park(50, Bench::plain(4));
    bench.ask(100, |draft| {
        draft.preempt(JobId(0)).unwrap();
        assert!(draft.take_slice(gpus(0, 0xf)));
        draft.start(JobId(1)).unwrap();
    });
    assert_eq!(bench.ask(101, |draft| migrate(draft, 1, gpus(1, 0xf0))), ["launch j1/1 on n1:4-7"]);
    assert_eq!((bench.job(1).migrations, bench.core().state().evictions().len()), (0, 1));
    assert_eq!(quiet(&mut bench, 110, [stopped(0, 1, 100)]), none());
}

#[test]
fn a_claim_that_never_launched_can_move_to_gpus_that_drain() {
    let mut bench = bench(2, &[8, 8]);
    bench.park(50, Bench::plain(4));
    bench.ask(100, |draft| {
        draft.preempt(JobId(0)).unwrap();
        draft.preempt(JobId(1)).unwrap();
        assert!(draft.take_slice(gpus(0, 0xf)));
        draft.start(JobId(2)).unwrap();
    });
    assert_eq!(bench.ask(101, |draft| migrate(draft, 2, gpus(1, 0xf0))), none());
    assert_eq!(quiet(&mut bench, 110, [stopped(0, 1, 100)]), none());
    assert_eq!(quiet(&mut bench, 111, [stopped(1, 1, 100)]), ["launch j2/1 on n1:4-7"]);
}

#[test]
fn a_launch_that_has_not_started_can_move() {
    let mut bench = Bench::nodes(2);
    bench.submit(0, Bench::plain(8));
    assert_eq!(bench.ask(10, |draft| migrate(draft, 0, gpus(1, 0xff))), ["drain j0/1 within 0s"]);
    assert_eq!(quiet(&mut bench, 10, [stopped(0, 1, 0)]), ["launch j0/2 on n1:0-7"]);
    assert_eq!(bench.core().state().evictions()[0].lost, 8000 * 10 * u128::from(MICROS));
}

#[test]
fn a_job_on_its_way_can_move_again() {
    let mut bench = bench(3, &[8, 8]);
    bench.ask(100, |draft| shuffle(draft, &[(0, gpus(1, 0xff)), (1, gpus(0, 0xff))]));
    bench.ask(101, |draft| assert_eq!(draft.lift(JobId(0)), Err(Reason::WrongPhase), "its run still drains"));
    quiet(&mut bench, 105, [stopped(0, 1, 100)]);
    let orders = bench.ask(106, |draft| migrate(draft, 0, gpus(2, 0xff)));
    assert_eq!(orders, ["launch j0/2 on n2:0-7 from 100s"]);
    assert_eq!(bench.job(0).migrations, 1, "the second was only a claim");
}

#[test]
fn tenants_are_charged_for_the_goal_from_the_decision_on() {
    let mut bench = moving();
    let placed = |bench: &Bench| bench.core().state().tenants().get(engine::TenantId(0)).placed.gpu_milli;
    assert_eq!(placed(&bench), 8000);
    quiet(&mut bench, 105, [Event::NodeDown { node: NodeId(1) }]);
    assert_eq!(placed(&bench), 0);
}

#[test]
fn a_what_if_about_a_job_that_moves_frees_its_goal() {
    let mut bench = bench(2, &[8]);
    bench.ask(100, |draft| {
        migrate(draft, 0, gpus(1, 0xff));
        let (mark, before) = (draft.mark(), format!("{draft:?}"));
        draft.vacate(JobId(0));
        assert_eq!(draft.cluster().free_gpu_milli(), 16_000);
        draft.rollback(mark);
        assert_eq!(format!("{draft:?}"), before);
    });
    assert_eq!(quiet(&mut bench, 100, [stopped(0, 1, 100)]), ["launch j0/2 on n1:0-7 from 100s"]);
}
