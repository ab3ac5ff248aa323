//! Many short runs while the server and shims die at random: each runs once, and each is seen to end.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use engine::RunId;
use executor::launcher::{End, Gang, Launcher, Seen};
use executor::runs::record::Started;
use executor::runs::{name, read_json};
use nix::sys::signal::Signal;

use super::harness::{PATIENCE, Yard, eventually, gang, kill, sh};

const RUNS: u32 = 300;

/// SplitMix64, seeded: a failure is repeated with the seed that it prints, as far as processes can be.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)) % limit
    }
}

/// Whether shims are killed too, beside the server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shims {
    Live,
    AreKilled,
}

fn ended(yard: &Yard, run: RunId) -> Option<&End> {
    yard.seen.get(&run)?.iter().find_map(|seen| match seen {
        Seen::Ended(end) => Some(end),
        _ => None,
    })
}

/// The journal of a server: orders that were given, without an end that was seen.
fn open<'a>(yard: &Yard, orders: &'a [Gang]) -> Vec<&'a Gang> {
    orders.iter().filter(|gang| ended(yard, gang.run).is_none()).collect()
}

fn restart(yard: &mut Yard, orders: &[Gang]) {
    yard.poll();
    yard.crash();
    yard.serve();
    for gang in open(yard, orders) {
        yard.local().reattach(gang.clone());
    }
}

fn kill_a_shim(yard: &Yard, orders: &[Gang], chance: &mut Chance) {
    let open = open(yard, orders);
    if open.is_empty() {
        return;
    }
    let folder = yard.task(open[chance.below(open.len() as u64) as usize].run, 0);
    if let Ok(Some(started)) = read_json::<Started>(&folder, name::STARTED)
        && !folder.join(name::ENDED).exists()
    {
        kill(started.shim.pid, Signal::SIGKILL);
    }
}

fn stress(seed: u64, shims: Shims) {
    eprintln!("seed {seed}");
    let mut chance = Chance(seed);
    let mut yard = Yard::new();
    let log = yard.beside("log");
    let mut orders: Vec<Gang> = Vec::new();
    while orders.len() < RUNS as usize {
        for _ in 0..=chance.below(12) {
            let script = format!("echo $TRAINYARD_RUN >> {}; exec sleep 0.{:02}", log.display(), chance.below(30));
            let gang = gang(orders.len() as u32, sh(&script));
            yard.launch(&gang);
            orders.push(gang);
        }
        std::thread::sleep(Duration::from_millis(chance.below(120)));
        if shims == Shims::AreKilled {
            kill_a_shim(&yard, &orders, &mut chance);
        }
        if chance.below(3) == 0 {
            restart(&mut yard, &orders);
        }
    }
    let began = std::time::Instant::now();
    while !open(&yard, &orders).is_empty() {
        assert!(began.elapsed() < PATIENCE, "seed {seed}: never ended: {:?}", open(&yard, &orders).len());
        yard.poll();
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_each_ran_once(seed, &yard, &orders, shims);
    yard.assert_nothing_left();
    eventually("no run is running", || yard.local().running().unwrap().is_empty());
}

fn assert_each_ran_once(seed: u64, yard: &Yard, orders: &[Gang], shims: Shims) {
    let mut times: BTreeMap<String, u32> = BTreeMap::new();
    for line in fs::read_to_string(yard.beside("log")).unwrap().lines() {
        *times.entry(line.to_owned()).or_default() += 1;
    }
    for gang in orders {
        let ran = times.remove(&format!("{}-1", gang.run.job.0)).unwrap_or(0);
        match ended(yard, gang.run) {
            Some(End::Exited(0)) => assert_eq!(ran, 1, "seed {seed}: {}", gang.run),
            Some(End::Lost(_)) if shims == Shims::AreKilled => assert!(ran <= 1, "seed {seed}: {}", gang.run),
            end => panic!("seed {seed}: {} ended with {end:?}", gang.run),
        }
    }
    assert!(times.is_empty(), "seed {seed}: nobody ordered {times:?}");
}

#[test]
fn each_run_runs_once_while_the_server_dies() {
    stress(seed(11), Shims::Live);
}

#[test]
fn no_run_runs_twice_while_server_and_shims_die() {
    stress(seed(12), Shims::AreKilled);
}

fn seed(default: u64) -> u64 {
    std::env::var("TRAINYARD_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(default)
}
