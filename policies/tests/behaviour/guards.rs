//! What protects runs from being stopped: guards by hand, guards under random load, and the price of victims.

use engine::{Inventory, JobId, MICROS, Reason, Time};
use proptest::prelude::*;

use super::siding::{Costs, Plan, Yard};

fn on(gpus: u32, policy: &str, plans: &[Plan]) -> Yard {
    Yard::new(Inventory::uniform(1, gpus, "GPU"), policy, plans, Costs::default())
}

fn secs(secs: u64) -> Time {
    Time(secs * MICROS)
}

#[test]
fn a_young_run_is_left_alone_until_its_time_is_up() {
    let plans = [Plan::new(0, 1, 500), Plan::new(10, 1, 100).priority(1)];
    let mut yard = on(1, "priority[min-runtime=60]", &plans);
    yard.run_until(20);
    assert_eq!(yard.core.state().reason(JobId(1)), Some(Reason::VictimsProtected { until: secs(60) }));
    let yard = yard.finish();
    assert_eq!(yard.evicted(), [(60, 0)]);
    assert_eq!((yard.ended(0), yard.ended(1)), (Some(660), Some(160)));
}

#[test]
fn a_job_that_was_stopped_often_enough_runs_to_its_end() {
    let mut plans = vec![Plan::new(0, 1, 500)];
    plans.extend((1..6).map(|at| Plan::new(at * 100, 1, 10).priority(1)));
    let mut yard = on(1, "priority[max-preemptions=2]", &plans);
    yard.run_until(305);
    assert_eq!(yard.core.state().reason(JobId(3)), Some(Reason::VictimsProtected { until: Time::NEVER }));
    let yard = yard.finish();
    assert_eq!(yard.evicted(), [(100, 0), (200, 0)]);
    let text = yard.core.state().jobs()[0].preemptions;
    assert_eq!((text, Reason::VictimsProtected { until: Time::NEVER }.code()), (2, "victims-protected"));
}

#[test]
fn the_rate_opens_an_hour_after_the_eviction_that_filled_it() {
    let plans = [
        Plan::new(0, 1, 20_000),
        Plan::new(0, 1, 20_000),
        Plan::new(100, 1, 9000).priority(1),
        Plan::new(200, 1, 10).priority(1),
    ];
    let mut yard = on(2, "priority[rate=1]", &plans);
    yard.run_until(300);
    assert_eq!(yard.core.state().reason(JobId(3)), Some(Reason::OverPreemptionRate { until: secs(3700) }));
    let evicted = yard.finish().evicted();
    assert_eq!(evicted.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [100, 3700]);
}

#[test]
fn the_budget_counts_what_is_expected_to_be_lost_and_opens_when_the_window_has_passed() {
    // A run of one GPU for 1800 s costs half a GPU-hour, the restart of 1800 s the other half.
    let plans = [
        Plan::new(0, 1, 40_000),
        Plan::new(0, 1, 40_000),
        Plan::new(1800, 1, 50_000).priority(2),
        Plan::new(2000, 1, 10).priority(1),
    ];
    let policy = "priority[budget=3,window=2,restart=1800]";
    let mut yard = on(2, policy, &plans);
    yard.run_until(2000);
    let first = yard.core.state().evictions()[0];
    assert_eq!(first.bill.predicted, 3600 * u128::from(MICROS) * 1000);
    // 3800 s x 1 GPU would make it 2.06 GPU-hours: that is within the budget.
    assert_eq!(yard.finish().evicted().len(), 2);
    let mut yard = on(2, &policy.replace("budget=3", "budget=2"), &plans);
    yard.run_until(2000);
    assert_eq!(yard.core.state().reason(JobId(3)), Some(Reason::OverPreemptionBudget { until: secs(9000) }));
    // At 9000 s the victim has cost too much for the whole budget by itself.
    yard.run_until(9000);
    assert_eq!(yard.core.state().reason(JobId(3)), Some(Reason::OverPreemptionBudget { until: Time::NEVER }));
}

#[test]
fn the_cheapest_victim_is_the_one_that_has_just_saved() {
    let saver = Plan { saves: vec![90], ..Plan::new(0, 1, 500) };
    let plans = [Plan::new(50, 1, 500), saver.clone(), Plan::new(100, 1, 10).priority(1)];
    let yard = on(2, "priority[victims=cost]", &plans).finish();
    // Sorted by submission the saver is job 0.
    assert_eq!(yard.evicted(), [(100, 0)]);
    // Where risk is capped, what it saved no longer makes it the victim: the younger run is.
    let yard = on(2, "priority[victims=cost,risk-max=300]", &plans).finish();
    assert_eq!(yard.evicted(), [(100, 1)]);
}

/// Any jobs, some of which report checkpoints.
fn plans(gpus: u32) -> impl Strategy<Value = Vec<Plan>> {
    let saves = prop_oneof![Just(vec![]), prop::collection::vec(1..400u64, 0..4)];
    let plan = (0..600u64, 1..=gpus, 1..500u64, 0..4i32, prop::bool::weighted(0.9), saves);
    let plan = plan.prop_map(|(submit, gpus, work, priority, preemptible, saves)| Plan {
        priority,
        preemptible,
        saves,
        ..Plan::new(submit, gpus, work)
    });
    prop::collection::vec(plan, 1..30)
}

const POLICIES: [&str; 3] = ["priority", "srtf", "srsf"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_run_is_stopped_before_its_time(plans in plans(4), least in 1..200u64, at in 0..3usize, restart in 0..40u64) {
        let policy = format!("{}[min-runtime={least}]", POLICIES[at]);
        let costs = Costs { restart, drain: restart / 3 };
        let yard = Yard::new(Inventory::uniform(2, 4, "GPU"), &policy, &plans, costs).finish();
        for eviction in yard.core.state().evictions() {
            let ran = yard.stays.iter().find(|stay| stay.run.job == eviction.job && stay.run.attempt == eviction.attempt);
            let stay = ran.unwrap();
            let stopped = eviction.at.0 / MICROS;
            prop_assert!(stopped >= stay.launched + least, "{stay:?} was stopped at {stopped}");
            let progressed = stay.started.filter(|started| *started <= stopped);
            prop_assert!(progressed.is_none_or(|started| stopped >= started + least));
        }
        prop_assert!(yard.core.state().jobs().iter().all(|job| job.outcome().is_some()));
    }

    #[test]
    fn preemptions_of_a_job_are_bounded(plans in plans(4), most in 1..4u32, at in 0..3usize) {
        let policy = format!("{}[max-preemptions={most}]", POLICIES[at]);
        let yard = Yard::new(Inventory::uniform(2, 4, "GPU"), &policy, &plans, Costs { restart: 5, drain: 2 }).finish();
        for job in yard.core.state().jobs() {
            prop_assert!(job.preemptions <= most && job.outcome().is_some());
        }
    }

    #[test]
    fn no_window_holds_more_than_the_budget_and_no_hour_more_than_the_rate(
        plans in plans(4), budget in 1..400u64, rate in 1..5usize, at in 0..3usize,
    ) {
        let hours = budget as f64 / 1000.0;
        let policy = format!("{}[budget={hours},window=0.05,rate={rate},restart=20,drain=3]", POLICIES[at]);
        let yard = Yard::new(Inventory::uniform(2, 4, "GPU"), &policy, &plans, Costs { restart: 20, drain: 3 }).finish();
        let evictions = yard.core.state().evictions();
        let most = u128::from(budget) * 3600 * u128::from(MICROS);
        for (first, eviction) in evictions.iter().enumerate() {
            let within = |secs: u64| evictions[first..].iter().take_while(move |next| next.at < eviction.at + engine::Span::secs(secs));
            prop_assert!(within(180).map(|next| next.bill.predicted).sum::<u128>() <= most);
            prop_assert!(within(3600).count() <= rate);
        }
        prop_assert!(yard.core.state().jobs().iter().all(|job| job.outcome().is_some()));
    }

    /// With one GPU a job there is no packing: the victim is the cheapest of all that may be stopped.
    #[test]
    fn victims_are_those_of_a_naive_sort(plans in plans(1), restart in 0..50u64, cap in prop::option::of(10..200u64)) {
        let cap_text = cap.map_or("none".to_owned(), |cap| cap.to_string());
        let policy = format!("priority[victims=cost,restart={restart},risk-max={cap_text}]");
        let mut yard = Yard::new(Inventory::uniform(1, 3, "GPU"), &policy, &plans, Costs::default());
        for now in 0..2000 {
            if now > 0 {
                yard.run_until(now - 1);
            }
            let before: Vec<_> = yard.core.state().live().iter().map(|id| (*id, yard.core.state().job(*id).clone())).collect();
            let seen = yard.core.state().evictions().len();
            yard.run_until(now);
            let new = &yard.core.state().evictions()[seen..];
            let [eviction] = new else { continue };
            // What started, ended or saved in this second changes the choice: leave such seconds out.
            let same = |id: JobId, job: &engine::Job| {
                let after = yard.core.state().job(id);
                (after.work_saved, after.attempt) == (job.work_saved, job.attempt)
                    && (after.running_since == job.running_since || id == eviction.job)
                    && after.outcome().is_none()
            };
            let quiet = before.iter().all(|(id, job)| same(*id, job));
            let by = yard.core.state().job(eviction.bill.by.unwrap()).spec.priority;
            let cost = |job: &engine::Job| {
                let start = job.running_since.known().unwrap_or(job.placed);
                let safe = job.saved_at.known().unwrap_or(job.placed);
                match cap {
                    None => eviction.at.since(safe).0,
                    Some(cap) if safe > start => cap * MICROS,
                    Some(cap) => eviction.at.since(start).0.min(cap * MICROS),
                }
            };
            let may = before.iter().filter(|(_, job)| job.is_placed() && job.spec.preemptible && job.spec.priority < by);
            let least = may.map(|(_, job)| cost(job)).min();
            let victim = before.iter().find(|(id, _)| *id == eviction.job);
            if let (Some((_, victim)), true) = (victim, quiet) {
                prop_assert_eq!(Some(cost(victim)), least);
            }
        }
    }

    /// A job that hides some or all of its checkpoints is stopped whenever it would have been without hiding them.
    #[test]
    fn hiding_checkpoints_never_protects(
        others in prop::collection::vec((0..300u64, prop::collection::vec(1..300u64, 0..4)), 1..5),
        start in 0..300u64,
        saves in prop::collection::vec((1..300u64, any::<bool>()), 1..5),
        cap in 1..400u64,
    ) {
        let victim = |saves: Vec<u64>| {
            let mut plans: Vec<Plan> =
                others.iter().map(|(at, saves)| Plan { saves: saves.clone(), ..Plan::new(*at, 1, 9000) }).collect();
            // The one in question is known by its work.
            plans.push(Plan { saves, ..Plan::new(start, 1, 9001) });
            plans.push(Plan::new(301, 1, 1).priority(1));
            let policy = format!("priority[victims=cost,risk-max={cap}]");
            let mut yard = on(others.len() as u32 + 1, &policy, &plans);
            yard.run_until(301);
            let evicted = yard.core.state().evictions()[0].job;
            let mut sorted = plans.clone();
            sorted.sort_by_key(|plan| plan.submit);
            sorted[evicted.index()].work == 9001
        };
        let honest: Vec<u64> = saves.iter().map(|(at, _)| *at).collect();
        let hiding: Vec<u64> = saves.iter().filter(|(_, told)| *told).map(|(at, _)| *at).collect();
        if victim(honest) {
            prop_assert!(victim(hiding));
        }
    }

    /// Where the world costs what the policy was told, the bill is what really happens, to the microsecond.
    #[test]
    fn bills_are_what_it_cost(plans in plans(4), restart in 0..40u64, drain in 0..20u64, at in 0..3usize) {
        let policy = format!("{}[restart={restart},drain={drain}]", POLICIES[at]);
        let yard = Yard::new(Inventory::uniform(2, 4, "GPU"), &policy, &plans, Costs { restart, drain }).finish();
        let evictions = yard.core.state().evictions();
        for (at, eviction) in evictions.iter().enumerate() {
            let stay = |attempt| yard.stays.iter().find(|stay| stay.run.job == eviction.job && stay.run.attempt == attempt);
            let (this, next) = (stay(eviction.attempt).unwrap(), stay(eviction.attempt + 1));
            let had_run = this.started.is_some_and(|started| started * MICROS < eviction.at.0);
            let again = evictions[at + 1..].iter().find(|other| other.job == eviction.job);
            let restarted = |next: &super::siding::Stay| again.is_none_or(|again| again.at.0 > next.started.unwrap() * MICROS);
            if had_run && next.is_some_and(restarted) {
                prop_assert_eq!(eviction.cost(), eviction.bill.predicted, "{:?}", eviction);
            }
        }
    }
}
