//! Facts that are late, and facts that contradict the state.

use engine::{
    Alarm, ClassId, Event, Fault, JobId, JobSpec, NodeId, Phase, Rate, Shape, Span, TaskRequest, TenantId, Time,
};

use crate::bench::{Bench, alarm, completed, failed, run, started, stopped};

fn submitted(job: u32, spec: JobSpec) -> Event {
    Event::Submitted { job: JobId(job), spec: Box::new(spec), truth: None }
}

fn fault(event: Event) -> Fault {
    Bench::nodes(1).try_at(0, [event]).unwrap_err()
}

#[test]
fn facts_about_dead_runs_change_nothing() {
    let mut bench = Bench::nodes(1);
    bench.submit(0, Bench::plain(8));
    bench.at(0, [started(0, 1)]);
    bench.ask(5, |draft| draft.preempt(JobId(0)).unwrap());
    bench.at(5, [stopped(0, 1, 5)]);
    bench.at(6, [started(0, 2)]);
    let before = bench.job(0).clone();
    let late = [completed(0, 1), failed(0, 1, 1), Event::Saved { run: run(0, 1), work: Span::secs(99) }];
    assert!(bench.at(7, late).is_empty());
    assert!(bench.at(7, [started(0, 1), alarm(0, 1, Alarm::TimeLimit)]).is_empty());
    assert!(bench.at(7, [completed(0, 3), started(0, 3)]).is_empty(), "an attempt that never was");
    assert_eq!(*bench.job(0), before);
    bench.at(8, [completed(0, 2)]);
    assert!(bench.at(9, [completed(0, 2), failed(0, 2, 1), started(0, 2)]).is_empty(), "it is over");
}

#[test]
fn facts_about_a_claim_that_was_not_launched_change_nothing() {
    let mut bench = Bench::nodes(1);
    bench.submit(0, JobSpec { grace: Span::secs(60), ..Bench::plain(8) });
    bench.at(0, [started(0, 1)]);
    let second = bench.submission(Bench::plain(8));
    bench.at_with(1, [second], |draft| {
        draft.preempt(JobId(0)).unwrap();
        assert!(crate::bench::start(draft, JobId(1)));
    });
    assert!(bench.at(2, [started(1, 1), completed(1, 1)]).is_empty());
    assert_eq!(bench.job(1).phase, Phase::Launching);
}

#[test]
fn stale_alarms_change_nothing() {
    let mut bench = Bench::nodes(1);
    bench.submit(0, JobSpec { time_limit: Some(Span::secs(9)), ..Bench::plain(8) });
    assert!(bench.at(0, [alarm(0, 1, Alarm::Grace), alarm(0, 1, Alarm::Backoff)]).is_empty(), "nothing of that kind");
    assert!(bench.at(0, [alarm(0, 1, Alarm::TimeLimit)]).is_empty(), "it does not run yet");
    bench.at(0, [started(0, 1)]);
    bench.at(5, [completed(0, 1)]);
    assert!(bench.at(9, [alarm(0, 1, Alarm::TimeLimit), alarm(0, 1, Alarm::Grace)]).is_empty());
}

#[test]
fn a_second_start_of_a_run_changes_nothing() {
    let mut bench = Bench::nodes(1);
    bench.submit(0, Bench::plain(8));
    bench.at(1, [started(0, 1)]);
    bench.at(5, [Event::Started { run: run(0, 1), rate: Rate::ppm(500_000) }]);
    assert_eq!((bench.job(0).running_since, bench.job(0).rate), (Time(1_000_000), Rate::FULL));
}

#[test]
fn the_safe_point_never_moves_back() {
    let mut bench = Bench::nodes(1);
    bench.submit(0, Bench::plain(8));
    bench.at(0, [started(0, 1)]);
    bench.at(9, [Event::Saved { run: run(0, 1), work: Span::secs(9) }]);
    bench.at(10, [Event::Saved { run: run(0, 1), work: Span::secs(4) }]);
    assert_eq!(bench.job(0).work_saved, Span::secs(9));
    assert_eq!(bench.job(0).work_at_risk(Time(12_000_000)), Span::secs(3));
}

#[test]
fn facts_out_of_order_are_faults() {
    let mut bench = Bench::nodes(1);
    bench.at(5, [Event::Woke]);
    let back = bench.try_at(4, [Event::Woke]);
    assert_eq!(back, Err(Fault::TimeWentBack { from: Time(5_000_000), to: Time(4_000_000) }));
    assert_eq!(fault(submitted(1, Bench::plain(1))), Fault::JobOutOfOrder(JobId(1)));
    let shape = Shape::uniform(1, TaskRequest::whole_gpus(1));
    let class = ClassId(99);
    assert_eq!(fault(Event::ClassDeclared { class, shape: shape.clone() }), Fault::ClassOutOfOrder(class));
    let none = Shape { groups: smallvec::SmallVec::new(), ..shape.clone() };
    let class = ClassId(17);
    assert_eq!(fault(Event::ClassDeclared { class, shape: none }), Fault::MalformedShape(class));
    let mut empty = shape;
    empty.groups[0].tasks_min = 0;
    assert_eq!(fault(Event::ClassDeclared { class, shape: empty }), Fault::MalformedShape(class));
}

#[test]
fn tenants_come_parents_first_and_with_a_weight() {
    let tenant = |id: u32, parent: Option<u32>, weight_milli: u32| Event::TenantDeclared {
        tenant: TenantId(id),
        name: "x".to_owned(),
        parent: parent.map(TenantId),
        weight_milli,
    };
    for event in [tenant(2, None, 1000), tenant(1, Some(1), 1000), tenant(1, Some(7), 1000), tenant(1, None, 0)] {
        assert!(matches!(fault(event.clone()), Fault::TenantOutOfOrder(_)), "{event:?}");
    }
    assert!(Bench::nodes(1).try_at(0, [tenant(1, Some(0), 1000)]).is_ok());
}

#[test]
fn references_to_nothing_are_faults() {
    let class = JobSpec { class: ClassId(99), ..Bench::plain(1) };
    let tenant = JobSpec { tenant: TenantId(9), ..Bench::plain(1) };
    let itself = JobSpec { after: [JobId(0)].into_iter().collect(), ..Bench::plain(1) };
    for spec in [class, tenant, itself] {
        assert_eq!(fault(submitted(0, spec.clone())), Fault::BadReference(JobId(0)), "{spec:?}");
    }
    let job = JobId(3);
    for event in [
        completed(3, 1),
        started(3, 1),
        alarm(3, 1, Alarm::Grace),
        Event::Cancelled { job },
        Event::JobHeld { job },
        Event::JobReleased { job },
    ] {
        assert_eq!(fault(event), Fault::UnknownJob(job));
    }
    let node = NodeId(1);
    for event in
        [Event::NodeDown { node }, Event::NodeUp { node }, Event::NodeDrained { node }, Event::NodeResumed { node }]
    {
        assert_eq!(fault(event), Fault::UnknownNode(node));
    }
}

#[test]
fn a_what_if_that_is_left_open_is_a_fault() {
    let mut bench = Bench::nodes(1);
    bench.submit(0, Bench::plain(8));
    let second = bench.submission(Bench::plain(8));
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        bench.at_with(1, [second], |draft| draft.vacate(JobId(0)));
    }));
    let panic = result.unwrap_err();
    let text = panic.downcast_ref::<String>().unwrap();
    assert!(text.contains("OpenWhatIf(JobId(0))"), "{text}");
}
