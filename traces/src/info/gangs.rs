//! Gangs by size, and by power of two.

use std::collections::BTreeMap;

use serde::Serialize;

use super::quantiles::Quantiles;
use super::{gpu_milli_us, hours, share};
use crate::trace::{RunTimes, TraceJob};

/// Jobs of one gang size.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Gang {
    /// GPUs of the gang.
    pub gpus: f64,
    /// Jobs.
    pub jobs: u64,
    /// Share of the jobs.
    pub share: f64,
    /// Sum of GPUs x run time in hours.
    pub gpu_hours: f64,
}

/// Jobs of gangs from one power of two up to below the next; 0, and parts of one GPU, are classes of their own.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GangClass {
    /// Smallest gang of the class that is there, in GPUs.
    pub gpus_min: f64,
    /// Largest.
    pub gpus_max: f64,
    /// Jobs.
    pub jobs: u64,
    /// Share of the jobs.
    pub share: f64,
    /// Sum of GPUs x run time in hours.
    pub gpu_hours: f64,
    /// Run times in seconds.
    pub run_time_s: Option<Quantiles>,
}

/// Gang sizes, the smallest first.
pub(super) fn sizes(jobs: &[TraceJob]) -> Vec<Gang> {
    let mut by_size: BTreeMap<u32, (u64, u128)> = BTreeMap::new();
    for job in jobs {
        let (count, sum) = by_size.entry(job.gpu_milli).or_default();
        *count += 1;
        *sum += gpu_milli_us(job);
    }
    let gang = |(milli, (count, sum))| Gang {
        gpus: f64::from(milli) / 1000.0,
        jobs: count,
        share: share(count, jobs.len() as u64),
        gpu_hours: hours(sum),
    };
    by_size.into_iter().map(gang).collect()
}

/// Number of the class of a gang: 0 for no GPU, 1 for a part of one, then one number a power of two.
pub(crate) fn class_of(gpu_milli: u32) -> u32 {
    match gpu_milli {
        0 => 0,
        1..1000 => 1,
        _ => 2 + (gpu_milli / 1000).ilog2(),
    }
}

/// Classes of gangs, the smallest first; without quantiles where run times are not known.
pub(super) fn classes(jobs: &[TraceJob], run_times: RunTimes) -> Vec<GangClass> {
    let mut by_class: BTreeMap<u32, Vec<&TraceJob>> = BTreeMap::new();
    for job in jobs {
        by_class.entry(class_of(job.gpu_milli)).or_default().push(job);
    }
    let class = |members: Vec<&TraceJob>| {
        let gpus = |milli: Option<u32>| f64::from(milli.unwrap_or(0)) / 1000.0;
        let times = || Quantiles::of_micros(members.iter().map(|job| job.duration.0).collect());
        GangClass {
            gpus_min: gpus(members.iter().map(|job| job.gpu_milli).min()),
            gpus_max: gpus(members.iter().map(|job| job.gpu_milli).max()),
            jobs: members.len() as u64,
            share: share(members.len() as u64, jobs.len() as u64),
            gpu_hours: hours(members.iter().map(|job| gpu_milli_us(job)).sum()),
            run_time_s: (run_times != RunTimes::Unknown).then(times).flatten(),
        }
    };
    by_class.into_values().map(class).collect()
}
