//! M/M/c: Poisson arrivals, exponential service, one GPU a job, first come first served.
//!
//! Each start must be that of the recursion of Kiefer and Wolfowitz (1955) to the microsecond, and the mean wait that of
//! Erlang's C formula within 2 %. Each seed is replayed four times, with the draws of arrivals and services mirrored and
//! exchanged (Page 1965): where one replay has a burst, another has a lull, and the mean of the four varies much less.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::bench::{Plan, rows, trace};

/// Mean service time in seconds.
const SERVICE_S: f64 = 100.0;

/// Erlang C: the mean wait in seconds.
fn wait_mean(servers: u32, load: f64) -> f64 {
    let offered = f64::from(servers) * load;
    // The Erlang B recursion, then C from B.
    let blocked = (1..=servers).fold(1.0, |blocked, c| offered * blocked / (f64::from(c) + offered * blocked));
    let waits = blocked / (1.0 - load * (1.0 - blocked));
    waits * SERVICE_S / (f64::from(servers) * (1.0 - load))
}

/// What becomes of the two streams of uniform draws.
#[derive(Clone, Copy)]
struct Variant {
    mirrored: bool,
    exchanged: bool,
}

const VARIANTS: [Variant; 4] = [
    Variant { mirrored: false, exchanged: false },
    Variant { mirrored: true, exchanged: false },
    Variant { mirrored: false, exchanged: true },
    Variant { mirrored: true, exchanged: true },
];

fn plans(servers: u32, load: f64, jobs: usize, seed: u64, variant: Variant) -> Vec<Plan> {
    let mut chance = StdRng::seed_from_u64(seed);
    // The middle of one of 2^53 equal parts of (0, 1): never 0, never 1.
    let mut uniform = || ((chance.next_u64() >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
    let exponential = |uniform: f64| -(if variant.mirrored { 1.0 - uniform } else { uniform }).ln();
    let mut submit = 0.0;
    let mut plan = || {
        let (first, second) = (exponential(uniform()), exponential(uniform()));
        let (gap, work) = if variant.exchanged { (second, first) } else { (first, second) };
        submit += gap * SERVICE_S / (f64::from(servers) * load);
        Plan { submit: (submit * 1e6) as u64, gpus: 1, work: (work * SERVICE_S * 1e6) as u64 }
    };
    (0..jobs).map(|_| plan()).collect()
}

/// Starts by the recursion: each job takes the server that is free first.
fn starts(plans: &[Plan], servers: u32) -> Vec<u64> {
    let mut free = vec![0u64; servers as usize];
    let mut start = |plan: &Plan| {
        let first = free.iter_mut().min().unwrap();
        let start = plan.submit.max(*first);
        *first = start + plan.work;
        start
    };
    plans.iter().map(&mut start).collect()
}

/// Starts by a replay; each must be that of the recursion.
fn replayed(plans: &[Plan], servers: u32) -> Vec<u64> {
    let inventory = engine::Inventory::uniform(1, servers, "GPU");
    let found: Vec<u64> = rows(&trace(plans), &inventory, "fifo", &[]).iter().map(|row| row.start.0).collect();
    assert!(found == starts(plans, servers), "a start is not that of the recursion");
    found
}

/// A queue and how much of it is sampled.
#[derive(Clone, Copy)]
struct Sample {
    servers: u32,
    load: f64,
    jobs: usize,
    seeds: u64,
}

/// How far the mean wait is from that of the formula, and its standard error, both as a share of it.
fn error(sample: Sample, starts: fn(&[Plan], u32) -> Vec<u64>) -> (f64, f64) {
    let Sample { servers, load, jobs, seeds } = sample;
    let wait = |seed, variant| {
        let plans = plans(servers, load, jobs, seed, variant);
        let waits = starts(&plans, servers).into_iter().zip(&plans).map(|(start, plan)| (start - plan.submit) as f64);
        waits.sum::<f64>() / 1e6 / jobs as f64
    };
    let of_seed = |seed| VARIANTS.map(|variant| wait(seed, variant)).iter().sum::<f64>() / 4.0;
    let waits: Vec<f64> = (1..=seeds).map(of_seed).collect();
    let mean = waits.iter().sum::<f64>() / seeds as f64;
    let variance = waits.iter().map(|wait| (wait - mean).powi(2)).sum::<f64>() / (seeds - 1) as f64;
    let expected = wait_mean(servers, load);
    let (error, standard_error) = (mean / expected - 1.0, (variance / seeds as f64).sqrt() / expected);
    println!("M/M/{servers} at {load}: {jobs} jobs x {seeds} x 4: {error:+.4}, standard error {standard_error:.4}");
    (error, standard_error)
}

/// A replay of 1.28 million jobs is within 2 %. As each of its starts is that of the recursion, the recursion can
/// speak for it on five times as many: they are within 1 %.
fn check(servers: u32, load: f64) {
    let (off, spread) = error(Sample { servers, load, jobs: 40_000, seeds: 8 }, replayed);
    assert!(off.abs() < 0.02 && spread < 0.015);
    let (off, spread) = error(Sample { servers, load, jobs: 160_000, seeds: 10 }, starts);
    assert!(off.abs() < 0.01 && spread < 0.008);
}

#[test]
fn erlang_c_is_the_textbook_one() {
    // M/M/1: rho / (1 - rho) service times; M/M/2: rho^2 / (1 - rho^2).
    assert!((wait_mean(1, 0.8) / SERVICE_S - 4.0).abs() < 1e-12);
    assert!((wait_mean(2, 0.75) / SERVICE_S - 9.0 / 14.0 * 2.0).abs() < 1e-12);
}

#[test]
fn four_gpus_at_load_four_fifths() {
    check(4, 0.8);
}

#[test]
fn eight_gpus_at_load_seven_tenths() {
    check(8, 0.7);
}
