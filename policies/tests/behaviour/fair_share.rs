//! Fair share by hand: two levels, weights, decay.

use engine::{Inventory, Shape, TaskRequest};
use policies::{Context, build};

use crate::bench::Bench;

/// One GPU. Tenants: org `a` with teams x (1) and y (2), org `b` with team z (3).
fn bench(policy: &str, weights: [u32; 4]) -> Bench {
    let [a, b, x, y] = weights;
    let tenants = [("a", None, a), ("x", Some(0), x), ("y", Some(0), y), ("b", None, b), ("z", Some(3), 1000)];
    let policy = build(policy, Context::default()).unwrap().policy;
    Bench::new(Inventory::uniform(1, 1, "A100"), policy, &tenants, &[Shape::uniform(1, TaskRequest::whole_gpus(1))])
}

const X: u32 = 1;
const Y: u32 = 2;
const Z: u32 = 4;

/// Submits `jobs` jobs of each tenant at once and runs them one after the other, each for as long as its tenant's jobs
/// run. Returns the tenants in the order of their starts.
fn order(bench: &mut Bench, jobs: usize, secs: impl Fn(u32) -> u64) -> Vec<u32> {
    let mut started = Vec::new();
    for _ in 0..jobs {
        for tenant in [X, Y, Z] {
            let submission = bench.submission(0, tenant);
            started.extend(bench.at(0, [submission]));
        }
    }
    let (mut now, mut at) = (0, 0);
    while at < started.len() {
        let job = started[at];
        now += secs([X, Y, Z][job as usize % 3]);
        started.extend(bench.at(now, [Bench::end(job)]));
        at += 1;
    }
    started.iter().map(|job| [X, Y, Z][*job as usize % 3]).collect()
}

/// Usage hardly decays: a half-life of a thousand years.
const PLAIN: &str = "fair-share[half-life=8760000,commitment=0]";

#[test]
fn equal_orgs_take_turns_and_teams_take_turns_inside() {
    let order = order(&mut bench(PLAIN, [1000; 4]), 4, |_| 100);
    assert_eq!(order[..8], [X, Z, Y, Z, X, Z, Y, Z], "half for b, a quarter for each team of a");
    assert_eq!(order[8..], [X, Y, X, Y], "b has nothing left to run");
}

#[test]
fn an_org_of_twice_the_weight_gets_twice_the_time() {
    // Ties go to the lower id: x's first job.
    let order = order(&mut bench(PLAIN, [1000, 2000, 1000, 1000]), 6, |_| 100);
    let of = |tenant| order[..9].iter().filter(|found| **found == tenant).count();
    assert_eq!((of(Z), of(X) + of(Y)), (6, 3), "{order:?}");
}

#[test]
fn weights_inside_an_org_share_what_the_org_gets() {
    let order = order(&mut bench(PLAIN, [1000, 1000, 1000, 3000]), 8, |_| 100);
    let of = |tenant| order[..16].iter().filter(|found| **found == tenant).count();
    assert_eq!((of(Z), of(X), of(Y)), (8, 2, 6), "{order:?}");
}

#[test]
fn it_is_time_that_is_shared_not_starts() {
    let secs = |tenant| if tenant == Z { 300 } else { 100 };
    let order = order(&mut bench(PLAIN, [1000; 4]), 4, secs);
    assert_eq!(order[..8], [X, Z, Y, X, Z, Y, X, Y], "three short jobs of a for each long one of b");
}

/// Usage of a running job: one GPU for `secs`, by the closed form of exponential decay.
fn used(secs: f64, half_life_s: f64) -> f64 {
    half_life_s / std::f64::consts::LN_2 * (1.0 - 0.5f64.powi((secs / half_life_s) as i32))
}

#[test]
fn usage_halves_with_each_half_life() {
    let mut bench = bench("fair-share[half-life=1,commitment=0]", [1000; 4]);
    let submission = bench.submission(0, X);
    bench.at(0, [submission]);
    bench.at(3600, [Bench::end(0)]);
    let now = |hours: u64| engine::Time(hours * 3600 * engine::MICROS);
    let usage = |hours, tenant| bench.core.state().tenants().usage(engine::TenantId(tenant), now(hours)) as f64 / 1e9;
    let expected = used(3600.0, 3600.0);
    for (hours, share) in [(1, 1.0), (2, 0.5), (3, 0.25), (11, 1.0 / 1024.0)] {
        let found = usage(hours, X);
        assert!((found / (expected * share) - 1.0).abs() < 1e-6, "{hours} h: {found} of {expected}");
        assert!((usage(hours, 0) - found).abs() < 1e-6, "the org has used what its teams have");
    }
    assert!(usage(1, Z) == 0.0);
}

/// x ran 2 h long ago, y ran 1 h just now. Without decay y goes first, with a short half-life x.
#[test]
fn old_usage_is_forgotten() {
    let next = |policy: &str| {
        let mut bench = bench(policy, [1000; 4]);
        let first = bench.submission(0, X);
        bench.at(0, [first]);
        bench.at(7200, [Bench::end(0)]);
        let second = bench.submission(0, Y);
        bench.at(72_000, [second]);
        let (waiting_y, waiting_x) = (bench.submission(0, Y), bench.submission(0, X));
        assert!(bench.at(72_001, [waiting_y, waiting_x]).is_empty());
        bench.at(75_600, [Bench::end(1)])
    };
    assert_eq!(next(PLAIN), [2], "y: 1 h against 2 h");
    assert_eq!(next("fair-share[half-life=1,commitment=0]"), [3], "x: 2 h, 18 half-lives ago");
}

/// With 4 GPUs free at once, commitment counts each start at once; without it one team would get all.
#[test]
fn what_is_handed_out_at_one_instant_counts_in_advance() {
    let starts = |policy: &str| {
        let policy = build(policy, Context::default()).unwrap().policy;
        let tenants = [("a", None, 1000), ("x", Some(0), 1000), ("b", None, 1000), ("z", Some(2), 1000)];
        let shapes = [1, 4].map(|gpus| Shape::uniform(1, TaskRequest::whole_gpus(gpus)));
        let mut bench = Bench::new(Inventory::uniform(1, 4, "A100"), policy, &tenants, &shapes);
        let all = bench.submission(1, 1);
        assert_eq!(bench.at(0, [all]), [0]);
        for _ in 0..4 {
            let (x, z) = (bench.submission(0, 1), bench.submission(0, 3));
            assert!(bench.at(0, [x, z]).is_empty());
        }
        bench.at(60, [Bench::end(0)])
    };
    assert_eq!(starts("fair-share[commitment=1]"), [2, 1, 4, 3], "z, then x with 240 GPU s before, then z again");
    assert_eq!(starts("fair-share[commitment=0]"), [2, 4, 6, 8], "all to z, who has used nothing");
}
