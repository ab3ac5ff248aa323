//! What the benchmarks share: workloads made by a hash, and the bare loop that is the physical limit.
#![allow(dead_code, reason = "each benchmark uses a part")]

pub mod closed;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use engine::{Inventory, MICROS, Span, Time};
use traces::{Recorded, Trace, TraceJob};

/// Gang sizes of the million jobs, with their shares in percent.
const SIZES: [(u32, u64); 5] = [(1, 70), (2, 10), (4, 10), (8, 8), (16, 2)];

/// `SplitMix64`: chance without a generator.
pub fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

/// A number in 0..1.
fn unit(value: u64) -> f64 {
    (mix(value) >> 11) as f64 / (1u64 << 53) as f64
}

/// Poisson arrivals of gangs of 1 to 16 GPUs with run times from 1 minute to 28 hours (log-uniform), so that the offered
/// load on `gpus` GPUs is `load`.
pub fn trace(jobs: usize, gpus: u32, load: f64) -> Trace {
    let mean_gpus: f64 = SIZES.iter().map(|(size, share)| f64::from(*size) * *share as f64 / 100.0).sum();
    let (low, high) = (60.0f64, 100_000.0f64);
    let mean_s = (high - low) / (high / low).ln();
    let gap_s = mean_gpus * mean_s / (f64::from(gpus) * load);
    let mut now = 0.0;
    let job = |index: usize| {
        let seed = index as u64 * 4;
        now += -gap_s * (1.0 - unit(seed)).ln();
        let mut draw = mix(seed + 1) % 100;
        let size = SIZES
            .iter()
            .find(|(_, share)| {
                draw < *share || {
                    draw -= share;
                    false
                }
            })
            .map_or(1, |(size, _)| *size);
        let duration_s = low * (high / low).powf(unit(seed + 2));
        TraceJob {
            id: "".into(),
            submit: Time((now * MICROS as f64) as u64),
            duration: Span((duration_s * MICROS as f64) as u64),
            gpu_milli: size * 1000,
            cpu_milli: 0,
            memory_mib: 0,
            models: None,
            tenant: 0,
            priority: 0,
            preemptible: true,
            estimate: None,
            time_limit: None,
            deadline: None,
            recorded: Recorded::Unknown,
        }
    };
    let jobs = (0..jobs).scan(job, |job, index| Some(job(index))).collect();
    Trace { source: "hash".to_owned(), jobs, tenants: vec!["all".to_owned()], ..Trace::default() }
}

/// `nodes` nodes of 8 GPUs.
pub fn cluster(nodes: usize) -> Inventory {
    Inventory::uniform(nodes, 8, "GPU")
}

/// The physical limit: fit-first FIFO with nothing but a heap of finishes and nodes bucketed by free GPUs. No jobs as
/// objects, no events, no orders, no metrics but the mean wait in seconds.
pub fn bare_loop(trace: &Trace, nodes: usize) -> f64 {
    let mut free: [Vec<u32>; 9] = Default::default();
    free[8] = (0..nodes as u32).rev().collect();
    let mut free_of = vec![8u8; nodes];
    let mut place_in = vec![0u32; nodes];
    for (at, node) in free[8].iter().enumerate() {
        place_in[*node as usize] = at as u32;
    }
    let mut finishes: BinaryHeap<Reverse<(u64, u32)>> = BinaryHeap::new();
    let mut held: Vec<[u32; 2]> = vec![[u32::MAX; 2]; trace.jobs.len()];
    let mut waiting: [VecDeque<u32>; 5] = Default::default();
    let mut waited = 0.0;
    let mut next = 0;
    let mut to_bucket = |free: &mut [Vec<u32>; 9], free_of: &mut [u8], node: u32, to: u8| {
        let from = free_of[node as usize] as usize;
        let at = place_in[node as usize] as usize;
        free[from].swap_remove(at);
        if let Some(moved) = free[from].get(at) {
            place_in[*moved as usize] = at as u32;
        }
        free_of[node as usize] = to;
        place_in[node as usize] = free[to as usize].len() as u32;
        free[to as usize].push(node);
    };
    loop {
        let arrival = trace.jobs.get(next).map(|job| job.submit.0);
        let finish = finishes.peek().map(|Reverse((at, _))| *at);
        let Some(now) = [arrival, finish].into_iter().flatten().min() else { break };
        while let Some(Reverse((at, job))) = finishes.peek().copied().filter(|Reverse((at, _))| *at == now) {
            debug_assert_eq!(at, now);
            finishes.pop();
            let gpus = trace.jobs[job as usize].gpu_milli / 1000;
            for node in held[job as usize].into_iter().filter(|node| *node != u32::MAX) {
                let back = gpus.min(8) as u8;
                let after = free_of[node as usize] + back;
                to_bucket(&mut free, &mut free_of, node, after);
            }
        }
        while trace.jobs.get(next).is_some_and(|job| job.submit.0 == now) {
            let class = (trace.jobs[next].gpu_milli / 1000).trailing_zeros() as usize;
            waiting[class].push_back(next as u32);
            next += 1;
        }
        let mut open = [true; 5];
        loop {
            let heads =
                (0..5).filter(|class| open[*class]).filter_map(|class| waiting[class].front().map(|job| (*job, class)));
            let Some((job, class)) = heads.min() else { break };
            let size = 1usize << class;
            if size == 16 {
                let [.., a, b] = free[8][..] else {
                    open[class] = false;
                    continue;
                };
                to_bucket(&mut free, &mut free_of, a, 0);
                to_bucket(&mut free, &mut free_of, b, 0);
                held[job as usize] = [a, b];
            } else if let Some(bucket) = (size..=8).find(|bucket| !free[*bucket].is_empty()) {
                let node = free[bucket][free[bucket].len() - 1];
                to_bucket(&mut free, &mut free_of, node, (bucket - size) as u8);
                held[job as usize][0] = node;
            } else {
                open[class] = false;
                continue;
            }
            waiting[class].pop_front();
            waited += (now - trace.jobs[job as usize].submit.0) as f64 / MICROS as f64;
            finishes.push(Reverse((now + trace.jobs[job as usize].duration.0, job)));
        }
    }
    waited / trace.jobs.len() as f64
}
