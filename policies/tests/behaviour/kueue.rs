//! Kueue by its documentation: borrowing, lending, reclaiming, fair sharing.

use engine::{Amounts, Reason, Resource, Shape, TaskGroup, TaskRequest, Terms};

use crate::yard::{Yard, gpus_only, quota};

const RECLAIM: &str = "kueue[cohort=all,reclaim=any,within-queue=lower-priority]";
const FAIR: &str = "kueue[preset=kueue-drs,cohort=all]";

/// Concepts, `ClusterQueue`, "Borrowing example": quotas of 9 and 12; either may use up to 21.
#[test]
fn a_queue_borrows_what_another_leaves() {
    let mut yard = Yard::new("kueue[cohort=all]", &[24]);
    yard.terms("a", quota(9)).terms("b", quota(12));
    for _ in 0..24 {
        yard.submit("a", 1);
    }
    assert_eq!(yard.gpus("a"), 21);
    let left = Reason::QuotasExhausted { resource: Resource::Gpu, need: 1000, left: 0 };
    assert_eq!(yard.reason(21), left);
    assert_eq!(left.to_string(), "needs 1 GPUs, the quotas leave 0");
}

/// "If team-b has pending workloads and team-a has all its quota used, Kueue will admit team-b before new ones of team-a."
#[test]
fn who_is_within_its_quota_goes_before_who_would_borrow() {
    let mut yard = Yard::new("kueue[cohort=all]", &[24]);
    yard.terms("a", quota(9)).terms("b", quota(12));
    yard.submit("a", 9);
    yard.submit_all(&[("a", 6), ("a", 6), ("b", 6), ("b", 6)]);
    assert_eq!((yard.gpus("a"), yard.gpus("b")), (9, 12));
}

/// Concepts, `ClusterQueue`, `BorrowingLimit`: 9 and at most 1 more.
#[test]
fn a_borrowing_limit_holds() {
    let mut yard = Yard::new("kueue[cohort=all]", &[24]);
    yard.terms("a", Terms { borrow: Some(gpus_only(1)), ..quota(9) }).terms("b", quota(12));
    for _ in 0..12 {
        yard.submit("a", 1);
    }
    assert_eq!(yard.gpus("a"), 10);
    for _ in 0..24 {
        yard.submit("b", 1);
    }
    assert_eq!(yard.gpus("b"), 11, "9 + 12 less what a has");
}

/// Concepts, `ClusterQueue`, `LendingLimit`: b lends 1 of its 12, the rest is its own at any time.
#[test]
fn what_is_not_lent_is_there_at_once() {
    let mut yard = Yard::new("kueue[cohort=all]", &[21]);
    yard.terms("a", quota(9)).terms("b", Terms { lend: Some(gpus_only(1)), ..quota(12) });
    for _ in 0..21 {
        yard.submit("a", 1);
    }
    assert_eq!(yard.gpus("a"), 10);
    let job = yard.submit("b", 11);
    assert!(yard.running().contains(&job) && yard.preempted.is_empty());
}

/// Without a common cohort nobody borrows.
#[test]
fn trees_are_cohorts_of_their_own() {
    let mut yard = Yard::new("kueue[cohort=tree]", &[24]);
    yard.terms("a", quota(9)).terms("b", quota(12));
    for _ in 0..24 {
        yard.submit("a", 1);
    }
    assert_eq!(yard.gpus("a"), 9);
}

/// Concepts, Cohort: a pool of 12 at the cohort, which queues with a quota of 0 may use.
#[test]
fn a_cohort_has_a_pool() {
    let mut yard = Yard::new("kueue[cohort=tree]", &[24]);
    yard.terms("lab", quota(12)).terms("lab/a", quota(0)).terms("lab/b", quota(4));
    for _ in 0..24 {
        yard.submit("lab/a", 1);
    }
    assert_eq!(yard.gpus("lab/a"), 16);
}

/// KEP-79: limits hold at every level. The organisation borrows 2 from outside; its teams share what it has.
#[test]
fn a_borrowing_limit_of_a_cohort_holds_for_all_below_it() {
    let mut yard = Yard::new("kueue[cohort=all]", &[40]);
    yard.terms("org", Terms { borrow: Some(gpus_only(2)), ..Terms::default() });
    yard.terms("org/x", quota(4)).terms("org/y", quota(4)).terms("other", quota(20));
    for _ in 0..12 {
        yard.submit("org/x", 1);
    }
    assert_eq!(yard.gpus("org"), 10, "4 + 4 + 2 from outside");
}

/// Quotas that nobody claims are a pool for all: without any quota the whole cluster.
#[test]
fn without_quotas_the_cluster_is_a_pool() {
    let mut yard = Yard::new("kueue", &[8]);
    yard.submit("a", 8);
    assert_eq!(yard.gpus("a"), 8);
    let mut yard = Yard::new("kueue", &[8]);
    yard.terms("a", Terms { lend: Some(Amounts::ZERO), ..quota(6) });
    for _ in 0..8 {
        yard.submit("b", 1);
    }
    assert_eq!(yard.gpus("b"), 2);
}

#[test]
fn a_limit_holds_whatever_is_free() {
    let mut yard = Yard::new("kueue", &[8]);
    yard.terms("a", Terms { limit: Some(gpus_only(3)), ..Terms::default() });
    let jobs: Vec<u32> = (0..4).map(|_| yard.submit("a", 1)).collect();
    assert_eq!(yard.gpus("a"), 3);
    assert_eq!(yard.reason(jobs[3]), Reason::OverLimit { resource: Resource::Gpu, used: 3000, limit: 3000 });
}

#[test]
fn strict_fifo_blocks_and_best_effort_does_not() {
    let started = |policy: &str| {
        let mut yard = Yard::new(policy, &[8]);
        yard.terms("a", quota(4)).terms("b", quota(4));
        yard.submit("a", 3);
        yard.submit_all(&[("a", 8), ("a", 1)]);
        yard.running()
    };
    assert_eq!(started("kueue[cohort=tree]"), [0, 2]);
    assert_eq!(started("kueue[cohort=tree,queueing=strict-fifo]"), [0]);
}

/// A strict queue keeps its own quota for its first job: others borrow no more of it.
#[test]
fn a_strict_queue_keeps_its_quota_for_its_first_job() {
    let second = |policy: &str| {
        let mut yard = Yard::new(policy, &[8]);
        yard.terms("a", quota(4)).terms("b", quota(4));
        yard.submit("b", 6);
        yard.submit("a", 4);
        yard.submit("b", 1);
        yard.running()
    };
    assert_eq!(second("kueue[cohort=all]"), [0, 2]);
    assert_eq!(second("kueue[cohort=all,queueing=strict-fifo]"), [0]);
}

/// "reclaimWithinCohort": the queue within its quota takes back what others borrow: lowest priority, then newest, and no more.
#[test]
fn a_quota_is_reclaimed_from_those_who_borrow() {
    let mut yard = Yard::new(RECLAIM, &[12]);
    yard.terms("a", quota(6)).terms("b", quota(6));
    for priority in [0, 1, 0, 0] {
        yard.wait(10).submit_as("a", 3, |spec| spec.priority = priority);
    }
    assert_eq!(yard.gpus("a"), 12);
    yard.wait(10).submit("b", 3);
    assert_eq!(yard.preempted, [3], "the newest of the lowest priority");
    yard.wait(10).submit("b", 3);
    assert_eq!((yard.preempted.clone(), yard.gpus("a"), yard.gpus("b")), (vec![3, 2], 6, 6));
    yard.wait(10).submit("b", 3);
    assert_eq!(yard.preempted.len(), 2, "a is within its quota now");
    yard.drain();
}

/// Without `reclaim` a quota waits for what others borrow to end.
#[test]
fn by_default_nobody_is_preempted() {
    let mut yard = Yard::new("kueue[preset=kueue-default,cohort=all]", &[8]);
    yard.terms("a", quota(4)).terms("b", quota(4));
    yard.submit("a", 8);
    let job = yard.submit("b", 4);
    assert!(yard.is_waiting(job) && yard.preempted.is_empty());
    yard.drain();
}

#[test]
fn lower_priority_reclaims_only_that() {
    let mut yard = Yard::new("kueue[cohort=all,reclaim=lower-priority]", &[8]);
    yard.terms("a", quota(4)).terms("b", quota(4));
    yard.submit("a", 8);
    let same = yard.submit("b", 4);
    assert!(yard.is_waiting(same));
    let higher = yard.submit_as("b", 4, |spec| spec.priority = 1);
    assert_eq!((yard.running(), yard.preempted.clone()), (vec![same, higher], vec![0]), "b borrows what is left over");
}

/// "withinClusterQueue".
#[test]
fn within_a_queue_priorities_preempt() {
    let newest = |policy: &str, priority: i32| {
        let mut yard = Yard::new(policy, &[4]);
        yard.terms("a", quota(4));
        let late = yard.submit_as("a", 4, |spec| spec.held = true);
        yard.submit("a", 2);
        yard.wait(5).submit("a", 2);
        assert_eq!(yard.running(), [1, 2]);
        yard.tell(engine::Event::JobReleased { job: engine::JobId(late) });
        if priority > 0 {
            yard.submit_as("a", 2, |spec| spec.priority = priority);
        }
        yard.preempted
    };
    assert_eq!(newest("kueue[within-queue=lower-priority]", 0), [] as [u32; 0]);
    assert_eq!(newest("kueue[within-queue=lower-priority]", 1), [2], "as few as needed, the newest");
    assert_eq!(newest("kueue[within-queue=lower-or-newer-equal-priority]", 0), [2, 1], "both are newer");
}

/// "borrowWithinCohort": a job that borrows preempts lower priorities of those that borrow, up to the threshold.
#[test]
fn a_borrower_preempts_lower_priorities_up_to_the_threshold() {
    let run = |policy: &str, victim: i32| {
        let mut yard = Yard::new(policy, &[12]);
        yard.terms("a", quota(4)).terms("b", quota(4)).terms("c", quota(4));
        yard.submit_as("b", 4, |spec| spec.priority = 10);
        yard.submit_as("a", 4, |spec| spec.priority = victim);
        yard.submit_as("a", 4, |spec| spec.priority = victim);
        yard.submit_as("b", 4, |spec| spec.priority = 10);
        yard.preempted
    };
    assert!(run("kueue[cohort=all,reclaim=any]", 0).is_empty(), "it would borrow");
    assert_eq!(run("kueue[cohort=all,reclaim=any,borrow-within-cohort=lower-priority]", 0), [2]);
    assert_eq!(run("kueue[cohort=all,reclaim=any,borrow-within-cohort=lower-priority,borrow-threshold=5]", 5), [2]);
    assert!(run("kueue[cohort=all,reclaim=any,borrow-within-cohort=lower-priority,borrow-threshold=5]", 6).is_empty());
    assert!(run("kueue[cohort=all,reclaim=any,borrow-within-cohort=lower-priority]", 10).is_empty());
}

/// A quota that shrinks below its use kills nobody: it stops borrowing, and lets others reclaim.
#[test]
fn a_quota_that_shrinks_kills_nobody() {
    let mut yard = Yard::new(RECLAIM, &[8]);
    yard.terms("a", quota(8)).terms("b", quota(0));
    yard.submit("a", 4);
    yard.wait(1).submit("a", 4);
    yard.terms("a", quota(4)).terms("b", quota(4));
    assert_eq!((yard.gpus("a"), yard.preempted.len()), (8, 0));
    yard.submit("b", 4);
    assert_eq!((yard.gpus("a"), yard.gpus("b"), yard.preempted.clone()), (4, 4, vec![1]));
}

/// A gang that can grow takes no more than the quota leaves.
#[test]
fn an_elastic_gang_stays_within_the_quota() {
    let mut yard = Yard::new("kueue[cohort=tree]", &[8]);
    yard.terms("a", quota(3));
    let mut shape = Shape::uniform(1, TaskRequest::whole_gpus(1));
    shape.groups[0] = TaskGroup { tasks_min: 2, tasks_max: 8, ..shape.groups[0] };
    yard.submit_shape("a", &shape, |_| {});
    assert_eq!(yard.gpus("a"), 3);
}

/// KEP-1714, story 3, a tenth of it: 30 GPUs of cs go to c1 and c2 by half, inside c1 by weight 1 : 1 : 3.
#[test]
fn shares_follow_weights_down_the_tree() {
    let mut yard = Yard::new(FAIR, &[30]);
    yard.terms("cs/q", quota(30));
    yard.terms("c1/a", quota(0)).terms("c1/b", quota(0));
    yard.terms("c1/c", Terms { weight_milli: 3000, ..quota(0) }).terms("c2/a", quota(0));
    // c1/a is first, and takes all.
    for path in ["c1/a", "c1/b", "c1/c", "c2/a"] {
        for _ in 0..30 {
            yard.submit(path, 1);
        }
    }
    let shares = ["c1/a", "c1/b", "c1/c", "c2/a"].map(|path| yard.gpus(path));
    assert_eq!(shares, [3, 3, 9, 15]);
    yard.drain();
}

/// S1: a queue within its quota takes from the one with the largest share.
#[test]
fn a_quota_is_reclaimed_from_the_largest_share() {
    let mut yard = Yard::new(FAIR, &[12]);
    yard.terms("a", quota(4)).terms("b", quota(4)).terms("c", quota(4));
    yard.submit_all(&[("a", 4), ("a", 2), ("b", 4), ("b", 1), ("b", 1)]);
    assert_eq!((yard.gpus("a"), yard.gpus("b")), (6, 6));
    yard.submit_as("c", 3, |_| {});
    assert_eq!((yard.gpus("a") + yard.gpus("b"), yard.gpus("c")), (9, 3));
}

/// KEP-4136: among local queues of one queue, who has used least lately goes first; a start counts at once.
#[test]
fn who_used_least_lately_goes_first() {
    let policy = "kueue[admission=usage,half-life=1,sampling=300]";
    let mut yard = Yard::new(policy, &[1]);
    yard.terms("q", quota(1));
    let first = yard.submit("q/x", 1);
    let (more, other) = (yard.submit("q/x", 1), yard.submit("q/y", 1));
    yard.wait(3600).end(first);
    assert_eq!(yard.running(), [other], "x has used an hour");
    let again = yard.submit("q/y", 1);
    yard.wait(60).end(other);
    assert_eq!(yard.running(), [again], "half an hour of x counts more than a minute of y and its penalties");
    yard.wait(3600).end(again);
    assert_eq!(yard.running(), [more]);
}

/// Starts of one instant count in advance: two local queues take turns.
#[test]
fn the_entry_penalty_makes_queues_take_turns() {
    let mut yard = Yard::new("kueue[admission=usage,half-life=24]", &[4]);
    yard.submit_all(&[("q/x", 1), ("q/x", 1), ("q/x", 1), ("q/y", 1), ("q/y", 1), ("q/y", 1)]);
    assert_eq!((yard.gpus("q/x"), yard.gpus("q/y")), (2, 2));
}
