//! When jobs arrive: bursts, and the shape of the week.

use std::collections::BTreeMap;

use engine::Time;
use jiff::civil::DateTime;

use super::rounded;
use crate::info::BURST_GAP_S;
use crate::synthetic::model::{Arrivals, Bursts};
use crate::trace::Trace;

const DAY_US: u64 = 86_400_000_000;
const HOUR_US: u64 = 3_600_000_000;

/// What the trace says about arrivals.
pub(super) fn arrivals(trace: &Trace) -> Arrivals {
    let units = Units::of(trace);
    let (hours, days) = week(trace, &units.starts);
    Arrivals { hours, days, bursts: units.bursts() }
}

/// Single jobs and bursts.
struct Units {
    /// First submissions.
    starts: Vec<Time>,
    /// Jobs of the bursts.
    sizes: Vec<u32>,
    /// Sum and number of the times between jobs of a burst.
    gaps: (f64, u64),
}

impl Units {
    fn of(trace: &Trace) -> Self {
        let mut units = Self { starts: Vec::new(), sizes: Vec::new(), gaps: (0.0, 0) };
        let mut open: BTreeMap<u32, (Time, u32)> = BTreeMap::new();
        for job in &trace.jobs {
            match open.get_mut(&job.tenant) {
                Some((last, size)) if job.submit.since(*last).0 <= BURST_GAP_S * 1_000_000 => {
                    units.gaps.0 += job.submit.since(*last).secs_f64();
                    units.gaps.1 += 1;
                    (*last, *size) = (job.submit, *size + 1);
                }
                other => {
                    units.starts.push(job.submit);
                    let before = other.map(|open| std::mem::replace(open, (job.submit, 1)));
                    match before {
                        Some((_, size)) => units.sizes.push(size),
                        None => drop(open.insert(job.tenant, (job.submit, 1))),
                    }
                }
            }
        }
        units.sizes.extend(open.values().map(|(_, size)| *size));
        units
    }

    fn bursts(&self) -> Option<Bursts> {
        let large: Vec<u32> = self.sizes.iter().copied().filter(|size| *size > 1).collect();
        if large.is_empty() {
            return None;
        }
        // Sizes from a power of two up to below the next, the last one up to the largest burst.
        let mut sizes: BTreeMap<u32, u64> = BTreeMap::new();
        for size in &large {
            *sizes.entry(size.ilog2()).or_default() += 1;
        }
        let largest = large.iter().copied().max().unwrap_or(2);
        let bucket = |(log, count): (u32, u64)| {
            let to = u32::MAX >> (31 - log);
            (1 << log, to.min(largest), count as f64)
        };
        Some(Bursts {
            share: rounded(large.len() as f64 / self.starts.len() as f64),
            gap_s: rounded(self.gaps.0 / self.gaps.1.max(1) as f64),
            sizes: sizes.into_iter().map(bucket).collect(),
        })
    }
}

/// Weights of hours and days. Flat where the trace has no clock, is too short, or has too few arrivals to tell.
fn week(trace: &Trace, starts: &[Time]) -> ([f64; 24], [f64; 7]) {
    let (flat_hours, flat_days) = ([1.0; 24], [1.0; 7]);
    let origin: Option<DateTime> = trace.origin.as_deref().and_then(|text| text.parse().ok());
    let (Some(origin), Some(first), Some(last)) = (origin, starts.first(), starts.last()) else {
        return (flat_hours, flat_days);
    };
    let midnight_us = u64::try_from(origin.duration_since(origin.start_of_day()).as_micros()).unwrap_or(0);
    let weekday = origin.weekday().to_monday_zero_offset() as u64;
    let day = |at: Time| (at.0 + midnight_us) / DAY_US;
    let whole_days = day(*last) - day(*first) + 1;
    let (mut hours, mut days, mut seen) = ([0.0; 24], [0.0; 7], [0.0; 7]);
    for at in starts {
        hours[((at.0 + midnight_us) % DAY_US / HOUR_US) as usize] += 1.0;
        days[((day(*at) + weekday) % 7) as usize] += 1.0;
    }
    for number in day(*first)..=day(*last) {
        seen[((number + weekday) % 7) as usize] += 1.0;
    }
    let is_told = |days_min: u64| whole_days >= days_min && starts.len() >= 200;
    let shares = |weights: &mut [f64]| {
        let sum: f64 = weights.iter().sum();
        for weight in weights.iter_mut() {
            *weight = rounded(*weight / sum);
        }
    };
    for (day, seen) in days.iter_mut().zip(seen) {
        *day /= f64::max(seen, 1.0);
    }
    shares(&mut hours);
    shares(&mut days);
    (if is_told(2) { hours } else { flat_hours }, if is_told(14) { days } else { flat_days })
}
