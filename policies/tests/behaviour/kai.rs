//! KAI by its documentation: deserved quotas, over-quota shares, reclaim, preemption within a queue.

use engine::{Reason, Resource, Terms};

use crate::yard::{Yard, gpus_only, quota};

/// A queue of a priority and a weight.
fn queue(gpus: u64, priority: i32, weight_milli: u32) -> Terms {
    Terms { priority, weight_milli, ..quota(gpus) }
}

fn submit_many(yard: &mut Yard, path: &str, jobs: usize) {
    for _ in 0..jobs {
        yard.submit(path, 1);
    }
}

/// Scheduling deep dive, "Queue priority": 10 GPUs, quotas 2, 3, 2; the 3 left go 2 : 1 to the queues of priority 2.
#[test]
fn queues_get_their_share_whoever_comes_first() {
    let queues = [("vision", queue(2, 2, 2000)), ("llm", queue(3, 2, 1000)), ("batch", queue(2, 1, 100_000))];
    for first in 0..3 {
        let mut yard = Yard::new("kai", &[10]);
        for (path, terms) in queues {
            yard.terms(path, terms);
        }
        for at in [0, 1, 2].map(|at| (at + first) % 3) {
            submit_many(&mut yard, queues[at].0, 10);
        }
        assert_eq!(["vision", "llm", "batch"].map(|path| yard.gpus(path)), [4, 4, 2], "{first} first");
        yard.drain();
    }
}

/// "Quota is guaranteed": what a queue deserves is reclaimed from those above their quota, lowest priority and newest first.
#[test]
fn a_deserved_quota_is_reclaimed() {
    let mut yard = Yard::new("kai", &[8]);
    yard.terms("a", queue(4, 0, 1000)).terms("b", queue(4, 0, 1000));
    for priority in [1, 0, 0, 2] {
        yard.wait(10).submit_as("a", 2, |spec| spec.priority = priority);
    }
    assert_eq!(yard.gpus("a"), 8);
    yard.wait(10).submit("b", 2);
    assert_eq!(yard.preempted, [2], "the newest of the lowest priority");
    yard.wait(10).submit("b", 2);
    assert_eq!((yard.gpus("a"), yard.gpus("b"), yard.preempted.clone()), (4, 4, vec![2, 1]));
    yard.wait(10).submit_as("b", 2, |spec| spec.priority = 100);
    assert_eq!((yard.gpus("a"), yard.gpus("b")), (4, 4), "quotas are protected, whatever the priority of a job");
    yard.drain();
}

/// Fair-share reclaim needs no quota: three queues of equal weight get a third each.
#[test]
fn a_fair_share_is_reclaimed_without_quotas() {
    let mut yard = Yard::new("kai", &[9]);
    for path in ["a", "b", "c"] {
        yard.tenant(path);
    }
    submit_many(&mut yard, "a", 9);
    submit_many(&mut yard, "b", 9);
    assert_eq!((yard.gpus("a"), yard.gpus("b")), (5, 4), "the rest of rounding goes to the first");
    submit_many(&mut yard, "c", 9);
    assert_eq!(["a", "b", "c"].map(|path| yard.gpus(path)), [3, 3, 3]);
    yard.drain();
}

/// A queue reclaims up to its fair share and no further: a job that would take it above waits.
#[test]
fn nobody_reclaims_beyond_its_fair_share() {
    let mut yard = Yard::new("kai", &[8]);
    yard.tenant("a");
    yard.tenant("b");
    submit_many(&mut yard, "a", 8);
    let large = yard.submit("b", 5);
    assert!(yard.is_waiting(large) && yard.preempted.is_empty());
    yard.submit("b", 4);
    assert_eq!((yard.gpus("a"), yard.gpus("b")), (4, 4));
}

/// Departments and teams: a team takes from the other department, and inside its own only from the team that has more.
#[test]
fn shares_hold_at_every_level() {
    let mut yard = Yard::new("kai", &[12]);
    for path in ["red/x", "red/y", "blue/z"] {
        yard.tenant(path);
    }
    submit_many(&mut yard, "red/x", 12);
    submit_many(&mut yard, "blue/z", 12);
    assert_eq!((yard.gpus("red"), yard.gpus("blue")), (6, 6));
    submit_many(&mut yard, "red/y", 12);
    assert_eq!(["red/x", "red/y", "blue/z"].map(|path| yard.gpus(path)), [3, 3, 6]);
    yard.drain();
}

/// "Priority 2, weight 1 gets the surplus before priority 1, weight 100."
#[test]
fn queue_priority_goes_before_weight() {
    let mut yard = Yard::new("kai", &[6]);
    yard.terms("low", queue(1, 1, 100_000)).terms("high", queue(1, 2, 1000));
    submit_many(&mut yard, "low", 6);
    submit_many(&mut yard, "high", 6);
    assert_eq!((yard.gpus("low"), yard.gpus("high")), (1, 5));
}

/// "Non-preemptible workloads can only use in-quota resources."
#[test]
fn what_may_not_be_preempted_stays_within_the_quota() {
    let mut yard = Yard::new("kai", &[8]);
    yard.terms("a", quota(2));
    let jobs: Vec<u32> = (0..3).map(|_| yard.submit_as("a", 1, |spec| spec.preemptible = false)).collect();
    assert_eq!(yard.running(), jobs[..2]);
    assert_eq!(yard.reason(jobs[2]), Reason::OverQuota { resource: Resource::Gpu, used: 2000, quota: 2000 });
    yard.submit("a", 4);
    assert_eq!(yard.gpus("a"), 6, "others may go beyond");
}

#[test]
fn a_limit_is_a_hard_cap() {
    let mut yard = Yard::new("kai", &[8]);
    yard.terms("org", Terms { limit: Some(gpus_only(3)), ..Terms::default() });
    submit_many(&mut yard, "org/a", 4);
    submit_many(&mut yard, "org/b", 4);
    assert_eq!(yard.gpus("org"), 3);
}

/// Preempt: strictly lower priorities of the same queue, never those of another.
#[test]
fn priorities_preempt_within_a_queue_only() {
    let mut yard = Yard::new("kai", &[4]);
    yard.terms("a", quota(2)).terms("b", quota(2));
    yard.submit("a", 2);
    yard.submit("b", 1);
    yard.wait(5).submit("b", 1);
    let equal = yard.submit("b", 1);
    assert!(yard.is_waiting(equal));
    let high = yard.submit_as("b", 1, |spec| spec.priority = 5);
    assert_eq!(yard.preempted, [2], "the newest of its own queue");
    assert!(yard.running().contains(&high) && yard.gpus("a") == 2);
    yard.drain();
}

/// min-runtime: a run is spared at first; when that is over, the policy looks again by itself.
#[test]
fn a_run_is_spared_for_its_minimum() {
    for (policy, jobs) in
        [("kai[reclaim-min=600]", [("a", 0), ("b", 0)]), ("kai[preempt-min=600]", [("a", 0), ("a", 1)])]
    {
        let mut yard = Yard::new(policy, &[2]);
        yard.terms("a", quota(1)).terms("b", quota(1));
        let gpus = if jobs[1].0 == "b" { 1 } else { 2 };
        yard.submit(jobs[0].0, 1);
        yard.submit(jobs[0].0, 1);
        yard.wait(100).submit_as(jobs[1].0, gpus, |spec| spec.priority = jobs[1].1);
        yard.wait(499);
        assert!(yard.preempted.is_empty(), "{policy}");
        yard.wait(1);
        assert!(!yard.preempted.is_empty(), "{policy}");
        yard.drain();
    }
}

/// With `priority-in-quota` a queue of higher priority reclaims within its quota from one within its own.
#[test]
fn by_priority_quotas_are_not_safe() {
    let taken = |policy: &str, priority: i32| {
        let mut yard = Yard::new(policy, &[4]);
        yard.terms("a", queue(4, 1, 1000)).terms("b", queue(4, priority, 1000));
        yard.submit("a", 4);
        yard.submit("b", 2);
        yard.preempted
    };
    assert!(taken("kai", 2).is_empty());
    assert_eq!(taken("kai[priority-in-quota=true]", 2), [0]);
    assert!(taken("kai[priority-in-quota=true]", 1).is_empty());
}

/// Time-based fair share: two queues of equal weight, each with jobs of the whole cluster: they take turns.
#[test]
fn with_a_window_queues_take_turns_in_time() {
    let mut yard = Yard::new("kai[window=24,reclaim-min=60]", &[4]);
    for path in ["a", "b"] {
        yard.tenant(path);
    }
    let mut held = [0u64; 2];
    for path in ["a", "b"] {
        for _ in 0..4 {
            yard.submit(path, 4);
        }
    }
    for _ in 0..600 {
        yard.wait(600);
        for (at, path) in ["a", "b"].iter().enumerate() {
            held[at] += yard.gpus(path);
        }
    }
    let share = held[0] as f64 / (held[0] + held[1]) as f64;
    assert!((0.4..0.6).contains(&share), "{held:?}");
    assert!(yard.preempted.len() > 4, "{:?}", yard.preempted);
}

/// KAI issue 586 and the multiplier: who would be as saturated as its victim after all does not reclaim.
#[test]
fn a_quota_that_shrinks_lets_others_reclaim() {
    let mut yard = Yard::new("kai", &[8]);
    yard.terms("a", quota(8)).terms("b", quota(0));
    yard.submit("a", 4);
    yard.wait(1).submit("a", 4);
    yard.terms("a", quota(4)).terms("b", quota(4));
    assert_eq!((yard.gpus("a"), yard.preempted.len()), (8, 0), "nobody is killed");
    yard.submit("b", 4);
    assert_eq!((yard.gpus("a"), yard.gpus("b"), yard.preempted.clone()), (4, 4, vec![1]));
}
