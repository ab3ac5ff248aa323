//! Bugs that Kueue had or has, each as a test.

use engine::Terms;

use crate::yard::{Yard, quota};

/// Without the bound on preemptions: the rules alone must end them.
const FAIR: &str = "kueue[preset=kueue-drs,cohort=all,evictions-max=1000000]";

/// kueue#7101: proj-1 has 4 jobs of 2; of proj-2 jobs of 6 and 5 may not preempt, one of 4 must, one of 3 then changes nothing.
#[test]
fn bug_7101_a_fair_share_is_reached_and_then_left_alone() {
    for policy in [FAIR, "kueue[preset=kueue-drs,sharing=final-share,cohort=all]"] {
        let mut yard = Yard::new(policy, &[8]);
        yard.terms("pool", quota(8)).terms("one", quota(0)).terms("two", quota(0));
        for _ in 0..4 {
            yard.submit("one", 2);
        }
        for gpus in [6, 5] {
            yard.wait(10).submit("two", gpus);
            assert!(yard.preempted.is_empty(), "{policy}: {gpus}");
        }
        yard.wait(10).submit("two", 4);
        assert_eq!((yard.gpus("one"), yard.gpus("two"), yard.preempted.len()), (4, 4, 2), "{policy}");
        yard.wait(10).submit("two", 3);
        yard.wait(1000);
        assert_eq!((yard.gpus("one"), yard.gpus("two"), yard.preempted.len()), (4, 4, 2), "{policy}");
        yard.drain();
    }
}

/// kueue#6763: of two queues with equal shares always the same is taken from, and no more than needed.
#[test]
fn bug_6763_equal_shares_are_no_lottery() {
    for _ in 0..3 {
        let mut yard = Yard::new(FAIR, &[8]);
        yard.terms("pool", quota(8)).terms("a", quota(0)).terms("b", quota(0)).terms("c", quota(0));
        yard.submit_all(&[("a", 2), ("a", 2), ("b", 2), ("b", 2)]);
        yard.submit("c", 2);
        assert_eq!(yard.preempted, [1], "the newest of the queue with the lower number");
    }
}

/// kueue#14570: two queues want the last 8 GPUs in one cycle; each alone fits.
#[test]
fn bug_14570_what_one_cycle_gives_out_is_counted() {
    for policy in ["kueue[cohort=all]", FAIR, "kai"] {
        let mut yard = Yard::new(policy, &[8, 8]);
        yard.terms("a", quota(8)).terms("b", quota(8)).terms("c", quota(0));
        yard.submit("a", 8);
        yard.submit_all(&[("b", 8), ("c", 8), ("a", 8)]);
        assert_eq!(yard.running().len(), 2, "{policy}");
        yard.drain();
    }
}

/// kueue#13413, #14811: a quota comes back when a job ends, is cancelled, or is preempted, to the last thousandth.
#[test]
fn bug_13413_quotas_do_not_leak() {
    for policy in [FAIR, "kueue[cohort=all,reclaim=any,within-queue=lower-priority]", "kai"] {
        let mut yard = Yard::new(policy, &[8]);
        yard.terms("org/a", quota(4)).terms("org/b", quota(4));
        for round in 0..20 {
            let a = yard.wait(7).submit("org/a", 1 + round % 4);
            yard.wait(7).submit_as("org/b", 1 + round % 5, |spec| spec.priority = (round % 3).cast_signed());
            if round % 3 == 0 {
                yard.tell(engine::Event::Cancelled { job: engine::JobId(a) });
            }
        }
        for _ in 0..200 {
            let Some(job) = yard.running().first().copied() else { break };
            yard.wait(1).end(job);
        }
        let empty = ["org", "org/a", "org/b"].map(|path| yard.gpus(path));
        assert_eq!(empty, [0; 3], "{policy}");
        let all = yard.submit("org/a", 8);
        assert!(yard.running().contains(&all), "{policy}: the whole cluster can be borrowed again");
    }
}

/// kueue#12541: a queue without a cohort that cannot preempt stopped the scheduler.
#[test]
fn bug_12541_a_queue_without_a_cohort_ends_its_search() {
    let mut yard = Yard::new("kueue[preset=kueue-drs,cohort=tree]", &[4]);
    yard.terms("a", quota(4));
    yard.submit_as("a", 2, |spec| spec.preemptible = false);
    yard.submit("a", 2);
    let high = yard.submit_as("a", 4, |spec| spec.priority = 1);
    assert!(yard.is_waiting(high) && yard.preempted.is_empty());
    yard.drain();
}

/// kueue#14543: preempting in the own queue lowers its share, which lets it take from another; given back, the preemption of
/// the other was unfair, and the two preempt each other for ever. Here the victims of the own queue then stay out.
#[test]
fn bug_14543_own_victims_do_not_hide_an_unfair_preemption() {
    let mut yard = Yard::new(FAIR, &[10]);
    yard.terms("pool", quota(10)).terms("x", quota(0)).terms("y", quota(0));
    for _ in 0..3 {
        yard.wait(1).submit("x", 2);
    }
    yard.wait(1).submit("y", 4);
    assert_eq!((yard.gpus("x"), yard.gpus("y")), (6, 4));
    // With 4 more x has 10 of 10. Without its own jobs it has 4, as much as y: only then y's job may go.
    yard.wait(1).submit_as("x", 4, |spec| spec.priority = 1);
    for _ in 0..50 {
        yard.wait(60);
    }
    assert_eq!(yard.gpus("y"), 4, "y has less than its share and keeps it");
    assert!(yard.preempted.iter().all(|job| *job < 3), "{:?}", yard.preempted);
    yard.drain();
}

/// The loop behind kueue#3779: shares that two queues take from each other in turn. Jobs of 1 and 7 against 4 and 5.
#[test]
fn bug_3779_greedy_jobs_do_not_take_turns_for_ever() {
    for sharing in ["final-share", "initial-share", "final-then-initial"] {
        let mut yard = Yard::new(&format!("kueue[preset=kueue-drs,sharing={sharing},cohort=all]"), &[10]);
        yard.terms("pool", quota(10)).terms("x", quota(0)).terms("y", quota(0));
        yard.submit("y", 10);
        yard.submit_all(&[("x", 1), ("y", 4), ("y", 5), ("x", 7)]);
        for _ in 0..100 {
            yard.wait(1);
        }
        assert!(yard.preempted.len() < 10, "{sharing}: {:?}", yard.preempted);
        yard.drain();
    }
}

/// kueue#8309: a gang is not passed for ever in a strict queue.
#[test]
fn bug_8309_a_strict_queue_does_not_starve_its_gang() {
    let mut yard = Yard::new("kueue[cohort=all,queueing=strict-fifo]", &[8]);
    yard.terms("a", Terms { ..quota(8) });
    let mut last = yard.submit("a", 4);
    let gang = yard.submit("a", 8);
    for _ in 0..5 {
        yard.submit("a", 4);
    }
    yard.wait(10).end(last);
    last = gang;
    assert_eq!(yard.running(), [last]);
}

/// A circle of three that our own search found, and that Kueue's proof does not cover: by priority j2 takes from j0 of its own
/// queue; by its share j1 takes from j2; by its share j0 takes from j1; and so on.
#[test]
fn a_circle_through_priority_and_shares_ends() {
    let mut yard = Yard::new("kueue[preset=kueue-drs,sharing=initial-share,cohort=all,evictions-max=1000000]", &[6]);
    yard.terms("pool", quota(5)).terms("a", quota(0)).terms("b", quota(0));
    yard.submit("a", 2);
    yard.submit("b", 4);
    yard.submit_as("a", 5, |spec| spec.priority = 1);
    assert!(yard.preempted.len() < 5, "{:?}", yard.preempted);
    yard.drain();
}
