//! Seating tasks on the GPUs of one node: which free thousandths may be left, and which of them is least fragmented.
//!
//! GPUs with equal room are alike, so a way to seat tasks is known by the sorted free thousandths that it leaves. All ways
//! are kept, up to a limit; beyond it those of least F.

use engine::placement::BANK;
use engine::{GpuRequest, MILLI, NodeId, Placement, Slice, TaskRequest, UNLIMITED};
use smallvec::SmallVec;

use crate::fragmentation::{GpuChoice, NodeRoom, Workload};

/// Free thousandths of each GPU, rising.
type Gpus = SmallVec<[u16; 8]>;

/// All ways to seat some tasks on a node.
#[derive(Clone, Debug)]
pub(super) struct Seats {
    /// CPU and memory that are left. GPUs as before.
    room: NodeRoom,
    ways: Vec<Gpus>,
    /// Ways were left out.
    pub(super) cut: bool,
}

impl Seats {
    /// Nothing is seated yet.
    pub(super) fn of(room: &NodeRoom) -> Self {
        let mut gpus: Gpus = room.gpus.clone();
        gpus.sort_unstable();
        Self { room: room.clone(), ways: vec![gpus], cut: false }
    }

    /// The free thousandths of each GPU, for each way.
    pub(super) fn ways(&self) -> impl Iterator<Item = &[u16]> {
        self.ways.iter().map(Gpus::as_slice)
    }

    /// All ways with one task more, at most `most` of them; `None` when there is none.
    pub(super) fn with(&self, request: &TaskRequest, work: &Workload, most: usize) -> Option<Self> {
        let room = &self.room;
        if request.cpu_milli > room.cpu_milli || request.memory_mib > room.memory_mib {
            return None;
        }
        if request.gpus.milli() > 0 && !request.models.contains(room.model) {
            return None;
        }
        let mut ways = Vec::with_capacity(self.ways.len());
        self.ways.iter().for_each(|way| steps(way, request.gpus, |next| ways.push(next)));
        if ways.len() > 1 {
            ways.sort_unstable();
            ways.dedup();
        }
        let mut next = Self { room: room.clone(), ways, cut: self.cut };
        charge(&mut next.room, request);
        if next.ways.len() > most {
            next.shorten(work, most);
        }
        (!next.ways.is_empty()).then_some(next)
    }

    fn shorten(&mut self, work: &Workload, most: usize) {
        let mut ranked: Vec<(u64, Gpus)> = Vec::with_capacity(self.ways.len());
        for way in std::mem::take(&mut self.ways) {
            self.room.gpus.clone_from(&way);
            ranked.push((work.fragmentation(&self.room), way));
        }
        ranked.sort_unstable();
        ranked.truncate(most.max(1));
        self.ways = ranked.into_iter().map(|(_, way)| way).collect();
        self.cut = true;
    }

    /// The least F of all ways.
    pub(super) fn least(&mut self, work: &Workload) -> u64 {
        self.best(work).0
    }

    fn best(&mut self, work: &Workload) -> (u64, usize) {
        let mut best = (u64::MAX, 0);
        for (at, way) in self.ways.iter().enumerate() {
            self.room.gpus.clone_from(way);
            best = best.min((work.fragmentation(&self.room), at));
        }
        best
    }
}

/// Each way on from `way`.
fn steps(way: &Gpus, gpus: GpuRequest, mut found: impl FnMut(Gpus)) {
    match gpus {
        GpuRequest::Whole(count) => {
            let count = count as usize;
            let free = way.iter().rev().take_while(|free| u32::from(**free) == MILLI).count();
            if count <= free {
                let mut next: Gpus = SmallVec::from_elem(0, count);
                next.extend_from_slice(&way[..way.len() - count]);
                found(next);
            }
        }
        GpuRequest::Milli(milli) => {
            for at in 0..way.len() {
                let last_of_equals = way.get(at + 1) != Some(&way[at]);
                if way[at] < milli || !last_of_equals {
                    continue;
                }
                let left = way[at] - milli;
                let mut next = way.clone();
                next.remove(at);
                next.insert(way.partition_point(|free| *free < left), left);
                found(next);
            }
        }
    }
}

fn charge(room: &mut NodeRoom, request: &TaskRequest) {
    if room.cpu_milli != UNLIMITED {
        room.cpu_milli -= request.cpu_milli;
    }
    if room.memory_mib != UNLIMITED {
        room.memory_mib -= request.memory_mib;
    }
}

/// Seats all of `requests` on a node with least F: the slices of each. `room` is left as it is then.
pub(super) fn seat(
    node: NodeId,
    room: &mut NodeRoom,
    requests: &[TaskRequest],
    work: &Workload,
    most: usize,
) -> Option<Vec<Placement>> {
    let mut levels = vec![Seats::of(room)];
    for request in requests {
        let next = levels[levels.len() - 1].with(request, work, most)?;
        levels.push(next);
    }
    let last = levels.len() - 1;
    let best = levels[last].best(work).1;
    let mut goal = levels[last].ways[best].clone();
    // Backwards: the free thousandths of the GPU that each task took, of the ways that lead to the goal.
    let mut path: Vec<Gpus> = vec![goal.clone()];
    for (level, request) in levels[..last].iter().zip(requests).rev() {
        let leads = |way: &&Gpus| {
            let mut reached = false;
            steps(way, request.gpus, |next| reached |= next == goal);
            reached
        };
        goal = level.ways.iter().find(leads)?.clone();
        path.push(goal.clone());
    }
    path.reverse();
    let mut seats = Vec::with_capacity(requests.len());
    for (request, pair) in requests.iter().zip(path.windows(2)) {
        seats.push(put(node, room, request, taken_from(&pair[0], &pair[1]))?);
    }
    Some(seats)
}

/// The free thousandths, of those in `before`, that are not in `after`: where a part of a GPU was taken.
fn taken_from(before: &Gpus, after: &Gpus) -> u16 {
    let mut left = after.clone();
    for free in before.iter().rev() {
        match left.iter().position(|other| other == free) {
            Some(at) => drop(left.remove(at)),
            None => return *free,
        }
    }
    0
}

/// Puts one task: a part of a GPU on the first with exactly `from` free, whole GPUs on the first free ones.
pub(super) fn put(node: NodeId, room: &mut NodeRoom, request: &TaskRequest, from: u16) -> Option<Placement> {
    let before = room.gpus.clone();
    let gpu = room.gpus.iter().position(|free| *free == from).unwrap_or(0) as u32;
    room.take(request, GpuChoice::Gpu(gpu))?;
    let milli = match request.gpus {
        GpuRequest::Whole(_) => MILLI as u16,
        GpuRequest::Milli(milli) => milli,
    };
    let mut slices = Placement::new();
    let blank = Slice { node, bank: 0, milli, mask: 0, cpu_milli: request.cpu_milli, memory_mib: request.memory_mib };
    for gpu in (0..before.len()).filter(|gpu| before[*gpu] != room.gpus[*gpu]) {
        let (bank, bit) = ((gpu as u32 / BANK) as u16, 1 << (gpu as u32 % BANK));
        match slices.last_mut() {
            Some(last) if last.bank == bank => last.mask |= bit,
            Some(_) => slices.push(Slice { bank, mask: bit, cpu_milli: 0, memory_mib: 0, ..blank }),
            None => slices.push(Slice { bank, mask: bit, ..blank }),
        }
    }
    if slices.is_empty() {
        slices.push(blank);
    }
    Some(slices)
}
