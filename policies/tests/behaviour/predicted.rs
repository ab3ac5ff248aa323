//! Predictions: by hand, and that nothing peeks.

#![allow(clippy::float_cmp, reason = "whole seconds, and microseconds as seconds")]

use engine::{JobId, MICROS, NameId, Span, TenantId};
use policies::{Context, build};
use proptest::prelude::*;

use crate::play::{Passing, Planned, Play, expected};

const U: u32 = 0;
const V: u32 = 1;
const W: u32 = 2;
const NAMES: [&str; 5] = ["train-a", "train-b", "eval", "train-c", "zzz"];

fn play(gpus: u32, policy: &str) -> Play {
    let policy = build(policy, Context::default()).unwrap();
    assert!(!policy.clairvoyant);
    let mut play = Play::new(gpus, policy.policy, &[("u", None, 1000), ("v", None, 1000), ("w", None, 1000)]);
    play.declare(&NAMES, &[]);
    play
}

fn job(at: u64, gpus: u32, secs: u64, user: u32, name: Option<u32>) -> Planned {
    Planned::new(at, gpus, secs).with(|spec| {
        spec.tenant = TenantId(user);
        spec.name = name.map(NameId);
    })
}

/// Predictions of the jobs after the history, in seconds, with a cluster that is busy meanwhile.
fn predictions(policy: &str, history: Vec<Planned>, asked: Vec<Planned>) -> Vec<f64> {
    let mut play = play(4, policy);
    let past = history.len();
    play.run(history, u64::MAX, |_, _| {});
    let (from, count) = (10_000, asked.len());
    let at = |job: Planned| Planned { at_s: from, ..job };
    let mut jobs = vec![job(from - 1, 4, 5, U, None)];
    jobs.extend(asked.into_iter().map(at));
    play.run(jobs, from, |_, _| {});
    let memo = |at: usize| play.core.state().memo(JobId::new(past + 1 + at))[0];
    (0..count).map(|at| (memo(at) - 1) as f64 / MICROS as f64).collect()
}

fn past() -> Vec<Planned> {
    vec![job(0, 1, 10, U, Some(0)), job(0, 1, 30, U, Some(1)), job(0, 1, 100, V, Some(2)), job(50, 2, 60, U, Some(0))]
}

fn asked() -> Vec<Planned> {
    vec![
        job(0, 1, 1, U, Some(3)),
        job(0, 2, 1, U, Some(3)),
        job(0, 3, 1, U, Some(3)),
        job(0, 1, 1, U, Some(0)),
        job(0, 1, 1, U, Some(4)),
        job(0, 1, 1, V, Some(2)),
        job(0, 1, 1, W, Some(2)),
        job(0, 1, 1, W, None),
    ]
}

/// train-c is as close to train-a as to train-b: 2 x 6 / 14 = 0.857; eval has 2 letters in common with it, zzz none.
#[test]
fn qssf_by_hand() {
    let by_user = predictions("qssf", past(), asked());
    let user_mean = 100.0 / 3.0;
    assert_eq!(by_user[0], 20.0, "train-a and train-b with 1 GPU: (10 + 30) / 2");
    assert_eq!(by_user[1], 60.0, "the only one of 2 GPUs");
    assert!((by_user[2] - user_mean).abs() < 1e-5, "none of 3 GPUs: all of these names");
    assert_eq!(by_user[3], 10.0, "its own name, 1 GPU");
    assert!((by_user[4] - user_mean).abs() < 1e-5, "no like name: the user's mean");
    assert_eq!(by_user[5], 100.0);
    assert_eq!(by_user[6..], [50.0, 50.0], "a new user: the mean of all, (10 + 30 + 100 + 60) / 4");
    let by_all = predictions("qssf[names=all]", past(), asked());
    assert_eq!(by_all[..6], by_user[..6]);
    assert_eq!(by_all[6..], [100.0, 50.0], "everybody's jobs of this name");
    let far = predictions("qssf[cutoff=0.9]", past(), asked());
    assert!((far[0] - user_mean).abs() < 1e-5, "0.857 is not close enough");
    let one = predictions("qssf[matches=1]", past(), asked());
    assert_eq!(one[0], 30.0, "of equally close names the one that sorts last");
}

/// priority = 0.1 x rolling + 0.9 x model where the job has a model's estimate.
#[test]
fn qssf_mixes_in_a_models_estimates() {
    let mut asked = asked();
    asked[0].spec.estimate = Some(Span::secs(200));
    let mixed = predictions("qssf[preset=sc21]", past(), asked.clone());
    assert_eq!(mixed[0], 0.1 * 20.0 + 0.9 * 200.0);
    assert_eq!(mixed[1], 60.0, "without one the rolling estimate alone");
    assert_eq!(predictions("qssf[model=estimates,alpha=0.5]", past(), asked.clone())[0], 110.0);
    assert_eq!(predictions("qssf", past(), asked)[0], 20.0);
}

#[test]
fn qssf_orders_by_gpus_times_prediction() {
    let mut jobs = past();
    // While a job holds everything: 3 x 33.3, 1 x 50, 2 x 60, 1 x 20.
    jobs.push(job(1000, 4, 50, V, None));
    jobs.extend([
        job(1001, 3, 5, U, None),
        job(1002, 1, 5, W, None),
        job(1003, 2, 5, U, Some(3)),
        job(1004, 1, 5, U, Some(3)),
    ]);
    let mut order = Vec::new();
    play(4, "qssf").run(jobs, u64::MAX, |_, started| order.extend(started.iter().map(|job| job.0)));
    assert_eq!(order[5..], [8, 6, 5, 7], "20, 50, then 100 blocks, though two GPUs are free");
}

#[test]
fn pai_estimators_by_hand() {
    let user_mean = 100.0 / 3.0;
    let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-5, "{found} {expected}");
    let sju = predictions("pai-sjf[preset=sju]", past(), asked());
    (0..5).for_each(|at| close(sju[at], user_mean));
    assert_eq!(sju[5..], [100.0, 50.0, 50.0]);
    let sjg = predictions("pai-sjf[preset=sjg]", past(), asked());
    close(sjg[0], user_mean);
    assert_eq!(sjg[3], 35.0, "train-a: (10 + 60) / 2");
    assert_eq!(sjg[5..], [100.0, 50.0, 50.0], "another user's group says nothing");
    let sjgg = predictions("pai-sjf[preset=sjgg]", past(), asked());
    assert_eq!(sjgg[3], 10.0, "train-a with 1 GPU");
    let wider = predictions("pai-sjf", past(), vec![job(0, 3, 1, U, Some(0))]);
    assert_eq!(wider, [35.0], "train-a with 3 GPUs: never seen, so the group");
    assert_eq!(predictions("pai-sjf", Vec::new(), asked()), [0.0; 8], "without history all are level");
    let told = job(0, 3, 1, U, Some(0)).with(|spec| spec.estimate = Some(Span::secs(7)));
    let (told, untold) = (vec![told, job(0, 1, 1, U, Some(0))], vec![7.0, 10.0]);
    assert_eq!(predictions("pai-sjf[features=estimates]", past(), told), untold);
}

fn plans() -> impl Strategy<Value = Vec<Planned>> {
    let one = (0u64..100, 1u32..=4, 1u64..40, 0u32..3, prop::option::of(0u32..5));
    prop::collection::vec(one.prop_map(|(at, gpus, secs, user, name)| job(at, gpus, secs, user, name)), 1..50).prop_map(
        |mut jobs| {
            jobs.sort_by_key(|job| job.at_s);
            jobs
        },
    )
}

const POLICIES: [&str; 5] =
    ["qssf", "qssf[names=all,behind=skip]", "pai-sjf", "pai-sjf[preset=sju]", "pai-sjf[preset=sjg,skip=false]"];

proptest! {
    /// What happens until a time does not change when the run times of jobs that have not ended by then do.
    #[test]
    fn nobody_peeks(jobs in plans(), until in 1u64..200, policy in 0usize..5, other in 1u64..50) {
        let mut first = play(4, POLICIES[policy]);
        first.run(jobs.clone(), u64::MAX, |_, _| {});
        let mut changed = jobs;
        for (job, (start, end)) in changed.iter_mut().zip(&first.spans) {
            match (start.unwrap(), end.unwrap()) {
                (_, end) if end <= until => {}
                (start, _) if start <= until => job.secs = until + other - start,
                _ => job.secs = other,
            }
        }
        let mut second = play(4, POLICIES[policy]);
        second.run(changed, u64::MAX, |_, _| {});
        for (at, ((start, _), (again, _))) in first.spans.iter().zip(&second.spans).enumerate() {
            let (start, again) = (start.unwrap(), again.unwrap());
            prop_assert_eq!(start.min(until + 1), again.min(until + 1), "job {}", at);
        }
    }

    #[test]
    fn starts_are_those_of_a_naive_sort(jobs in plans(), policy in 0usize..5) {
        let passing = [Passing::OtherQueues, Passing::Everybody, Passing::Everybody, Passing::Everybody, Passing::Nobody];
        let times_gpus = policy < 2;
        play(4, POLICIES[policy]).run(jobs, u64::MAX, |state, started| {
            let order = expected(state, started, passing[policy], |state, job| {
                let milli = if times_gpus { state.class_of(job).gpu_milli } else { 1000 };
                u128::from(state.memo(job)[0] - 1) * u128::from(milli) / 1000
            });
            assert_eq!(started, order);
        });
    }
}
