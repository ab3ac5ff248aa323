//! Waiting by the size of the gang.

use super::axis::{Axis, Scale};
use super::buckets::Buckets;
use super::palette::{FAINT_INK, GRID, stroke};
use super::panel::{Frame, Panel, TICK_SIZE};
use super::selection::{Selection, waiting_s};
use super::sketch::{Anchor, Label, Sketch};
use super::{Drawing, WIDTH, legend};
use crate::report::fmt;
use crate::stats::nearest_rank;

/// Median and p90 of waiting of one policy, by bucket; `None` where no job started.
type Row = Vec<Option<(f64, f64)>>;

/// Waiting by gang size.
pub(super) fn drawing(selection: &Selection<'_>) -> Drawing {
    let title = "Who waits: by size of the gang";
    let policies = selection.policies.len();
    let buckets = Buckets::of((0..policies).flat_map(|policy| selection.jobs(policy)).map(|job| job.gpu_milli));
    let rows: Vec<Row> = (0..policies).map(|policy| row(selection, policy, &buckets)).collect();
    let longest = rows.iter().flatten().flatten().map(|pair| pair.1).reduce(f64::max);
    let Some(longest) = longest else { return Drawing::nothing("gang", title, "No job started.") };
    let caption = format!(
        "Waiting (first start minus submission) of jobs by the GPUs of their gang: the dot is the median, the bar above it \
         reaches to the p90. Lower is better. The axis is even from 0 to 1 s and logarithmic above, so that jobs that did \
         not wait have a place; a policy that starves large gangs climbs to the right.{}{}",
        never_words(selection),
        selection.all_seeds_words()
    );
    let mut sketch = Sketch::new(WIDTH, 400.0);
    let top = 8.0 + legend::draw(&mut sketch, (12.0, 8.0), &legend::of_policies(&selection.policies));
    sketch.height += top - 28.0;
    let outer = Frame { left: 4.0, top: top + 6.0, right: WIDTH - 2.0, bottom: sketch.height - 20.0 };
    let y = Axis::durations_with_zero("waiting (even below 1 s)", longest);
    let x =
        Axis { scale: Scale::Linear, low: 0.0, high: buckets.len() as f64, ticks: Vec::new(), title: String::new() };
    let panel = Panel::within(outer, x, y);
    let panel = Panel { frame: Frame { bottom: panel.frame.bottom - 18.0, ..panel.frame }, ..panel };
    panel.draw(&mut sketch);
    draw_sizes(&mut sketch, &panel, &buckets, &counts(selection, &buckets));
    for (policy, row) in rows.iter().enumerate() {
        draw_row(&mut sketch, &panel, row, (policy, policies));
    }
    Drawing { name: "gang", title: title.to_owned(), caption, sketch }
}

fn row(selection: &Selection<'_>, policy: usize, buckets: &Buckets) -> Row {
    let mut waits: Vec<Vec<f64>> = vec![Vec::new(); buckets.len()];
    for job in selection.jobs(policy) {
        waits[buckets.index(job.gpu_milli)].extend(waiting_s(job));
    }
    let quantiles = |mut waits: Vec<f64>| {
        waits.sort_by(f64::total_cmp);
        Some((nearest_rank(&waits, 0.5)?, nearest_rank(&waits, 0.9)?))
    };
    waits.into_iter().map(quantiles).collect()
}

/// Jobs of the baseline by bucket, over the same seeds as the waits above them.
fn counts(selection: &Selection<'_>, buckets: &Buckets) -> Vec<u64> {
    let mut counts = vec![0; buckets.len()];
    for job in selection.jobs(0) {
        counts[buckets.index(job.gpu_milli)] += 1;
    }
    counts
}

fn draw_sizes(sketch: &mut Sketch, panel: &Panel, buckets: &Buckets, counts: &[u64]) {
    let bottom = panel.frame.bottom;
    for (index, name) in buckets.names().into_iter().enumerate() {
        let x = panel.x_at(index as f64 + 0.5);
        let edge = panel.x_at(index as f64 + 1.0);
        sketch.line(vec![(edge, panel.frame.top), (edge, bottom)], 1.0, GRID);
        sketch.text(Label::new((x, bottom + 14.0), name, TICK_SIZE, Anchor::Middle));
        let jobs = Label::new((x, bottom + 30.0), fmt::thousands(counts[index]), TICK_SIZE - 1.5, Anchor::Middle);
        sketch.text(Label { color: FAINT_INK, ..jobs });
    }
    let middle = f64::midpoint(panel.frame.left, panel.frame.right);
    let title =
        Label::new((middle, bottom + 49.0), "GPUs of the gang; below: number of jobs", TICK_SIZE + 1.0, Anchor::Middle);
    sketch.text(Label { color: FAINT_INK, ..title });
}

fn draw_row(sketch: &mut Sketch, panel: &Panel, row: &Row, (policy, policies): (usize, usize)) {
    let stroke = stroke(policy);
    let room = (panel.x_at(1.0) - panel.x_at(0.0)) * 0.8;
    let gap = (room / policies as f64).min(22.0);
    let thick = (gap * 0.4).clamp(1.5, 5.0);
    for (index, pair) in row.iter().enumerate() {
        let Some((median, p90)) = *pair else { continue };
        let x = panel.x_at(index as f64 + 0.5) + (policy as f64 - (policies as f64 - 1.0) / 2.0) * gap;
        let (low, high) = (panel.y_at(median), panel.y_at(p90));
        match stroke.dash {
            None => sketch.line(vec![(x, low), (x, high)], thick * 0.5, stroke.color),
            Some(dash) => sketch.dashed(&[(x, low), (x, high)], dash, thick * 0.5, stroke.color),
        }
        sketch.line(vec![(x - thick, high), (x + thick, high)], 2.0, stroke.color);
        sketch.dot((x, low), thick * 0.9, stroke.color);
    }
}

fn never_words(selection: &Selection<'_>) -> String {
    let never = |(index, policy): (usize, &&str)| {
        let rejected = Some(engine::Outcome::Rejected);
        let count = selection.jobs(index).filter(|job| job.start.known().is_none() && job.outcome != rejected).count();
        (count > 0).then(|| format!("{policy}: {count}"))
    };
    let never: Vec<String> = selection.policies.iter().enumerate().filter_map(never).collect();
    if never.is_empty() {
        String::new()
    } else {
        format!(" Jobs that never started are missing ({}).", never.join(", "))
    }
}
