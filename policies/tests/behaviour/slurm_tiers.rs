//! Slurm's `PriorityTier`, and preemption by it (`preempt/partition_prio`), from what slurm.conf(5) and the page on preemption
//! say.

use engine::{Event, JobId, QueueId, Shape, TaskRequest};
use policies::{Context, build};

use crate::play::{Planned, Play};
use crate::yard::Yard;

const TIERS: &str = "tiers=low:1+mid:2+high:3+peer:3";
const LOW: u16 = 1;
const MID: u16 = 2;
const HIGH: u16 = 3;
const PEER: u16 = 4;

/// A cluster with four queues.
fn yard(knobs: &str, nodes: &[u32]) -> Yard {
    let mut yard = Yard::new(&format!("slurm[{TIERS}{knobs}]"), nodes);
    for (at, name) in ["low", "mid", "high", "peer"].into_iter().enumerate() {
        yard.tell(Event::QueueDeclared { queue: QueueId::new(at + 1), name: name.to_owned() });
    }
    yard
}

fn submit(yard: &mut Yard, queue: u16, gpus: u32) -> u32 {
    yard.submit_as("t", gpus, |spec| spec.queue = QueueId(queue))
}

/// "Jobs submitted to a partition with a higher `PriorityTier` value will be evaluated by the scheduler before pending jobs in
/// a partition with a lower `PriorityTier` value": a million points do not help.
#[test]
fn a_higher_tier_goes_before_any_priority() {
    for behind in ["blocked", "skip", "queue", "tenant", "easy"] {
        let job = |at, queue, priority| {
            Planned::new(at, 4, 10).with(|spec| (spec.queue, spec.priority) = (QueueId(queue), priority))
        };
        let order = |tiers: &str| {
            let policy = build(&format!("slurm[tiers={tiers},behind={behind}]"), Context::default()).unwrap().policy;
            let mut play = Play::new(4, policy, &[("all", None, 1000)]);
            play.declare(&[], &["p", "q"]);
            play.run(vec![job(0, 1, 0), job(1, 1, 1_000_000), job(2, 2, 0), job(3, 0, 5)], u64::MAX, |_, _| {});
            play.spans.iter().map(|(start, _)| start.unwrap() / 10).collect::<Vec<u64>>()
        };
        assert_eq!(order("none"), [0, 1, 3, 2], "{behind}");
        assert_eq!(order("q:2"), [0, 2, 1, 3], "{behind}");
        assert_eq!(order("q:2+p:0"), [0, 3, 1, 2], "a queue that is not named has 1; {behind}");
    }
}

/// Preemption is off unless it is asked for, then a higher tier stops a lower one and no other; who was stopped runs again.
#[test]
fn a_higher_tier_stops_a_lower_one_only() {
    let mut off = yard("", &[4]);
    let low = submit(&mut off, LOW, 4);
    submit(&mut off, HIGH, 4);
    assert_eq!((off.running(), off.preempted.len()), (vec![low], 0));

    let mut yard = yard(",preempt=partition", &[4]);
    let low = submit(&mut yard, LOW, 4);
    let mid = submit(yard.wait(10), MID, 3);
    assert_eq!((yard.running(), yard.preempted.clone()), (vec![mid], vec![low]));
    let eviction = yard.core.state().evictions().last().unwrap();
    assert_eq!((eviction.bill.by, eviction.bill.predicted), (Some(JobId(mid)), 40 * 1_000_000 * 1000));
    let peer = submit(&mut yard, MID, 2);
    let below = submit(&mut yard, LOW, 4);
    assert_eq!(yard.running(), [mid], "neither an equal nor a lower tier stops it");
    assert_eq!(yard.reason(peer).code(), "too-few-gpus");
    yard.end(mid);
    assert_eq!(yard.running(), [peer]);
    yard.end(peer);
    assert_eq!(yard.running(), [low], "it came before {below}");
    yard.drain();
}

/// The lowest tier first, in it the run on fewest nodes, in spite of what it would lose.
#[test]
fn the_lowest_tier_and_fewest_nodes_go_first() {
    let two_nodes = Shape::uniform(2, TaskRequest::whole_gpus(2));
    let start = |knobs: &str| {
        let mut yard = yard(&format!(",preempt=partition{knobs}"), &[2, 2, 2, 2]);
        let old = submit(&mut yard, LOW, 2);
        yard.wait(1000);
        let mid = submit(&mut yard, MID, 2);
        let wide = yard.submit_shape("t", &two_nodes, |spec| spec.queue = QueueId(LOW));
        submit(yard.wait(1), HIGH, 2);
        (yard.preempted, [old, mid, wide])
    };
    let (preempted, [old, ..]) = start("");
    assert_eq!(preempted, [old]);
    let (preempted, [_, mid, wide]) = start(",victims=cost");
    assert_eq!(preempted, [mid, wide], "the cheapest of all lower tiers, which then takes the cheapest below it");
}

/// `PreemptExemptTime`, and jobs that may not be stopped.
#[test]
fn runs_are_protected() {
    let mut yard = yard(",preempt=partition,min-runtime=60", &[4]);
    let low = submit(&mut yard, LOW, 4);
    let high = submit(yard.wait(10), HIGH, 4);
    assert_eq!((yard.running(), yard.reason(high).code()), (vec![low], "victims-protected"));
    yard.wait(50);
    assert_eq!(yard.running(), [high]);
    yard.end(high);
    yard.end(low);
    let fixed = yard.submit_as("t", 4, |spec| (spec.queue, spec.preemptible) = (QueueId(LOW), false));
    submit(yard.wait(1000), HIGH, 4);
    yard.wait(1000);
    assert_eq!(yard.running(), [fixed]);
    yard.drain();
}

/// Those behind the first job of their partition stay behind it, also when another partition makes room.
#[test]
fn who_waits_behind_a_head_does_not_use_what_others_evict() {
    let mut yard = yard(",preempt=partition", &[4]);
    let running = submit(&mut yard, HIGH, 1);
    let low = submit(&mut yard, LOW, 3);
    let head = submit(&mut yard, HIGH, 4);
    let behind = submit(&mut yard, HIGH, 1);
    assert_eq!(yard.running(), [running, low]);
    let peer = submit(&mut yard, PEER, 2);
    assert_eq!(yard.running(), [running, peer]);
    assert!(yard.is_waiting(head) && yard.is_waiting(behind) && yard.is_waiting(low));
    assert_eq!(yard.reason(behind).code(), "behind-head");
    yard.drain();
}

/// With EASY the first that waits keeps its reservation, and stops lower tiers as soon as that is enough.
#[test]
fn with_easy_the_head_still_preempts() {
    let mut yard = yard(",preempt=partition,behind=easy,estimates=users", &[8]);
    let limit = |secs| move |spec: &mut engine::JobSpec| spec.estimate = Some(engine::Span::secs(secs));
    let job = |yard: &mut Yard, queue, gpus, secs| {
        yard.submit_as("t", gpus, |spec| {
            spec.queue = QueueId(queue);
            limit(secs)(spec);
        })
    };
    let first = job(&mut yard, HIGH, 5, 100);
    let low = job(&mut yard, LOW, 2, 500);
    let head = job(yard.wait(1), HIGH, 8, 100);
    assert_eq!(yard.reason(head).code(), "reserved");
    let long = job(&mut yard, LOW, 1, 1000);
    assert!(yard.is_waiting(long), "it would delay the head");
    let short = job(&mut yard, LOW, 1, 300);
    assert_eq!(yard.running(), [first, low, short], "it ends before the other one would let the head start");
    yard.wait(99).end(first);
    assert_eq!((yard.running(), yard.preempted.clone()), (vec![head], vec![short, low]));
    yard.drain();
}

#[test]
fn bad_tiers_are_refused() {
    for knobs in ["tiers=a:-1", "tiers=a:1.5", "tiers=a:65534", "tiers=a", "preempt=qos"] {
        assert!(build(&format!("slurm[{knobs}]"), Context::default()).is_err(), "{knobs}");
    }
}
