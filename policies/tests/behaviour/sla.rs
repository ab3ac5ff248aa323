//! Promises: what is promised is kept, what cannot be kept is not promised, and others are stopped as late as possible.

use engine::{Inventory, JobId, MICROS, Outcome, Reason, Time};
use proptest::prelude::*;

use super::siding::{Costs, Plan, Yard};

const EXACT: &str = "sla[estimates=true,admission=reject]";

fn on(gpus: u32, policy: &str, plans: &[Plan]) -> Yard {
    Yard::new(Inventory::uniform(1, gpus, "GPU"), policy, plans, Costs::default())
}

fn secs(secs: u64) -> Time {
    Time(secs * MICROS)
}

#[test]
fn the_earliest_deadline_goes_first() {
    let plans = [
        Plan { preemptible: false, ..Plan::new(0, 1, 100) },
        Plan::new(1, 1, 50).due(900),
        Plan::new(2, 1, 50).due(400),
        Plan::new(3, 1, 50),
        Plan::new(4, 1, 50).due(300),
    ];
    let yard = on(1, EXACT, &plans).finish();
    let ends: Vec<Option<u64>> = (0..5).map(|job| yard.ended(job)).collect();
    assert_eq!(ends, [100, 250, 200, 300, 150].map(Some));
}

#[test]
fn what_cannot_be_met_is_turned_away_with_the_earliest_end() {
    let plans = [Plan::new(0, 1, 100).due(100), Plan::new(1, 1, 50).due(120), Plan::new(2, 1, 50).due(150)];
    let mut yard = on(1, EXACT, &plans);
    yard.run_until(1);
    assert_eq!(yard.core.state().jobs()[1].outcome(), Some(Outcome::Rejected));
    let yard = yard.finish();
    assert_eq!((yard.ended(0), yard.ended(2)), (Some(100), Some(150)));
    // Demoted, it runs behind the others; unasked, it spoils what follows it.
    let yard = on(1, "sla[estimates=true,admission=demote]", &plans).finish();
    assert_eq!((yard.ended(1), yard.ended(2)), (Some(200), Some(150)));
    let yard = on(1, "sla[estimates=true,admission=off]", &plans).finish();
    assert_eq!((yard.ended(1), yard.ended(2)), (Some(200), Some(150)));
    assert_eq!(
        Reason::CannotMeet { earliest: secs(150) }.to_string(),
        "it cannot be done in time without breaking a promise; the earliest is 150s"
    );
}

#[test]
fn others_are_stopped_at_the_last_moment() {
    let plans = [Plan::new(0, 1, 1000), Plan::new(10, 1, 100).due(500)];
    let mut yard = on(1, EXACT, &plans);
    yard.run_until(20);
    assert!(matches!(yard.core.state().reason(JobId(1)), Some(Reason::Reserved { start }) if start == secs(400)));
    let yard = yard.finish();
    assert_eq!(yard.evicted(), [(400, 0)]);
    assert_eq!(yard.ended(1), Some(500));
    // Who would have ended in time is not stopped at all.
    let yard = on(1, EXACT, &[Plan::new(0, 1, 300), Plan::new(10, 1, 100).due(500)]).finish();
    assert!(yard.evicted().is_empty());
}

#[test]
fn a_latest_start_is_kept_and_the_cheapest_is_stopped_for_it() {
    let start_by = |submit, by| Plan { start_by: Some(by), ..Plan::new(submit, 1, 100) };
    let plans = [Plan::new(0, 1, 1000), Plan::new(5, 1, 1000), start_by(10, 60)];
    let yard = on(2, EXACT, &plans).finish();
    assert_eq!(yard.evicted(), [(60, 1)]);
    assert_eq!(yard.core.state().jobs()[2].first_launch, secs(60));
    let plans = [Plan { preemptible: false, ..Plan::new(0, 1, 1000) }, start_by(10, 60)];
    let yard = on(1, EXACT, &plans).finish();
    assert_eq!(yard.core.state().jobs()[1].outcome(), Some(Outcome::Rejected));
}

#[test]
fn a_job_that_cannot_be_stopped_does_not_start_where_it_breaks_a_promise() {
    let firm = |submit, work| Plan { preemptible: false, ..Plan::new(submit, 1, work) };
    // The gang of two waits for the first GPU; the second is free, but only for who is gone by 150.
    let plans = [firm(0, 100), Plan::new(1, 2, 50).due(200), firm(2, 300), firm(3, 140)];
    let yard = on(2, EXACT, &plans).finish();
    assert_eq!(yard.ended(3), Some(143));
    assert_eq!(yard.ended(1), Some(193));
    assert!(yard.ended(2) > Some(193));
}

/// Jobs with a deadline, a latest start or neither; the slack is a share of the work.
fn plans(gpus: u32, last: u64) -> impl Strategy<Value = Vec<Plan>> {
    let plan = (0..=last, 1..=gpus, 1..200u64, 0..300u64, 0..3u8, prop::bool::weighted(0.7));
    let plan = plan.prop_map(|(submit, gpus, work, slack, kind, preemptible)| Plan {
        preemptible,
        deadline: (kind == 1).then_some(submit + work + slack),
        start_by: (kind == 2).then_some(submit + slack),
        ..Plan::new(submit, gpus, work)
    });
    prop::collection::vec(plan, 1..25)
}

fn broken(yard: &Yard) -> Vec<(usize, u64)> {
    let late = |(at, job): (usize, &engine::Job)| {
        let promised = job.outcome() != Some(Outcome::Rejected);
        let late = job.spec.deadline.is_some_and(|deadline| job.ended > deadline)
            || job.spec.start_by.is_some_and(|start_by| job.first_launch > start_by);
        (promised && late).then_some((at, job.ended.0 / MICROS))
    };
    yard.core.state().jobs().iter().enumerate().filter_map(late).collect()
}

/// Whether the jobs with targets that start together could all be met if everybody else were away: a search over all
/// orders, on one GPU.
fn some_order_meets(plans: &[Plan], now: u64) -> bool {
    if plans.is_empty() {
        return true;
    }
    (0..plans.len()).any(|at| {
        let mut rest = plans.to_vec();
        let plan = rest.remove(at);
        let end = now + plan.work;
        let met = plan.deadline.is_none_or(|due| end <= due) && plan.start_by.is_none_or(|due| now <= due);
        met && some_order_meets(&rest, end)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]

    #[test]
    fn every_promise_is_kept_on_one_machine(plans in plans(1, 600)) {
        let yard = on(1, EXACT, &plans).finish();
        prop_assert_eq!(broken(&yard), vec![]);
        prop_assert!(yard.core.state().jobs().iter().all(|job| job.outcome().is_some()));
    }

    #[test]
    fn gangs_on_several_nodes_are_promised_only_what_is_kept_when_nobody_else_comes(plans in plans(8, 0)) {
        let yard = Yard::new(Inventory::uniform(3, 4, "GPU"), EXACT, &plans, Costs::default()).finish();
        prop_assert_eq!(broken(&yard), vec![]);
    }

    #[test]
    fn gangs_that_keep_coming_break_no_promise(plans in plans(8, 600)) {
        let yard = Yard::new(Inventory::uniform(3, 4, "GPU"), EXACT, &plans, Costs::default()).finish();
        prop_assert_eq!(broken(&yard), vec![]);
    }

    /// Deadlines alone that come together on one GPU: all are promised exactly when some order meets them all.
    #[test]
    fn on_one_machine_admission_turns_nobody_away_without_need(
        works in prop::collection::vec((1..60u64, 0..150u64), 1..6),
    ) {
        let plans: Vec<Plan> = works.iter().map(|(work, slack)| Plan::new(0, 1, *work).due(work + slack)).collect();
        let yard = on(1, EXACT, &plans).finish();
        let rejected = yard.core.state().jobs().iter().any(|job| job.outcome() == Some(Outcome::Rejected));
        prop_assert_eq!(!rejected, some_order_meets(&plans, 0));
    }

    #[test]
    fn what_was_promised_is_never_stopped(plans in plans(4, 600)) {
        let yard = Yard::new(Inventory::uniform(2, 4, "GPU"), "sla[estimates=true]", &plans, Costs { restart: 7, drain: 3 }).finish();
        for eviction in yard.core.state().evictions() {
            prop_assert!(yard.core.state().memo(eviction.job)[0] != 1);
            prop_assert!(yard.core.state().memo(eviction.bill.by.unwrap())[0] == 1);
        }
        prop_assert!(yard.core.state().jobs().iter().all(|job| job.outcome().is_some()));
    }
}
