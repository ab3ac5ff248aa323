//! The best plan by trying all: each task on each node and each set of GPUs. It shares no code with the program.

use std::collections::BTreeSet;

use engine::topology::Level;
use engine::{GpuRequest, Slice, TaskRequest};
use policies::fragmentation::{NodeRoom, Workload};
use policies::milp::yard::{Ask, Plan, Yard};

use super::cases::Case;

/// F of a node by its definition, times the weight of the workload.
fn fragmentation(work: &Workload, room: &NodeRoom) -> i64 {
    let idle: i64 = room.gpus.iter().map(|free| i64::from(*free)).sum();
    let mut sum = 0;
    for typical in work.typical() {
        let request = typical.request;
        let (each, count) = match request.gpus {
            GpuRequest::Whole(count) => (1000, count as usize),
            GpuRequest::Milli(milli) => (milli, 1),
        };
        let good = room.gpus.iter().filter(|free| **free >= each).count();
        let runs = count > 0 && good >= count && room.cpu_milli >= request.cpu_milli;
        let runs = runs && request.models.0 & (1 << room.model.0) != 0;
        let lost: i64 =
            if runs { room.gpus.iter().filter(|free| **free < each).map(|free| i64::from(*free)).sum() } else { idle };
        sum += lost * typical.weight.cast_signed();
    }
    sum
}

fn unit(case: &Case) -> i64 {
    1000 * case.work.total().max(1).cast_signed()
}

fn growth(case: &Case, rooms: &[NodeRoom]) -> i64 {
    let of = |(now, node): (&NodeRoom, &policies::milp::yard::YardNode)| {
        fragmentation(&case.work, now) - fragmentation(&case.work, &node.room)
    };
    i64::from(case.rules.frag_weight) * rooms.iter().zip(&case.yard.nodes).map(of).sum::<i64>()
}

fn inside(yard: &Yard, nodes: &BTreeSet<usize>, level: Level) -> bool {
    let names: BTreeSet<_> = nodes.iter().map(|node| yard.nodes[*node].domains.at(level)).collect();
    names.len() == 1 && !names.contains(&None)
}

/// What a placed job adds beside F, in thousandths of a GPU; `None` where it may not be.
fn job(case: &Case, ask: &Ask, nodes: &BTreeSet<usize>) -> Option<i64> {
    if ask.required.is_some_and(|level| !inside(&case.yard, nodes, level)) {
        return None;
    }
    let several = ask.groups.iter().map(|(_, tasks)| tasks).sum::<u32>() > 1;
    let near = several && ask.preferred.is_some_and(|level| inside(&case.yard, nodes, level));
    let bonus = if near { case.rules.prefer_bonus.cast_signed() } else { 0 };
    Some(
        ask.value.cast_signed() + bonus - case.rules.span_cost.cast_signed() * ((nodes.len() as u64).cast_signed() - 1),
    )
}

/// All rooms after one task was put on a node.
fn seats(room: &NodeRoom, request: &TaskRequest) -> Vec<NodeRoom> {
    if request.cpu_milli > room.cpu_milli || request.memory_mib > room.memory_mib {
        return Vec::new();
    }
    let mut base = room.clone();
    base.cpu_milli -= request.cpu_milli;
    base.memory_mib -= request.memory_mib;
    let (count, milli) = match request.gpus {
        GpuRequest::Whole(count) => (count, 1000),
        GpuRequest::Milli(milli) => (1, milli),
    };
    if count > 0 && request.models.0 & (1 << room.model.0) == 0 {
        return Vec::new();
    }
    let sets = (0..1_u32 << room.gpus.len()).filter(|set| set.count_ones() == count);
    let fitting = sets.filter(|set| (0..room.gpus.len()).all(|gpu| set >> gpu & 1 == 0 || room.gpus[gpu] >= milli));
    fitting
        .map(|set| {
            let mut next = base.clone();
            (0..room.gpus.len()).filter(|gpu| set >> gpu & 1 == 1).for_each(|gpu| next.gpus[gpu] -= milli);
            next
        })
        .collect()
}

struct Search<'a> {
    case: &'a Case,
    rooms: Vec<NodeRoom>,
    best: i64,
}

impl Search<'_> {
    /// Decides on the jobs from `at` on; `milli` is what was earned before.
    fn jobs(&mut self, at: usize, milli: i64) {
        let Some(ask) = self.case.asks.get(at) else {
            let worth = milli * unit(self.case) - growth(self.case, &self.rooms);
            self.best = self.best.max(worth);
            return;
        };
        self.jobs(at + 1, milli);
        let tasks: Vec<TaskRequest> =
            ask.groups.iter().flat_map(|(request, tasks)| vec![*request; *tasks as usize]).collect();
        self.tasks(at, milli, &tasks, &mut Vec::new());
    }

    fn tasks(&mut self, at: usize, milli: i64, tasks: &[TaskRequest], nodes: &mut Vec<usize>) {
        let Some((task, rest)) = tasks.split_first() else {
            if let Some(more) = job(self.case, &self.case.asks[at], &nodes.iter().copied().collect()) {
                self.jobs(at + 1, milli + more);
            }
            return;
        };
        for node in 0..self.rooms.len() {
            let before = self.rooms[node].clone();
            for room in seats(&before, task) {
                self.rooms[node] = room;
                nodes.push(node);
                self.tasks(at, milli, rest, nodes);
                nodes.pop();
            }
            self.rooms[node] = before;
        }
    }

    /// Puts what was taken away somewhere, then decides on the jobs.
    fn moved(&mut self, milli: i64, tasks: &[TaskRequest]) {
        let Some((task, rest)) = tasks.split_first() else { return self.jobs(0, milli) };
        for node in 0..self.rooms.len() {
            let before = self.rooms[node].clone();
            for room in seats(&before, task) {
                self.rooms[node] = room;
                self.moved(milli, rest);
            }
            self.rooms[node] = before;
        }
    }
}

/// The best objective of all plans, in units.
pub(super) fn best(case: &Case) -> i64 {
    let mut best = i64::MIN;
    for set in 0..1_u32 << case.yard.held.len() {
        if set.count_ones() > case.rules.moves_max {
            continue;
        }
        let mut rooms: Vec<NodeRoom> = case.yard.nodes.iter().map(|node| node.room.clone()).collect();
        let (mut tasks, mut milli) = (Vec::new(), 0);
        for (_, held) in case.yard.held.iter().enumerate().filter(|(at, _)| set >> at & 1 == 1) {
            free(&mut rooms[held.node], &held.slices);
            tasks.push(held.request);
            milli -= (held.price + case.rules.move_cost).cast_signed();
        }
        let mut search = Search { case, rooms, best };
        search.moved(milli, &tasks);
        best = search.best;
    }
    best
}

fn free(room: &mut NodeRoom, slices: &[Slice]) {
    for slice in slices {
        slice.gpu_indices().for_each(|gpu| room.gpus[gpu as usize] += slice.milli);
        room.cpu_milli += slice.cpu_milli;
        room.memory_mib += slice.memory_mib;
    }
}

fn hold(rooms: &mut [NodeRoom], yard: &Yard, request: &TaskRequest, slices: &[Slice]) -> usize {
    let at = yard.nodes.iter().position(|node| node.id == slices[0].node).unwrap();
    let (mut milli, mut gpus) = (0, 0);
    for slice in slices {
        assert_eq!(slice.node, slices[0].node);
        for gpu in slice.gpu_indices() {
            rooms[at].gpus[gpu as usize] =
                rooms[at].gpus[gpu as usize].checked_sub(slice.milli).expect("GPU given twice");
            milli += u64::from(slice.milli);
            gpus += 1;
        }
        rooms[at].cpu_milli = rooms[at].cpu_milli.checked_sub(slice.cpu_milli).expect("CPU given twice");
        rooms[at].memory_mib = rooms[at].memory_mib.checked_sub(slice.memory_mib).expect("memory given twice");
    }
    assert_eq!((milli, gpus), (request.gpus.milli(), request.gpus.count() * u32::from(request.gpus.milli() > 0)));
    assert_eq!(slices.iter().map(|slice| slice.cpu_milli).sum::<u32>(), request.cpu_milli);
    assert!(gpus == 0 || request.models.contains(yard.nodes[at].room.model));
    at
}

/// The objective of a plan, counted by hand; panics where it does not hold.
pub(super) fn value(case: &Case, plan: &Plan) -> i64 {
    let mut rooms: Vec<NodeRoom> = case.yard.nodes.iter().map(|node| node.room.clone()).collect();
    assert!(plan.moves.len() <= case.rules.moves_max as usize);
    let mut milli = 0;
    for one in &plan.moves {
        let held = &case.yard.held[one.held];
        free(&mut rooms[held.node], &held.slices);
        milli -= (held.price + case.rules.move_cost).cast_signed();
    }
    for one in &plan.moves {
        hold(&mut rooms, &case.yard, &case.yard.held[one.held].request, &one.to);
    }
    for (ask, placed) in case.asks.iter().zip(&plan.placed) {
        let Some(placed) = placed else { continue };
        let mut counts = vec![0; ask.groups.len()];
        let mut nodes = BTreeSet::new();
        for (group, slices) in &placed.tasks {
            counts[*group] += 1;
            nodes.insert(hold(&mut rooms, &case.yard, &ask.groups[*group].0, slices));
        }
        assert!(counts.iter().zip(&ask.groups).all(|(count, (_, tasks))| count == tasks), "a gang in part");
        milli += job(case, ask, &nodes).expect("outside its domain");
    }
    milli * unit(case) - growth(case, &rooms)
}
