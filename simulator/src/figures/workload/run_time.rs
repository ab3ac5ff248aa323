//! Distribution of run times, by jobs and by GPU-time.

use traces::Trace;

use crate::figures::axis::Axis;
use crate::figures::palette::stroke;
use crate::figures::panel::{Frame, Panel};
use crate::figures::sketch::Sketch;
use crate::figures::{Drawing, WIDTH, legend};

/// Points of one curve.
const POINTS: usize = 300;
/// Shortest run time shown, in seconds.
const SHORTEST_S: f64 = 1.0;

pub(super) fn drawing(trace: &Trace) -> Drawing {
    let title = "How long the jobs run";
    let mut jobs: Vec<(f64, f64)> =
        trace.jobs.iter().map(|job| (job.duration.secs_f64(), f64::from(job.gpu_milli) / 1000.0)).collect();
    jobs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (Some(first), Some(last)) = (jobs.first(), jobs.last()) else {
        return Drawing::nothing("run-time", title, "The trace has no jobs.");
    };
    let curves = [running_shares(&jobs, |_| 1.0), running_shares(&jobs, |(secs, gpus)| secs * gpus)];
    let mut sketch = Sketch::new(WIDTH, 380.0);
    let names = ["of the jobs", "of the GPU-time"];
    let samples: Vec<_> =
        names.iter().enumerate().map(|(at, name)| ((*name).to_owned(), legend::Sample::Line(stroke(at)))).collect();
    let top = 8.0 + legend::draw(&mut sketch, (12.0, 8.0), &samples);
    let outer = Frame { left: 4.0, top: top + 6.0, right: WIDTH - 2.0, bottom: sketch.height };
    let x = Axis::durations("run time", first.0.max(SHORTEST_S), last.0.max(SHORTEST_S));
    let panel = Panel::within(outer, x, Axis::shares("share in jobs no longer than this"));
    panel.draw(&mut sketch);
    for (at, shares) in curves.iter().enumerate().filter(|(_, shares)| !shares.is_empty()) {
        panel.curve(&mut sketch, &points(&jobs, shares, &panel.x), stroke(at), 2.0);
    }
    let caption = "Share of the jobs, and of the GPU-time, in jobs that run no longer than this. Half of the jobs lie below \
                   the 50 % line; where the second curve stays low for long, a few long jobs hold most of the GPU-time.";
    Drawing { name: "run-time", title: title.to_owned(), caption: caption.to_owned(), sketch }
}

/// Running sums of `weight` as shares of the whole; empty when there is no weight.
fn running_shares(jobs: &[(f64, f64)], weight: impl Fn(&(f64, f64)) -> f64) -> Vec<f64> {
    let total: f64 = jobs.iter().map(&weight).sum();
    if total <= 0.0 {
        return Vec::new();
    }
    let sums = jobs.iter().scan(0.0, |sum, job| {
        *sum += weight(job);
        Some(*sum / total)
    });
    sums.collect()
}

/// The curve at evenly spaced places of the axis.
fn points(jobs: &[(f64, f64)], shares: &[f64], axis: &Axis) -> Vec<(f64, f64)> {
    let (low, high) = (axis.low.max(1e-9).ln(), axis.high.max(1e-9).ln());
    let at = |k: usize| {
        let secs = (low + (high - low) * k as f64 / POINTS as f64).exp();
        // A value at the very end must not be lost to rounding.
        let count = jobs.partition_point(|(value, _)| *value <= secs * (1.0 + 1e-9));
        (secs, if count == 0 { 0.0 } else { shares[count - 1] })
    };
    (0..=POINTS).map(at).collect()
}
