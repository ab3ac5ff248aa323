//! The typical tasks of a workload, and how fragmented a node is for them.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use engine::{GpuRequest, MILLI, ModelSet, TaskRequest};

use super::NodeRoom;

/// How much of all tasks the typical ones must be, in parts per million: 95 %, as in all published runs of FGD.
pub const COVER_PPM: u32 = 950_000;

/// A typical task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Typical {
    /// CPU, GPUs and models. Memory is 0: the measure does not look at it.
    pub request: TaskRequest,
    /// How many there are of it.
    pub weight: u64,
}

/// The typical tasks M of a workload, arranged so that the fragmentation of a node costs about a hundred nanoseconds.
///
/// With R the idle GPU of a node, W the sum of weights, and U(d) the idle GPU on GPUs with at least d free:
/// F x W = R x W - sum of w(m) U(d(m)) over the tasks m with GPUs that fit. Tasks that need the same room d of each GPU share
/// U(d), and for each d the weight that fits depends only on the rank of the free CPU among the CPU requests and on how many
/// GPUs have d free: one table, made once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workload {
    typical: Vec<Typical>,
    total: u64,
    /// The CPU requests, rising.
    cpus: Vec<u32>,
    levels: Vec<Level>,
    /// Cells of one rank of the CPU.
    stride: usize,
    /// A table for each set of models that tells allowed models apart, and the table of each model.
    tables: Vec<Vec<u64>>,
    table_of: Vec<u8>,
}

/// Tasks that need the same room of each GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Level {
    milli: u16,
    /// Where its cells begin in a row of the table.
    first: u32,
    /// Most GPUs that one of them needs.
    gpus_max: u32,
}

impl Workload {
    /// The typical tasks among `tasks`, each with its count: the most frequent ones until they are at least `cover_ppm`
    /// parts per million of all. Equal counts go by request: fewer GPUs first, then less CPU.
    pub fn of(tasks: &[(TaskRequest, u64)], cover_ppm: u32) -> Self {
        let mut counts: BTreeMap<TaskRequest, u64> = BTreeMap::new();
        for (request, count) in tasks.iter().filter(|(_, count)| *count > 0) {
            let models = if request.gpus.milli() == 0 { ModelSet::ANY } else { request.models };
            *counts.entry(TaskRequest { memory_mib: 0, models, ..*request }).or_default() += count;
        }
        let all: u64 = counts.values().sum();
        let mut typical: Vec<Typical> =
            counts.into_iter().map(|(request, weight)| Typical { request, weight }).collect();
        typical.sort_by_key(|task| (Reverse(task.weight), task.request));
        let (mut sum, mut keep) = (0, 0);
        while keep < typical.len() && u128::from(sum) * 1_000_000 < u128::from(all) * u128::from(cover_ppm) {
            sum += typical[keep].weight;
            keep += 1;
        }
        typical.truncate(keep);
        Self::typical_of(typical)
    }

    /// Exactly these tasks.
    pub fn typical_of(typical: Vec<Typical>) -> Self {
        let mut cpus: Vec<u32> = typical.iter().map(|task| task.request.cpu_milli).collect();
        cpus.sort_unstable();
        cpus.dedup();
        let mut most: BTreeMap<u16, u32> = BTreeMap::new();
        for task in typical.iter().filter(|task| task.request.gpus.milli() > 0) {
            let (milli, gpus) = need(task.request.gpus);
            let known = most.entry(milli).or_default();
            *known = gpus.max(*known);
        }
        let mut stride = 0;
        let levels = most.into_iter().map(|(milli, gpus_max)| {
            let first = stride;
            stride += gpus_max + 1;
            Level { milli, first, gpus_max }
        });
        let levels = levels.collect();
        let total = typical.iter().map(|task| task.weight).sum();
        let mut made =
            Self { typical, total, cpus, levels, stride: stride as usize, tables: Vec::new(), table_of: Vec::new() };
        made.tabulate();
        made
    }

    /// One table for all models that the same tasks may use.
    fn tabulate(&mut self) {
        let mut known: Vec<Vec<bool>> = Vec::new();
        for model in 0..64 {
            let allows = |task: &Typical| task.request.models.0 >> model & 1 == 1;
            let allowed: Vec<bool> = self.typical.iter().map(allows).collect();
            let at = known.iter().position(|other| *other == allowed).unwrap_or_else(|| {
                self.tables.push(self.table(&allowed));
                known.push(allowed);
                known.len() - 1
            });
            self.table_of.push(at as u8);
        }
    }

    /// By rank of the CPU (so many of the CPU requests fit), level and GPUs with that room: the weight of what fits.
    fn table(&self, allowed: &[bool]) -> Vec<u64> {
        let mut table = vec![0; self.stride * (self.cpus.len() + 1)];
        let with_gpus =
            self.typical.iter().zip(allowed).filter(|(task, allowed)| **allowed && task.request.gpus.milli() > 0);
        for (task, _) in with_gpus {
            let (milli, gpus) = need(task.request.gpus);
            let Some(level) = self.levels.iter().find(|level| level.milli == milli) else { continue };
            let rank = self.cpus.partition_point(|cpu| *cpu < task.request.cpu_milli) + 1;
            for rank in rank..=self.cpus.len() {
                let row = rank * self.stride + level.first as usize;
                table[row + gpus as usize..=row + level.gpus_max as usize].iter_mut().for_each(|w| *w += task.weight);
            }
        }
        table
    }

    /// The typical tasks, most frequent first.
    pub fn typical(&self) -> &[Typical] {
        &self.typical
    }

    /// The sum of the weights: F in thousandths of a GPU is [`Workload::fragmentation`] over this.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Whether nothing is to be expected: then nothing is fragmented.
    pub fn is_empty(&self) -> bool {
        self.typical.is_empty()
    }

    /// F of one node for this workload (FGD, section 3.2), in thousandths of a GPU x weight.
    pub fn fragmentation(&self, room: &NodeRoom) -> u64 {
        let idle = room.idle_milli();
        if idle == 0 {
            return 0;
        }
        let mut usable = 0;
        let row = self.row(room);
        for level in &self.levels {
            let (mut count, mut sum) = (0, 0);
            for free in &room.gpus {
                let enough = *free >= level.milli;
                count += u32::from(enough);
                sum += u32::from(*free) * u32::from(enough);
            }
            usable += row[(level.first + count.min(level.gpus_max)) as usize] * u64::from(sum);
        }
        idle * self.total - usable
    }

    fn row(&self, room: &NodeRoom) -> &[u64] {
        let rank = self.cpus.partition_point(|cpu| *cpu <= room.cpu_milli);
        let table = &self.tables[self.table_of[room.model.index() & 63] as usize];
        &table[rank * self.stride..][..self.stride]
    }

    /// The same from the definition, task by task: what the fast way is checked against.
    pub fn fragmentation_by_definition(&self, room: &NodeRoom) -> u64 {
        let of_task = |task: &Typical| {
            let (milli, gpus) = need(task.request.gpus);
            let enough = room.gpus.iter().filter(|free| **free >= milli).count();
            let runs = gpus > 0
                && task.request.cpu_milli <= room.cpu_milli
                && task.request.models.contains(room.model)
                && enough >= gpus as usize;
            let slivers = room.gpus.iter().filter(|free| **free < milli).map(|free| u64::from(*free)).sum();
            task.weight * if runs { slivers } else { room.idle_milli() }
        };
        self.typical.iter().map(of_task).sum()
    }
}

/// Thousandths of each GPU, and how many GPUs.
fn need(gpus: GpuRequest) -> (u16, u32) {
    match gpus {
        GpuRequest::Whole(gpus) => (MILLI as u16, gpus),
        GpuRequest::Milli(milli) => (milli, 1),
    }
}
