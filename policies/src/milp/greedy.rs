//! The greedy plan: job by job in the order given, each task to the node where F grows least, as FGD does.

use std::collections::BTreeMap;

use engine::topology::Level;
use engine::{NodeId, TaskRequest};

use super::count::{domains, tasks_of};
use super::seat::put;
use super::stock::Stock;
use super::worth::{Outline, normal};
use super::yard::{Move, Placed};
use crate::fragmentation::{GpuChoice, NodeRoom};

/// Not yet computed.
const UNKNOWN: i64 = i64::MIN;
/// Does not fit.
const NEVER: i64 = i64::MAX;

/// The greedy plan in this order of asks. A job whose place costs more than it is worth waits.
pub(super) fn greedy(stock: &Stock<'_>, order: impl IntoIterator<Item = usize>) -> Outline {
    let mut yard = Greedy::of(stock);
    let refused = refused(stock);
    let mut placed = vec![None; stock.asks.len()];
    for at in order.into_iter().filter(|at| !refused[*at]) {
        placed[at] = yard.place(at);
    }
    Outline { placed, moves: Vec::new() }
}

/// Places, in order, what the plan leaves waiting and what there is room for beside it.
pub(super) fn fill(stock: &Stock<'_>, plan: &mut Outline) {
    let by_id: BTreeMap<NodeId, usize> = (0..stock.yard.nodes.len()).map(|node| (stock.id(node), node)).collect();
    let mut yard = Greedy::of(stock);
    for Move { held, .. } in &plan.moves {
        let held = &stock.yard.held[*held];
        held.slices.iter().for_each(|slice| yard.rooms[held.node].put_slice(slice));
    }
    let placed = plan.placed.iter().flatten().flat_map(|placed| placed.tasks.iter().map(|(_, slices)| slices));
    for slice in placed.chain(plan.moves.iter().map(|step| &step.to)).flatten() {
        yard.rooms[by_id[&slice.node]].take_slice(slice);
    }
    let refused = refused(stock);
    for (at, placed) in plan.placed.iter_mut().enumerate().filter(|(at, placed)| placed.is_none() && !refused[*at]) {
        *placed = yard.place(at);
    }
}

/// Of each ask, whether counting refuses it.
fn refused(stock: &Stock<'_>) -> Vec<bool> {
    let mut refused = vec![false; stock.asks.len()];
    stock.refused.iter().for_each(|(at, _)| refused[*at] = true);
    refused
}

struct Greedy<'a, 'b> {
    stock: &'a Stock<'b>,
    rooms: Vec<NodeRoom>,
    /// Of each request: what a node costs in units.
    scores: BTreeMap<TaskRequest, Vec<i64>>,
    /// Nodes that a job of these wishes may be inside of; the flag: its bonus is earned there.
    regions: BTreeMap<[Option<Level>; 2], Vec<Region>>,
}

/// Nodes, and whether the bonus is earned there.
type Region = (Vec<usize>, bool);

/// A task that stands on a node: what the node's room and scores were before, its group and its slices.
struct Step {
    node: usize,
    room: NodeRoom,
    scores: Vec<i64>,
    task: (usize, engine::Placement),
}

impl<'a, 'b> Greedy<'a, 'b> {
    fn of(stock: &'a Stock<'b>) -> Self {
        let rooms = stock.yard.nodes.iter().map(|node| node.room.clone()).collect();
        Self { stock, rooms, scores: BTreeMap::new(), regions: BTreeMap::new() }
    }

    fn place(&mut self, at: usize) -> Option<Placed> {
        let ask = &self.stock.asks[at];
        let preferred = ask.preferred.filter(|_| ask.tasks() > 1);
        let key = [ask.required, preferred];
        let regions = self.regions.remove(&key).unwrap_or_else(|| self.regions_of(key));
        let mut best: Option<(i64, usize)> = None;
        for (region, (nodes, near)) in regions.iter().enumerate() {
            let Some((steps, cost)) = self.try_in(at, nodes, regions.len() > 1) else { continue };
            self.undo(steps);
            let bonus = if *near { self.stock.rules.prefer_bonus } else { 0 };
            let worth = (ask.value + bonus).cast_signed() * self.stock.unit - cost;
            if worth >= 0 && best.is_none_or(|(most, _)| worth > most) {
                best = Some((worth, region));
            }
        }
        let steps = best.and_then(|(_, region)| self.try_in(at, &regions[region].0, false));
        self.regions.insert(key, regions);
        let tasks = steps?.0.into_iter().map(|step| step.task).collect();
        Some(Placed { tasks })
    }

    fn regions_of(&self, [required, preferred]: [Option<Level>; 2]) -> Vec<Region> {
        let outer = domains(self.stock.yard, required);
        let Some(preferred) = preferred else { return outer.into_iter().map(|nodes| (nodes, false)).collect() };
        let inner = domains(self.stock.yard, Some(preferred));
        let mut regions = Vec::new();
        for nodes in outer {
            let both = inner
                .iter()
                .map(|inside| inside.iter().filter(|node| nodes.binary_search(node).is_ok()).copied().collect());
            regions.extend(both.filter(|both: &Vec<usize>| !both.is_empty()).map(|both| (both, true)));
            regions.push((nodes, false));
        }
        regions
    }

    /// Places all tasks inside these nodes, or none; with the cost in units.
    fn try_in(&mut self, at: usize, nodes: &[usize], count: bool) -> Option<(Vec<Step>, i64)> {
        let ask = &self.stock.asks[at];
        if count && !ask.groups.iter().all(|(request, tasks)| self.enough(nodes, &normal(*request), *tasks)) {
            return None;
        }
        let span = self.stock.rules.span_cost.cast_signed() * self.stock.unit;
        let (mut steps, mut sum): (Vec<Step>, i64) = (Vec::new(), 0);
        for (group, (request, tasks)) in ask.groups.iter().enumerate() {
            let request = normal(*request);
            for _ in 0..*tasks {
                let best = self.cheapest(nodes, &request, &steps, span);
                let Some((cost, node)) = best else {
                    self.undo(steps);
                    return None;
                };
                sum += cost;
                let room = self.rooms[node].clone();
                let scores = self.scores.values().map(|scores| scores[node]).collect();
                let from = self.best_gpu(node, &request).1;
                let slices = put(self.stock.id(node), &mut self.rooms[node], &request, from).expect("it fits");
                self.forget(node);
                steps.push(Step { node, room, scores, task: (group, slices) });
            }
        }
        Some((steps, sum))
    }

    fn enough(&self, nodes: &[usize], request: &TaskRequest, tasks: u32) -> bool {
        let mut sum = 0;
        nodes.iter().any(|node| {
            sum += tasks_of(&self.rooms[*node], request);
            sum >= u64::from(tasks)
        })
    }

    /// The node that costs least; a further node of a gang costs its span.
    fn cheapest(&mut self, nodes: &[usize], request: &TaskRequest, steps: &[Step], span: i64) -> Option<(i64, usize)> {
        let mut scores = self.scores.remove(request).unwrap_or_else(|| vec![UNKNOWN; self.rooms.len()]);
        let mut best: Option<(i64, usize)> = None;
        for node in nodes {
            if scores[*node] == UNKNOWN {
                let fits = self.rooms[*node].fits(request);
                scores[*node] = if fits { self.best_gpu(*node, request).0 } else { NEVER };
            }
            if scores[*node] == NEVER {
                continue;
            }
            let further = span > 0 && !steps.is_empty() && steps.iter().all(|step| step.node != *node);
            let cost = scores[*node] + if further { span } else { 0 };
            if best.is_none_or(|(least, _)| cost < least) {
                best = Some((cost, *node));
            }
        }
        self.scores.insert(*request, scores);
        best
    }

    /// What the request costs on a node where it fits, on the GPU that is best for it, and what that GPU has free.
    fn best_gpu(&self, node: usize, request: &TaskRequest) -> (i64, u16) {
        let room = &self.rooms[node];
        let before = self.stock.work.fragmentation(room).cast_signed();
        let costs = room.choices(request).map(|choice| {
            let mut after = room.clone();
            after.take(request, choice).expect("it fits");
            let grown = self.stock.work.fragmentation(&after).cast_signed() - before;
            let free = if let GpuChoice::Gpu(gpu) = choice { room.gpus[gpu as usize] } else { 0 };
            (i64::from(self.stock.rules.frag_weight) * grown, free)
        });
        costs.min_by_key(|(cost, _)| *cost).unwrap_or((NEVER, 0))
    }

    fn undo(&mut self, steps: Vec<Step>) {
        for Step { node, room, scores, .. } in steps.into_iter().rev() {
            self.rooms[node] = room;
            if scores.len() == self.scores.len() {
                self.scores.values_mut().zip(scores).for_each(|(now, before)| now[node] = before);
            } else {
                self.forget(node);
            }
        }
    }

    fn forget(&mut self, node: usize) {
        self.scores.values_mut().for_each(|scores| scores[node] = UNKNOWN);
    }
}
