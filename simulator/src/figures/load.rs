//! Completion time against load.

use super::axis::Axis;
use super::palette::stroke;
use super::panel::{Frame, Panel};
use super::sketch::Sketch;
use super::{Drawing, WIDTH, legend};
use crate::output::Comparison;
use crate::stats::{Estimate, Metric, Sampling};

/// Mean completion time of one policy: load, mean, half width of its interval.
type Row = Vec<(f64, Estimate)>;

/// Mean completion time against load; `None` when there is one load.
pub(super) fn drawing(comparison: &Comparison<'_>) -> Option<Drawing> {
    let loads = comparison.loads();
    if loads.len() < 2 {
        return None;
    }
    let title = "What more load costs";
    let policies = comparison.policies();
    let rows: Vec<Row> = policies.iter().map(|policy| row(comparison, policy, &loads)).collect();
    let values = || rows.iter().flatten().map(|(_, estimate)| estimate);
    let high = values().map(|e| e.mean + half_width(e)).fold(0.0, f64::max);
    let low = values().map(lower_end).fold(f64::INFINITY, f64::min);
    if !low.is_finite() {
        return Some(Drawing::nothing("load", title, "No job finished."));
    }
    let seeds = match comparison.sampling {
        Sampling::Seeds => {
            "The bars are 95 % intervals over seeds of each mean by itself; policies share their seeds, so the paired differences are sharper than the bars."
        }
        Sampling::OneSample => "There is one sample a load, so there is no interval.",
    };
    let caption = format!(
        "Mean job completion time against the arrival rate, as a multiple of the trace's own. Lower is better; where a curve \
         bends upwards the cluster fills up. Means are over finished jobs. {seeds}"
    );
    let mut sketch = Sketch::new(WIDTH, 380.0);
    let top = 8.0 + legend::draw(&mut sketch, (12.0, 8.0), &legend::of_policies(&policies));
    sketch.height += top - 28.0;
    let outer = Frame { left: 4.0, top: top + 6.0, right: WIDTH - 2.0, bottom: sketch.height };
    let (first, last) =
        (loads.iter().copied().fold(f64::INFINITY, f64::min), loads.iter().copied().fold(0.0, f64::max));
    let pad = (last - first) * 0.05;
    let x = Axis::numbers("load", first - pad, last + pad);
    let panel = Panel::within(outer, x, Axis::durations("mean job completion time", low, high));
    panel.draw(&mut sketch);
    for (index, row) in rows.iter().enumerate() {
        draw_row(&mut sketch, &panel, row, (index, rows.len()));
    }
    Some(Drawing { name: "load", title: title.to_owned(), caption, sketch })
}

fn row(comparison: &Comparison<'_>, policy: &str, loads: &[f64]) -> Row {
    let metric = Metric::by_key("jct_mean_s");
    let one = |&load: &f64| {
        let group = comparison.group(policy, load);
        let values: Vec<f64> = group.iter().filter_map(|replay| metric?.of(&replay.summary)).collect();
        let mut estimate = Estimate::of(&values)?;
        if comparison.sampling == Sampling::OneSample {
            estimate.half_width = None;
        }
        Some((load, estimate))
    };
    let mut row: Row = loads.iter().filter_map(one).collect();
    row.sort_by(|a, b| a.0.total_cmp(&b.0));
    row
}

fn draw_row(sketch: &mut Sketch, panel: &Panel, row: &Row, (policy, policies): (usize, usize)) {
    let stroke = stroke(policy);
    let points: Vec<_> = row.iter().map(|(load, estimate)| (*load, estimate.mean)).collect();
    panel.curve(sketch, &points, stroke, 2.0);
    // Bars of several policies at one load stand beside each other.
    let aside = (policy as f64 - (policies as f64 - 1.0) / 2.0) * 3.0;
    for (load, estimate) in row {
        let (x, y) = panel.at(*load, estimate.mean);
        sketch.dot((x, y), 3.5, stroke.color);
        if estimate.half_width.is_some() {
            let (low, high) = (panel.y_at(lower_end(estimate)), panel.y_at(estimate.mean + half_width(estimate)));
            let x = x + aside;
            sketch.line(vec![(x, low), (x, high)], 1.5, stroke.color);
            sketch.line(vec![(x - 4.0, low), (x + 4.0, low)], 1.5, stroke.color);
            sketch.line(vec![(x - 4.0, high), (x + 4.0, high)], 1.5, stroke.color);
        }
    }
}

fn half_width(estimate: &Estimate) -> f64 {
    estimate.half_width.unwrap_or(0.0)
}

/// Lower end of the interval; a logarithmic axis has no place for zero, so at least a hundredth of the mean.
fn lower_end(estimate: &Estimate) -> f64 {
    (estimate.mean - half_width(estimate)).max(estimate.mean / 100.0)
}
