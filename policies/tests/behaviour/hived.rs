//! `HiveD`: nobody loses by sharing. Virtual clusters against naive ones that nobody else uses, and cases by hand.

use std::collections::{BTreeMap, BTreeSet};

use engine::{
    DomainId, Domains, Event, GpuRequest, Inventory, JobId, Level, NodeId, Outcome, Phase, Reason, Shape, TaskRequest,
};
use policies::{Context, build};
use proptest::prelude::*;

use crate::yard::{Yard, quota};

/// Racks of two nodes of 8 GPUs.
fn racks(count: usize) -> Inventory {
    let mut inventory = Inventory::uniform(2 * count, 8, "A100");
    for (at, node) in inventory.nodes.iter_mut().enumerate() {
        node.domains = Domains([None, Some(DomainId::new(at / 2)), None]);
    }
    inventory.domains = (0..count).map(|rack| (format!("r{rack}"), Level::Rack)).collect();
    inventory
}

/// A virtual cluster as a cluster of its own: cells with a flag for each GPU that is taken.
struct Private {
    cells: Vec<Vec<bool>>,
    /// Job, tasks, GPUs of each.
    queue: Vec<(u32, u32, u32)>,
    running: BTreeMap<u32, Vec<(usize, usize, usize)>>,
}

impl Private {
    fn new(quota: u64, largest: u64) -> Self {
        let (mut cells, mut left) = (Vec::new(), quota as usize);
        for size in (0..5).rev().map(|bit| 1usize << bit).filter(|size| *size as u64 <= largest) {
            while left >= size {
                cells.push(vec![false; size]);
                left -= size;
            }
        }
        Self { cells, queue: Vec::new(), running: BTreeMap::new() }
    }

    /// The smallest free block of a power of two that is no part of a larger free one: those of cells in use first.
    fn seat(&mut self, gpus: u32) -> Option<(usize, usize, usize)> {
        let need = gpus.next_power_of_two() as usize;
        let mut best: Option<(usize, bool, usize, usize)> = None;
        for (at, cell) in self.cells.iter().enumerate() {
            let is_free = |size: usize, from: usize| !cell[from..from + size].contains(&true);
            let mut size = 1;
            while size <= cell.len() {
                for from in (0..cell.len()).step_by(size) {
                    let above = (2 * size <= cell.len()) && is_free(2 * size, from / (2 * size) * (2 * size));
                    if size >= need && is_free(size, from) && !above {
                        let found = (size, size == cell.len(), at, from);
                        best = Some(best.map_or(found, |best| best.min(found)));
                    }
                }
                size *= 2;
            }
        }
        let (_, _, at, from) = best?;
        self.cells[at][from..from + need].fill(true);
        Some((at, from, need))
    }

    fn end(&mut self, job: u32) {
        for (at, from, size) in self.running.remove(&job).unwrap_or_default() {
            self.cells[at][from..from + size].fill(false);
        }
    }

    /// First in, first out.
    fn start(&mut self) {
        while let Some((job, tasks, gpus)) = self.queue.first().copied() {
            let before = self.cells.clone();
            let seats: Option<Vec<_>> = (0..tasks).map(|_| self.seat(gpus)).collect();
            let Some(seats) = seats else {
                self.cells = before;
                return;
            };
            self.running.insert(job, seats);
            self.queue.remove(0);
        }
    }

    /// Whether it could hold the gang if it were empty.
    fn holds(&self, tasks: u32, gpus: u32) -> bool {
        let cells = self.cells.iter().map(|cell| vec![false; cell.len()]).collect();
        let mut empty = Self { cells, queue: vec![(0, tasks, gpus)], running: BTreeMap::new() };
        empty.start();
        empty.queue.is_empty()
    }
}

const VCS: [&str; 3] = ["a", "b", "c"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// The theorem of the paper: whatever others do, a virtual cluster runs what it would run alone, at every instant.
    #[test]
    fn sharing_makes_nobody_wait(
        quotas in prop::sample::select(vec![[16u64, 16, 16], [24, 12, 12], [31, 10, 7], [8, 5, 3], [40, 8, 0]]),
        whole_racks in any::<bool>(),
        beyond in any::<bool>(),
        steps in prop::collection::vec((0..8u32, 0..4usize, 1..9u32, 1..4u32, any::<prop::sample::Index>()), 1..60),
    ) {
        let (top, largest) = if whole_racks { ("rack", 16) } else { ("node", 8) };
        let who = if beyond { "beyond" } else { "negative" };
        let mut yard = Yard::on(&format!("hived[top={top},opportunistic={who}]"), racks(3));
        let mut private: Vec<Private> = quotas.iter().map(|quota| Private::new(*quota, largest)).collect();
        for (vc, gpus) in VCS.iter().zip(quotas) {
            yard.terms(vc, quota(gpus));
        }
        let mut guaranteed = BTreeSet::new();
        for (step, vc, gpus, tasks, index) in steps {
            let running = yard.running();
            if step < 3 && !running.is_empty() {
                let job = running[index.index(running.len())];
                yard.end(job);
                for vc in &mut private {
                    vc.end(job);
                }
            } else {
                let shape = Shape::uniform(tasks, TaskRequest::whole_gpus(gpus));
                let claim = vc < 3 && step < 6;
                let path = VCS.get(vc).copied().unwrap_or("others");
                if claim && !private[vc].holds(tasks, gpus) {
                    continue;
                }
                // With `beyond` a job may start on cells of others and be stopped: its place in its own is tested without.
                let job = yard.submit_shape(path, &shape, |spec| {
                    spec.priority = if claim { 0 } else { -1 };
                    spec.preemptible = !(claim && beyond);
                });
                if claim {
                    guaranteed.insert(job);
                    private[vc].queue.push((job, tasks, gpus));
                }
            }
            private.iter_mut().for_each(Private::start);
            let expected: Vec<u32> = private.iter().flat_map(|vc| vc.running.keys().copied()).collect();
            let found: BTreeSet<u32> = yard.running().into_iter().filter(|job| guaranteed.contains(job)).collect();
            prop_assert_eq!(found, expected.into_iter().collect::<BTreeSet<u32>>());
            prop_assert!(yard.preempted.iter().all(|job| !guaranteed.contains(job)));
        }
        yard.drain();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// All that it remembers is a cache: a fresh policy before each step decides the same. Quotas change, nodes come and go.
    #[test]
    fn a_fresh_policy_decides_the_same(
        knobs in prop::sample::select(vec!["", "top=node,skip=true", "opportunistic=beyond", "place=consolidate,skip=true,opportunistic=beyond"]),
        steps in prop::collection::vec((0..12u32, 0..4usize, 0..10u32, 1..4u32, any::<prop::sample::Index>()), 1..60),
    ) {
        let policy = format!("hived[{knobs}]");
        let mut yards = [Yard::on(&policy, racks(3)), Yard::on(&policy, racks(3))];
        for yard in &mut yards {
            yard.terms("a", quota(16)).terms("b", quota(11));
        }
        for (step, vc, gpus, tasks, index) in steps {
            let fresh = build(&policy, Context::default()).unwrap().policy;
            yards[1].core.refresh_policy(fresh);
            for yard in &mut yards {
                change(yard, step, vc, gpus, tasks, index);
            }
            let [old, new] = &yards;
            prop_assert_eq!(placements(old), placements(new));
            let waiting = old.core.state().jobs().iter().enumerate().filter(|(_, job)| job.phase == Phase::Ready);
            for (at, _) in waiting {
                let reason = old.core.state().reason(JobId::new(at));
                prop_assert!(reason.is_some_and(|reason| reason != Reason::NotTried), "j{at}");
                prop_assert_eq!(reason, new.core.state().reason(JobId::new(at)));
            }
        }
        // Every job ends when nodes stay up, unless it was turned away.
        for yard in &mut yards {
            (0..6).for_each(|node| yard.tell(Event::NodeUp { node: NodeId(node) }));
            while let Some(job) = yard.running().first().copied() {
                yard.wait(1).end(job);
            }
            for (at, job) in yard.core.state().jobs().iter().enumerate() {
                let outcome = job.outcome();
                let impossible = yard.core.state().class(job.spec.class).impossible.is_some();
                let turned_away = outcome == Some(Outcome::Rejected) && (impossible || !job.spec.preemptible);
                prop_assert!(outcome == Some(Outcome::Finished) || turned_away, "j{at}: {outcome:?}");
            }
        }
    }
}

/// One random fact.
fn change(yard: &mut Yard, step: u32, vc: usize, gpus: u32, tasks: u32, index: prop::sample::Index) {
    let running = yard.running();
    let node = NodeId::new(index.index(6));
    match step {
        0..3 if !running.is_empty() => yard.end(running[index.index(running.len())]),
        3 if gpus < 5 => yard.tell(Event::NodeDrained { node }),
        3 => yard.tell(Event::NodeDown { node }),
        4 => yard.tell(Event::NodeUp { node }),
        5 => {
            yard.terms(["a", "b", "c", "others"][vc], quota(u64::from(gpus) * 2));
        }
        _ => {
            let request = match gpus {
                9 => TaskRequest { gpus: GpuRequest::Milli(500), ..TaskRequest::whole_gpus(0) },
                gpus => TaskRequest::whole_gpus(gpus),
            };
            let required = (step == 11).then_some(Level::Rack);
            let shape = Shape { required, ..Shape::uniform(tasks, request) };
            yard.submit_shape(["a", "b", "c", "others"][vc], &shape, |spec| {
                spec.priority = if step == 8 { -1 } else { 0 };
                spec.preemptible = step != 9;
            });
        }
    }
}

fn placements(yard: &Yard) -> Vec<engine::Placement> {
    yard.core.state().jobs().iter().map(|job| job.placement.clone()).collect()
}

fn scavenger(yard: &mut Yard, gpus: u32) -> u32 {
    yard.submit_as("others", gpus, |spec| spec.priority = -1)
}

fn node_of(yard: &Yard, job: u32) -> u32 {
    yard.core.state().job(JobId(job)).placement[0].node.0
}

#[test]
fn scavengers_use_idle_cells_and_leave_when_the_owner_comes() {
    let mut yard = Yard::new("hived", &[8, 8]);
    yard.terms("a", quota(8)).terms("b", quota(8));
    let whole = scavenger(&mut yard, 8);
    let part = scavenger(&mut yard, 2);
    assert_eq!(yard.running(), [whole, part]);
    let job = yard.submit("a", 8);
    assert!(yard.running().contains(&job));
    assert_eq!(yard.preempted, [part], "the node with fewer GPUs of scavengers");
    let other = yard.submit("b", 1);
    assert_eq!(yard.preempted, [part, whole]);
    assert!(yard.running().contains(&part) && yard.running().contains(&other), "what is left is scavenged again");
    yard.drain();
}

/// The example of the paper (section 2): with quotas in GPUs alone, scattered GPUs of one tenant make another wait for a node.
#[test]
fn small_jobs_of_one_tenant_do_not_break_up_the_nodes_of_another() {
    let mut yard = Yard::new("hived", &[8, 8, 8, 8]);
    yard.terms("a", quota(16)).terms("b", quota(16));
    let small: Vec<u32> = (0..16).map(|_| yard.submit("a", 1)).collect();
    small.iter().step_by(2).for_each(|job| yard.end(*job));
    let gang = Shape::uniform(2, TaskRequest::whole_gpus(8));
    let job = yard.submit_shape("b", &gang, |_| {});
    assert!(yard.running().contains(&job));
    let late = yard.submit("a", 8);
    assert!(yard.is_waiting(late), "its own small jobs are in the way");
    assert!(matches!(yard.reason(late), Reason::NoPlacement { .. }));
    assert!(yard.preempted.is_empty());
    yard.drain();
}

#[test]
fn a_job_waits_for_its_own_cells_unless_it_may_use_others() {
    for (policy, runs) in [("hived", false), ("hived[opportunistic=beyond]", true)] {
        let mut yard = Yard::new(policy, &[8, 8]);
        yard.terms("a", quota(8)).terms("b", quota(8));
        yard.submit("a", 8);
        let second = yard.submit("a", 4);
        assert_eq!(yard.running().contains(&second), runs);
        let third = yard.submit("a", 1);
        assert_eq!(yard.running().contains(&third), runs);
        if !runs {
            assert!(matches!(yard.reason(second), Reason::QuotasExhausted { need: 4000, left: 0, .. }));
            assert!(matches!(yard.reason(third), Reason::BehindHead { .. }));
        }
        yard.drain();
    }
}

#[test]
fn what_no_cell_can_hold_scavenges_or_is_rejected() {
    let mut yard = Yard::new("hived", &[8, 8]);
    yard.terms("a", quota(4)).terms("b", quota(8));
    let large = yard.submit("a", 8);
    assert_eq!(yard.running(), [large]);
    let fixed = yard.submit_as("a", 8, |spec| spec.preemptible = false);
    assert_eq!(yard.core.state().job(JobId(fixed)).outcome(), Some(Outcome::Rejected));
    // Those without a quota have the four GPUs that quotas leave.
    let rest = yard.submit_as("others", 4, |spec| spec.preemptible = false);
    assert!(yard.running().contains(&rest));
    yard.submit("b", 8);
    assert_eq!(yard.preempted, [large]);
}

#[test]
fn nodes_that_are_down_are_left_out() {
    let mut yard = Yard::new("hived", &[8, 8, 8]);
    yard.terms("a", quota(8)).terms("b", quota(8));
    yard.tell(Event::NodeDrained { node: NodeId(0) });
    let job = yard.submit("a", 2);
    assert_eq!(node_of(&yard, job), 1);
    yard.tell(Event::NodeDrained { node: NodeId(1) });
    let more = yard.submit("a", 2);
    assert!(yard.is_waiting(more), "its only cell is bound to a node that takes no work");
    let other = yard.submit("b", 8);
    assert_eq!(node_of(&yard, other), 2);
}

#[test]
fn contracts_follow_the_terms() {
    let mut yard = Yard::new("hived", &[8, 8]);
    yard.terms("a", quota(16));
    let first = yard.submit("a", 8);
    let second = yard.submit("a", 8);
    yard.terms("a", quota(8)).terms("b", quota(8));
    let other = yard.submit("b", 8);
    assert_eq!(yard.running(), [first, second], "who runs is not stopped");
    yard.end(second);
    assert_eq!(yard.running(), [first, other]);
}

#[test]
fn a_required_rack_holds_the_gang() {
    let mut yard = Yard::on("hived[top=node]", racks(2));
    yard.terms("a", quota(24));
    let small = yard.submit("a", 8);
    let shape = Shape { required: Some(Level::Rack), ..Shape::uniform(2, TaskRequest::whole_gpus(8)) };
    let gang = yard.submit_shape("a", &shape, |_| {});
    assert_eq!((node_of(&yard, small) / 2, node_of(&yard, gang) / 2), (0, 1));
}
