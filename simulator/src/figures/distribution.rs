//! How long jobs took from submission to finish.

use super::axis::Axis;
use super::palette::stroke;
use super::panel::{Frame, Panel};
use super::selection::{Selection, completion_s};
use super::sketch::Sketch;
use super::{Drawing, WIDTH, legend};
use crate::stats::nearest_rank;

/// Points of one curve.
const POINTS: usize = 240;
/// Shortest completion time shown, in seconds.
const SHORTEST: f64 = 0.1;

/// Completion times of one policy.
struct Curve {
    /// Of finished jobs, ascending.
    sorted: Vec<f64>,
    /// Finished jobs and those that had not ended.
    jobs: usize,
}

impl Curve {
    /// Share of the jobs that were finished after `secs`.
    fn finished_within(&self, secs: f64) -> f64 {
        self.sorted.partition_point(|value| *value <= secs) as f64 / self.jobs.max(1) as f64
    }
}

/// Distribution of job completion times.
pub(super) fn drawing(selection: &Selection<'_>) -> Drawing {
    let curves: Vec<Curve> = (0..selection.policies.len()).map(|policy| curve(selection, policy)).collect();
    let title = "How long jobs take";
    let caption = format!(
        "Job completion time (finish minus submission) on a logarithmic axis. Left: share of the jobs that are finished \
         after this long; a curve further left and higher is better, and half of the jobs lie below the 50 % line. Right: \
         the slower half: share of the jobs that take longer, also logarithmic, which shows the slowest few; lower is better.{}{}",
        unfinished_words(selection, &curves),
        selection.all_seeds_words()
    );
    let longest = curves.iter().filter_map(|curve| curve.sorted.last()).copied().fold(0.0, f64::max);
    let shortest = curves.iter().filter_map(|curve| curve.sorted.first()).copied().fold(f64::INFINITY, f64::min);
    if !shortest.is_finite() {
        return Drawing::nothing("jct", title, "No job finished.");
    }
    let mut sketch = Sketch::new(WIDTH, 420.0);
    let top = 8.0 + legend::draw(&mut sketch, (12.0, 8.0), &legend::of_policies(&selection.policies));
    sketch.height += top - 28.0;
    let half = WIDTH / 2.0;
    let axis = || Axis::durations("job completion time", shortest.max(SHORTEST), longest.max(SHORTEST));
    let most = curves.iter().map(|curve| curve.jobs).max().unwrap_or(1);
    let tail = Axis::small_shares("share of jobs that take longer", 0.99 / most as f64);
    let left = Frame { left: 4.0, top: top + 6.0, right: half + 6.0, bottom: sketch.height };
    let right = Frame { left: half + 10.0, right: WIDTH - 2.0, ..left };
    let body = Panel::within(left, axis(), Axis::shares("share of jobs finished"));
    let tail = Panel::within(right, tail_axis(&curves, longest), tail);
    body.draw(&mut sketch);
    tail.draw(&mut sketch);
    for (index, curve) in curves.iter().enumerate() {
        if curve.sorted.is_empty() {
            continue;
        }
        let values = steps(curve, &body.x);
        body.curve(&mut sketch, &values, stroke(index), 2.0);
        tail.curve(&mut sketch, &longer(curve, &tail), stroke(index), 2.0);
    }
    Drawing { name: "jct", title: title.to_owned(), caption, sketch }
}

fn curve(selection: &Selection<'_>, policy: usize) -> Curve {
    let mut sorted: Vec<f64> = selection.jobs(policy).filter_map(completion_s).collect();
    let open = selection.jobs(policy).filter(|job| job.outcome.is_none()).count();
    let jobs = sorted.len() + open;
    sorted.sort_by(f64::total_cmp);
    Curve { sorted, jobs }
}

/// The share at evenly spaced places of the axis, as steps when there are few jobs.
fn steps(curve: &Curve, axis: &Axis) -> Vec<(f64, f64)> {
    if curve.sorted.len() > POINTS {
        let ratio = axis.high / axis.low;
        let at = |k: usize| axis.low * ratio.powf(k as f64 / POINTS as f64);
        return (0..=POINTS).map(at).map(|x| (x, curve.finished_within(x))).collect();
    }
    let mut points = vec![(axis.low, 0.0)];
    for &value in &curve.sorted {
        let before = points.last().map_or(0.0, |point| point.1);
        points.push((value, before));
        points.push((value, curve.finished_within(value)));
    }
    points.push((axis.high, curve.finished_within(axis.high)));
    points
}

/// The times from about the smallest median on: before it, there is no tail.
fn tail_axis(curves: &[Curve], longest: f64) -> Axis {
    let medians = curves.iter().filter_map(|curve| nearest_rank(&curve.sorted, 0.5));
    let from = medians.fold(f64::INFINITY, f64::min);
    Axis::durations("job completion time", from.max(SHORTEST), longest.max(SHORTEST))
}

/// Share of jobs that take longer, as far as it has a place on the axis.
fn longer(curve: &Curve, tail: &Panel) -> Vec<(f64, f64)> {
    let shares = steps(curve, &tail.x).into_iter().map(|(x, y)| (x, 1.0 - y));
    shares.filter(|(x, _)| *x >= tail.x.low).take_while(|&(_, y)| y >= tail.y.low * 0.999).collect()
}

fn unfinished_words(selection: &Selection<'_>, curves: &[Curve]) -> String {
    let open = |(policy, curve): (&&str, &Curve)| {
        let open = curve.jobs - curve.sorted.len();
        (open > 0).then(|| format!("{policy}: {open}"))
    };
    let open: Vec<String> = selection.policies.iter().zip(curves).filter_map(open).collect();
    if open.is_empty() {
        return String::new();
    }
    format!(
        " Jobs that had not ended count as longer than anything shown ({}), so their curves end below 100 %.",
        open.join(", ")
    )
}
