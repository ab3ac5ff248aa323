//! A small trace becomes a model, the model a file, and the file a trace.
#![allow(clippy::float_cmp)] // what is compared was written out, not computed

use std::fmt::Write as _;

use super::super::{generate_text, model_text, read_model};
use super::*;
use crate::source::read_bytes;

/// Two groups of two users; the second group has large gangs that run long. A job each ten minutes, four of them at once.
fn trace(days: u64) -> Trace {
    let mut text = "job_id,submit_s,gpus,duration_s,tenant,outcome,estimate_s\n".to_owned();
    for i in 0..days * 144 {
        let at = i * 600;
        for j in 0..(if i % 10 == 0 { 4 } else { 1 }) {
            let (gpus, run, tenant) = match i % 3 {
                0 => (8, 40_000 + i, "lab/ann"),
                1 => (1, 100 + i, "shop/bob"),
                _ => (1, 300 + i, "shop/cem"),
            };
            let outcome = if i % 2 == 0 { "finished" } else { "failed" };
            let _ = writeln!(text, "j{i}-{j},{},{gpus},{run},{tenant},{outcome},{}", at + j * 5, run * 2);
        }
    }
    let mut trace = read_bytes("t.csv", None, text.as_bytes()).unwrap();
    trace.origin = Some("2017-10-02T00:00:00".to_owned());
    trace
}

#[test]
fn a_file_and_back() {
    let trace = trace(20);
    let model = fit(&trace, &Fit { name: "lab".to_owned(), cluster_gpus: Some(64) }).unwrap();
    assert_eq!((model.name.as_str(), model.cluster_gpus, model.classes.len()), ("lab", 64, 2));
    let [small, large] = &model.classes[..] else { panic!("two classes") };
    assert_eq!((small.gangs[0].0, large.gangs[0].0), (1.0, 8.0));
    assert!((small.share + large.share - 1.0).abs() < 1e-3);
    // The group with most jobs comes first, and each class has jobs of one group only.
    assert_eq!((model.tenants.groups, model.tenants.users, model.tenants.weights.len()), (2, 2, 2));
    assert!(small.groups.iter().all(|row| row[0] > 0.0 && row[1] == 0.0));
    assert!(large.groups.iter().all(|row| row[0] == 0.0 && row[1] > 0.0));
    let bursts = model.arrivals.bursts.as_ref().unwrap();
    assert_eq!((bursts.gap_s, bursts.sizes.as_slice()), (5.0, [(4, 4, 288.0)].as_slice()));
    assert!((bursts.share - 0.1).abs() < 1e-9);
    assert_eq!(model.estimates.as_ref().unwrap().factors[3].1, 2.0);
    let text = model_text(&model, "trainyard trace fit t.csv lab.toml");
    assert!(text.starts_with("# fitted by: trainyard trace fit t.csv lab.toml\n"));
    assert_eq!(read_model("lab.toml", &text).unwrap(), model);
}

#[test]
fn a_fitted_model_generates() {
    let model = fit(&trace(20), &Fit::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lab.toml");
    std::fs::write(&path, model_text(&model, "here")).unwrap();
    let made = generate_text(&format!("{}[jobs=3000,seed=2,rate=2]", path.display())).unwrap();
    assert_eq!((made.jobs.len(), made.history.len()), (3000, 1));
    assert_eq!(made, generate_text(made.source.strip_prefix("synthetic:").unwrap()).unwrap());
    let large = made.jobs.iter().filter(|job| job.gpu_milli == 8000).count() as f64 / 3000.0;
    assert!((large - model.classes[1].share).abs() < 0.05, "{large}");
    for job in &made.jobs {
        let group = if job.gpu_milli == 8000 { "vc-02" } else { "vc-01" };
        assert!(made.tenants[job.tenant as usize].starts_with(group));
        let estimate = job.estimate.unwrap().secs_f64();
        assert!((estimate - 2.0 * job.duration.secs_f64()).abs() <= 1.0);
    }
}

#[test]
fn what_cannot_be_told_is_flat() {
    let mut short = trace(3);
    assert_eq!(fit(&short, &Fit::default()).unwrap().arrivals.days, [1.0; 7]);
    short.origin = None;
    assert_eq!(fit(&short, &Fit::default()).unwrap().arrivals.hours, [1.0; 24]);
    assert_eq!(fit(&short, &Fit::default()).unwrap().name, "fitted");
}

#[test]
fn errors() {
    let few = read_bytes("t.csv", None, b"job_id,submit_s,gpus,duration_s\na,0,1,5\n").unwrap();
    let error = fit(&few, &Fit::default()).unwrap_err();
    assert_eq!(error.to_string(), "t.csv: 1 jobs are too few to fit a model");
    let timeless = Trace { run_times: RunTimes::Unknown, ..trace(2) };
    let error = fit(&timeless, &Fit::default()).unwrap_err();
    assert_eq!(error.to_string(), "t.csv: the trace has no run times, so no model fits it");
}

#[test]
fn broken_files() {
    let good = model_text(&fit(&trace(2), &Fit::default()).unwrap(), "here");
    let error = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        let error = read_model("m.toml", &good.replacen(from, to, 1)).unwrap_err();
        assert!(error.hint().is_some());
        error.to_string()
    };
    assert_eq!(
        error("schema = 1", "schema = 2"),
        "m.toml: field `schema`: this must be 1, the version that this program reads"
    );
    let line = good.lines().position(|line| line == "users = 2").unwrap() + 1;
    assert!(error("users = 2", "user = 2").starts_with(&format!("m.toml:{line}: field `user`")));
    assert_eq!(
        error("groups = 2", "groups = 0"),
        "m.toml: field `tenants.groups`: this must be a number from 1 to 100000"
    );
    assert!(
        error("gangs = [[1.0", "gangs = [[1.5")
            .starts_with("m.toml: field `classes.gangs`: this must be pairs of GPUs")
    );
    assert!(error("[0.5, ", "[0.4, ").starts_with("m.toml: field `"));
    assert!(error("run_time = { quantiles_s", "run_time = { quantile_s").contains("quantile_s"));
}
