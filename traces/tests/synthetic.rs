//! The generator: repeatable, at the load that was asked for, and near the published figures.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // clippy.toml excepts test functions only, not what they call

use std::sync::Arc;

use engine::{Inventory, Span};
use traces::synthetic::{Estimates, Model, Request, generate, models};
use traces::{Errors, Recorded, Trace, describe, load};

#[test]
fn the_same_request_gives_the_same_jobs() {
    let first = load("synthetic:philly[jobs=500,seed=7]").unwrap();
    assert_eq!(first, load("synthetic:philly[jobs=500,seed=7]").unwrap());
    assert_ne!(first.jobs, load("synthetic:philly[jobs=500,seed=8]").unwrap().jobs);
    assert_eq!(first.source, "synthetic:philly[jobs=500,load=0.9,seed=7,gpus=480,max_gpus=480,estimates=inflated]");
    assert_eq!(first, load(&first.source).unwrap());
}

/// A change of the generator changes every result that was made with it: it must be meant.
#[test]
fn the_jobs_of_a_seed_are_known() {
    let trace = load("synthetic:helios[jobs=4,seed=3]").unwrap();
    let jobs: Vec<_> = trace
        .jobs
        .iter()
        .map(|j| {
            (j.submit.0 / 1_000_000, j.duration.0 / 1_000_000, j.gpu_milli / 1000, j.estimate.unwrap().0 / 60_000_000)
        })
        .collect();
    assert_eq!(jobs, [(0, 917_882, 1, 43_200), (535, 2, 1, 5), (738, 129, 1, 5), (945, 251, 2, 10)]);
}

#[test]
fn estimates_do_not_change_the_jobs() {
    let with = load("synthetic:llm[jobs=300]").unwrap();
    let mut without = load("synthetic:llm[jobs=300,estimates=none]").unwrap();
    assert!(without.jobs.iter().all(|job| job.estimate.is_none()));
    for (job, other) in without.jobs.iter_mut().zip(&with.jobs) {
        assert!(other.estimate.unwrap() >= job.duration);
        job.estimate = other.estimate;
    }
    assert_eq!(without.jobs, with.jobs);
}

#[test]
fn the_offered_load_is_met() {
    for model in models() {
        for (jobs, load) in [(2, 1.0), (100, 0.5), (3000, 0.9), (3000, 2.0)] {
            let request = Request { jobs, load, ..Request::new(model) };
            let cluster = Inventory::uniform(model.cluster_gpus as usize / 8, 8, "GPU");
            let info = describe(&generate(&request), Some(&cluster));
            let offered = info.offered_load.unwrap();
            let seconds = 1.0 / info.span_s;
            assert!((offered / load - 1.0).abs() < seconds, "{} {jobs} {load}: {offered}", model.name);
        }
    }
}

#[test]
fn caps_are_kept() {
    let trace = load("synthetic:llm[jobs=3000,gpus=64,max_hours=2]").unwrap();
    assert!(trace.jobs.iter().all(|job| job.gpu_milli <= 64_000 && job.duration <= Span::hours(2)));
    assert!(trace.jobs.iter().any(|job| job.gpu_milli == 64_000));
    let trace = load("synthetic:llm[jobs=1,max_gpus=1]").unwrap();
    assert_eq!((trace.jobs.len(), trace.jobs[0].submit.0, trace.jobs[0].gpu_milli), (1, 0, 1000));
}

fn big(model: &Arc<Model>) -> Trace {
    let request = Request { jobs: 400_000, gpus: 100_000, max_gpus: 100_000, ..Request::new(model) };
    generate(&Request { estimates: Estimates::By(Errors::None), ..request })
}

fn near(name: &str, what: &str, found: f64, published: f64, tolerance: f64) {
    println!("{name}: {what} {found:.3}, published {published:.3}");
    assert!((found / published - 1.0).abs() < tolerance, "{name}: {what} {found}, published {published}");
}

#[test]
fn models_meet_the_published_figures() {
    for model in models() {
        let (trace, targets) = (big(model), model.targets.unwrap());
        let info = describe(&trace, None);
        let run = info.run_time_s.unwrap();
        near(&model.name, "median run time", run.p50, targets.run_time_median_s, 0.05);
        near(&model.name, "mean run time", run.mean, targets.run_time_mean_s, 0.10);
        let gpus: f64 = info.gangs.iter().map(|gang| gang.gpus * gang.share).sum();
        near(&model.name, "mean GPUs", gpus, targets.gpus_mean, 0.03);
        near(
            &model.name,
            "GPU-seconds a job",
            info.gpu_hours * 3600.0 / info.jobs as f64,
            targets.gpu_time_mean_s,
            0.15,
        );
        assert!(run.max <= model.run_time_max_s);
        for (recorded, share) in [
            (Recorded::Finished, targets.outcomes.finished),
            (Recorded::Killed, targets.outcomes.killed),
            (Recorded::Failed, targets.outcomes.failed),
        ] {
            let count = trace.jobs.iter().filter(|job| job.recorded == recorded).count();
            let found = count as f64 / trace.jobs.len() as f64;
            assert!((found - share).abs() < 0.01, "{} {recorded:?} {found} {share}", model.name);
        }
    }
}
