//! A plan is checked and valued from scratch, whoever made it.

use std::collections::BTreeSet;

use engine::topology::Level;
use engine::{GpuRequest, ModelSet, Slice, TaskRequest};

use super::yard::{Ask, Move, Placed, Rules, Yard, unit};
use crate::fragmentation::{NodeRoom, Workload};

/// What a plan does, without its quality.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Outline {
    pub(super) placed: Vec<Option<Placed>>,
    pub(super) moves: Vec<Move>,
}

/// The objective of a plan in units ([`unit()`](super::yard::unit)), or what is wrong with it.
pub(super) fn worth(yard: &Yard, asks: &[Ask], work: &Workload, rules: &Rules, plan: &Outline) -> Result<i64, String> {
    let mut ledger = Ledger::of(yard);
    let mut milli = ledger.take_away(yard, rules, &plan.moves)?;
    for Move { held, to } in &plan.moves {
        ledger.put(&yard.held[*held].request, to)?;
    }
    if plan.placed.len() != asks.len() {
        return Err("a plan for other asks".into());
    }
    for (ask, placed) in asks.iter().zip(&plan.placed) {
        if let Some(placed) = placed {
            milli += ledger.gang(yard, rules, ask, placed)?;
        }
    }
    let growth = |(now, node): (&NodeRoom, &super::yard::YardNode)| {
        work.fragmentation(now).cast_signed() - work.fragmentation(&node.room).cast_signed()
    };
    let growth: i64 = ledger.rooms.iter().zip(&yard.nodes).filter(|(now, node)| **now != node.room).map(growth).sum();
    Ok(milli * unit(work) - i64::from(rules.frag_weight) * growth)
}

struct Ledger {
    rooms: Vec<NodeRoom>,
    /// Places of nodes by name.
    by_id: std::collections::BTreeMap<engine::NodeId, usize>,
}

impl Ledger {
    fn of(yard: &Yard) -> Self {
        Self {
            rooms: yard.nodes.iter().map(|node| node.room.clone()).collect(),
            by_id: yard.nodes.iter().enumerate().map(|(at, node)| (node.id, at)).collect(),
        }
    }

    /// Frees what moves away; its cost in thousandths of a GPU, negative.
    fn take_away(&mut self, yard: &Yard, rules: &Rules, moves: &[Move]) -> Result<i64, String> {
        if moves.len() > rules.moves_max as usize {
            return Err(format!("{} moves", moves.len()));
        }
        let mut seen = BTreeSet::new();
        let mut milli = 0;
        for Move { held, .. } in moves {
            if !seen.insert(*held) {
                return Err(format!("task {held} moves twice"));
            }
            let held = &yard.held[*held];
            held.slices.iter().for_each(|slice| self.rooms[held.node].put_slice(slice));
            milli -= (held.price + rules.move_cost).cast_signed();
        }
        Ok(milli)
    }

    /// Takes the slices of one task; the place of its node.
    fn put(&mut self, request: &TaskRequest, slices: &[Slice]) -> Result<usize, String> {
        let first = slices.first().ok_or("a task without slices")?;
        let at = *self.by_id.get(&first.node).ok_or("a node of another yard")?;
        let room = &mut self.rooms[at];
        let (mut gpus, mut cpu, mut memory) = (0, 0, 0);
        for slice in slices {
            let free = |gpu: u32| room.gpus.get(gpu as usize).is_some_and(|free| *free >= slice.milli);
            let beside = slice.cpu_milli <= room.cpu_milli && slice.memory_mib <= room.memory_mib;
            if slice.node != first.node || !beside || !slice.gpu_indices().all(free) {
                return Err(format!("{slice:?} is not free"));
            }
            (gpus, cpu, memory) = (gpus + slice.gpus(), cpu + slice.cpu_milli, memory + slice.memory_mib);
            room.take_slice(slice);
        }
        let right = match request.gpus {
            GpuRequest::Whole(count) => count == gpus && slices.iter().all(Slice::is_whole),
            GpuRequest::Milli(milli) => gpus == 1 && first.milli == milli,
        };
        let model = request.gpus.milli() == 0 || request.models.contains(room.model);
        if !right || !model || (cpu, memory) != (request.cpu_milli, request.memory_mib) {
            return Err(format!("{slices:?} is not {request:?}"));
        }
        Ok(at)
    }

    /// Takes what a job gets; what it adds to the objective beside F, in thousandths of a GPU.
    fn gang(&mut self, yard: &Yard, rules: &Rules, ask: &Ask, placed: &Placed) -> Result<i64, String> {
        let mut left: Vec<u32> = ask.groups.iter().map(|(_, tasks)| *tasks).collect();
        let mut nodes = BTreeSet::new();
        for (group, slices) in &placed.tasks {
            let left = left.get_mut(*group).filter(|left| **left > 0).ok_or("a task too many")?;
            *left -= 1;
            nodes.insert(self.put(&ask.groups[*group].0, slices)?);
        }
        if left.iter().any(|left| *left > 0) {
            return Err("a gang in part".into());
        }
        if ask.required.is_some_and(|level| !together(yard, &nodes, level)) {
            return Err("a gang outside its domain".into());
        }
        let near = ask.tasks() > 1 && ask.preferred.is_some_and(|level| together(yard, &nodes, level));
        let bonus = if near { rules.prefer_bonus.cast_signed() } else { 0 };
        let span = rules.span_cost.cast_signed() * ((nodes.len() as u64).cast_signed() - 1).max(0);
        Ok(ask.value.cast_signed() + bonus - span)
    }
}

/// Whether the nodes stand in one domain of this level.
pub(super) fn together(yard: &Yard, nodes: &BTreeSet<usize>, level: Level) -> bool {
    let mut domains = nodes.iter().map(|node| yard.nodes[*node].domains.at(level));
    let first = domains.next().flatten();
    first.is_some() && domains.all(|domain| domain == first)
}

/// The same request for all that ask for the same: models do not matter without GPUs.
pub(super) fn normal(request: TaskRequest) -> TaskRequest {
    match request.gpus {
        GpuRequest::Whole(0) => TaskRequest { models: ModelSet::ANY, ..request },
        _ => request,
    }
}
