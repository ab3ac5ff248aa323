//! What the benchmarks share: workloads made by a hash, and the bare loop that is the physical limit.
#![allow(dead_code, reason = "each benchmark uses a part")]

pub(crate) mod batch;
pub(crate) mod brim;
pub(crate) mod churn;
pub(crate) mod closed;
pub(crate) mod full;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use engine::{Inventory, MICROS, Span, Time};
use traces::{Trace, TraceJob};

/// Gang sizes of the million jobs, with their shares in percent.
const SIZES: [(u32, u64); 5] = [(1, 70), (2, 10), (4, 10), (8, 8), (16, 2)];

/// `SplitMix64`: chance without a generator.
pub(crate) fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

/// The kind of gang, an index of [`SIZES`], that a random number draws.
fn kind(random: u64) -> usize {
    let mut draw = random % 100;
    let here = |(_, share): &(u32, u64)| {
        let here = draw < *share;
        draw = draw.saturating_sub(*share);
        here
    };
    SIZES.iter().position(here).unwrap_or(0)
}

/// A number in 0..1.
fn unit(value: u64) -> f64 {
    (mix(value) >> 11) as f64 / (1u64 << 53) as f64
}

/// Poisson arrivals of gangs of 1 to 16 GPUs with run times from 1 minute to 28 hours (log-uniform), so that the offered
/// load on `gpus` GPUs is `load`.
pub(crate) fn trace(jobs: usize, gpus: u32, load: f64) -> Trace {
    let mean_gpus: f64 = SIZES.iter().map(|(size, share)| f64::from(*size) * *share as f64 / 100.0).sum();
    let (low, high) = (60.0f64, 100_000.0f64);
    let mean_s = (high - low) / (high / low).ln();
    let gap_s = mean_gpus * mean_s / (f64::from(gpus) * load);
    let mut now = 0.0;
    let job = |index: usize| {
        let seed = index as u64 * 4;
        now += -gap_s * (1.0 - unit(seed)).ln();
        let (size, _) = SIZES[kind(mix(seed + 1))];
        let duration_s = low * (high / low).powf(unit(seed + 2));
        TraceJob::plain("", Time((now * MICROS as f64) as u64), Span((duration_s * MICROS as f64) as u64), size * 1000)
    };
    let jobs = (0..jobs).scan(job, |job, index| Some(job(index))).collect();
    Trace { source: "hash".to_owned(), jobs, tenants: vec!["all".to_owned()], ..Trace::default() }
}

/// `nodes` nodes of 8 GPUs.
pub(crate) fn cluster(nodes: usize) -> Inventory {
    Inventory::uniform(nodes, 8, "GPU")
}

/// Nodes of 8 GPUs in buckets by free GPUs, and where each node stands in its bucket.
struct Buckets {
    free: [Vec<u32>; 9],
    free_of: Vec<u8>,
    place_in: Vec<u32>,
}

impl Buckets {
    fn new(nodes: usize) -> Self {
        let mut free: [Vec<u32>; 9] = Default::default();
        free[8] = (0..nodes as u32).collect();
        Self { free, free_of: vec![8; nodes], place_in: (0..nodes as u32).collect() }
    }

    fn move_to(&mut self, node: u32, to: u8) {
        let from = self.free_of[node as usize] as usize;
        let at = self.place_in[node as usize] as usize;
        self.free[from].swap_remove(at);
        if let Some(moved) = self.free[from].get(at) {
            self.place_in[*moved as usize] = at as u32;
        }
        self.free_of[node as usize] = to;
        self.place_in[node as usize] = self.free[to as usize].len() as u32;
        self.free[to as usize].push(node);
    }

    fn give_back(&mut self, node: u32, gpus: u32) {
        self.move_to(node, self.free_of[node as usize] + gpus.min(8) as u8);
    }

    /// Nodes for a gang of `size` GPUs, `u32::MAX` where it needs no second one.
    fn take(&mut self, size: usize) -> Option<[u32; 2]> {
        if size == 16 {
            let [.., a, b] = self.free[8][..] else { return None };
            self.move_to(a, 0);
            self.move_to(b, 0);
            return Some([a, b]);
        }
        let bucket = (size..=8).find(|bucket| !self.free[*bucket].is_empty())?;
        let node = self.free[bucket][self.free[bucket].len() - 1];
        self.move_to(node, (bucket - size) as u8);
        Some([node, u32::MAX])
    }
}

/// The physical limit: fit-first FIFO with nothing but a heap of finishes and nodes bucketed by free GPUs. No jobs as
/// objects, no events, no orders, no metrics but the mean wait in seconds.
pub(crate) fn bare_loop(trace: &Trace, nodes: usize) -> f64 {
    let mut buckets = Buckets::new(nodes);
    let mut finishes: BinaryHeap<Reverse<(u64, u32)>> = BinaryHeap::new();
    let mut held: Vec<[u32; 2]> = vec![[u32::MAX; 2]; trace.jobs.len()];
    let mut waiting: [VecDeque<u32>; 5] = Default::default();
    let mut waited = 0.0;
    let mut next = 0;
    loop {
        let arrival = trace.jobs.get(next).map(|job| job.submit.0);
        let finish = finishes.peek().map(|Reverse((at, _))| *at);
        let Some(now) = [arrival, finish].into_iter().flatten().min() else { break };
        while let Some(Reverse((_, job))) = finishes.peek().copied().filter(|Reverse((at, _))| *at == now) {
            finishes.pop();
            let gpus = trace.jobs[job as usize].gpu_milli / 1000;
            for node in held[job as usize].into_iter().filter(|node| *node != u32::MAX) {
                buckets.give_back(node, gpus);
            }
        }
        while trace.jobs.get(next).is_some_and(|job| job.submit.0 == now) {
            let class = (trace.jobs[next].gpu_milli / 1000).trailing_zeros() as usize;
            waiting[class].push_back(next as u32);
            next += 1;
        }
        let mut open = [true; 5];
        loop {
            let heads = (0..5).filter(|class| open[*class]);
            let heads = heads.filter_map(|class| waiting[class].front().map(|job| (*job, class)));
            let Some((job, class)) = heads.min() else { break };
            let Some(nodes) = buckets.take(1 << class) else {
                open[class] = false;
                continue;
            };
            held[job as usize] = nodes;
            waiting[class].pop_front();
            waited += (now - trace.jobs[job as usize].submit.0) as f64 / MICROS as f64;
            finishes.push(Reverse((now + trace.jobs[job as usize].duration.0, job)));
        }
    }
    waited / trace.jobs.len() as f64
}
