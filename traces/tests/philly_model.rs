//! The model `philly` beside the trace that it is fitted to: the flat table, September and October 2017.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // clippy.toml excepts test functions only, not what they call

mod common;

use common::data;
use traces::synthetic::{Fit, fit, model_text, models};
use traces::{Info, Trace, describe, load};

fn real() -> Option<Trace> {
    let path = data("philly/philly_flat_2017-09_10.csv.gz")?;
    Some(load(path.to_str().unwrap()).unwrap())
}

/// What `trainyard trace fit` would write.
#[test]
fn the_numbers_come_from_the_fit() {
    let Some(trace) = real() else { return };
    let mut fitted = fit(&trace, &Fit { name: "philly".to_owned(), cluster_gpus: Some(480) }).unwrap();
    println!("{}", model_text(&fitted, "trainyard trace fit philly.csv philly.toml --gpus 480"));
    let built_in = models().iter().find(|model| model.name == "philly").unwrap();
    // What the table does not say is stated in the file, with its source.
    (fitted.about, fitted.sources) = (built_in.about.clone(), built_in.sources.clone());
    (fitted.tenants.users, fitted.tenants.users_exponent) = (built_in.tenants.users, built_in.tenants.users_exponent);
    for (class, stated) in fitted.classes.iter_mut().zip(&built_in.classes) {
        class.outcomes = stated.outcomes;
    }
    if let (Some(targets), Some(stated)) = (&mut fitted.targets, &built_in.targets) {
        targets.outcomes = stated.outcomes;
    }
    assert_eq!(fitted, **built_in);
}

/// p50, p90 and p99 of the run times.
fn quantiles(info: &Info) -> [f64; 3] {
    let run = info.run_time_s.unwrap();
    [run.p50, run.p90, run.p99]
}

/// Largest difference of the share of a gang size, and largest relative difference of p50, p90 and p99 of run times.
fn distance(made: &Info, real: &Info) -> (f64, f64) {
    let share = |info: &Info, gpus: f64| {
        let gang = info.gangs.iter().find(|gang| (gang.gpus - gpus).abs() < 1e-9);
        gang.map_or(0.0, |gang| gang.share)
    };
    let sizes = made.gangs.iter().chain(&real.gangs).map(|gang| gang.gpus);
    let gangs = sizes.map(|gpus| (share(made, gpus) - share(real, gpus)).abs()).fold(0.0, f64::max);
    let apart = quantiles(made).into_iter().zip(quantiles(real)).map(|(made, real)| (made / real - 1.0).abs());
    (gangs, apart.fold(0.0, f64::max))
}

#[test]
fn side_by_side() {
    let Some(trace) = real() else { return };
    let real = describe(&trace, None);
    println!("real: {:?}, {} GPU-h, {:?}", quantiles(&real), real.gpu_hours, real.inter_arrival_s);
    for (what, gangs_most, run_most) in [
        ("jobs=5000", 0.02, 0.15),
        ("jobs=50000", 0.02, 0.15),
        // The spread of independent draws: a sample as small as 5,000 may miss p99 by more than 15 %.
        ("jobs=5000,draw=random", 0.02, 0.60),
        ("jobs=50000,draw=random", 0.02, 0.15),
    ] {
        let mut apart = Vec::new();
        for seed in 1..=5 {
            let made = describe(&load(&format!("synthetic:philly[{what},seed={seed}]")).unwrap(), None);
            let (gangs, run) = distance(&made, &real);
            println!(
                "{what}, seed {seed}: {:?}, gangs {gangs:.4}, run times {run:.3}, {} GPU-h, {:?}",
                quantiles(&made),
                made.gpu_hours,
                made.inter_arrival_s
            );
            apart.push((gangs, run));
        }
        assert!(apart.iter().all(|(gangs, run)| *gangs < gangs_most && *run < run_most), "{what}: {apart:?}");
    }
}

/// The figures of the trace, against a count of its text by other means.
#[test]
fn the_shape_of_the_table() {
    let Some(trace) = real() else { return };
    let info = describe(&trace, None);
    let arrivals = info.arrivals.unwrap();
    assert_eq!(arrivals.per_hour_peak, 778);
    assert!((arrivals.dispersion - 194.7308).abs() < 1e-3, "{arrivals:?}");
    assert!((arrivals.per_hour_mean - 38.24096).abs() < 1e-4, "{arrivals:?}");
    assert!((arrivals.burst_share - 44_350.0 / 52_849.0).abs() < 1e-9, "{arrivals:?}");
    let days = info.day_of_week.unwrap();
    assert_eq!(days.iter().sum::<u64>(), 52_849);
    let (sizes, work) = (&info.gang_classes, info.gpu_hours);
    assert_eq!(sizes.iter().map(|class| class.jobs).collect::<Vec<_>>(), [50_188, 904, 945, 720, 69, 23]);
    assert!((sizes[1..].iter().map(|class| class.gpu_hours).sum::<f64>() / work - 0.8206).abs() < 1e-4);
    assert_eq!((info.top_tenants.count, info.top_tenants.top[0].name.as_str()), (12, "6214e9"));
    let made = describe(&load("synthetic:philly[jobs=50000]").unwrap(), None).arrivals.unwrap();
    println!("real {arrivals:?}\nmade {made:?}");
    assert!((made.burst_share - arrivals.burst_share).abs() < 0.1);
}
