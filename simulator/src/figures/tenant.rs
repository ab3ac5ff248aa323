//! Waiting by tenant.

use std::collections::BTreeMap;

use super::axis::{Axis, Scale};
use super::paint::text_width;
use super::palette::{GRID, IDLE, stroke};
use super::panel::{Frame, Panel, TICK_SIZE, TITLE_SIZE};
use super::selection::{Selection, waiting_s};
use super::sketch::{Anchor, Label, Sketch, Weight};
use super::{Drawing, WIDTH, legend};
use crate::result::Replay;
use crate::stats::mean;

/// Tenants with a row of their own.
const ROWS: usize = 12;

/// Tenants by the GPU-time that their jobs need; the rest in one row.
struct Tenants {
    /// Row of each tenant by name: seeds may number them differently.
    row: BTreeMap<String, usize>,
    names: Vec<String>,
}

/// Mean waiting of each tenant's jobs; `None` when there are not two tenants.
pub(super) fn drawing(selection: &Selection<'_>) -> Option<Drawing> {
    let tenants = Tenants::of(selection);
    if tenants.names.len() < 2 {
        return None;
    }
    let title = "Who waits: by tenant";
    let policies = selection.policies.len();
    let means: Vec<Vec<Option<f64>>> = (0..policies).map(|policy| means(selection, policy, &tenants)).collect();
    let Some(longest) = means.iter().flatten().flatten().copied().reduce(f64::max) else {
        return Some(Drawing::nothing("tenant", title, "No job started."));
    };
    let caption = format!(
        "Mean waiting (first start minus submission) of each tenant's jobs, one dot a policy; further left is better. \
         Tenants are ordered by the GPU-time that they ask for, the largest first{}. The axis is even from 0 to 1 s and \
         logarithmic above.{}",
        if tenants.row.len() > ROWS {
            format!("; all after the first {ROWS} are in the row “others”")
        } else {
            String::new()
        },
        selection.all_seeds_words()
    );
    let mut sketch = Sketch::new(WIDTH, 0.0);
    let top = 14.0 + legend::draw(&mut sketch, (12.0, 8.0), &legend::of_policies(&selection.policies));
    let row_height = (9.0 * policies as f64 + 8.0).clamp(22.0, 72.0);
    sketch.height = top + row_height * tenants.names.len() as f64 + 62.0;
    let panel = panel(&sketch, top, &tenants, longest);
    draw_rows(&mut sketch, &panel, &tenants);
    panel.draw(&mut sketch);
    for (policy, means) in means.iter().enumerate() {
        draw_dots(&mut sketch, &panel, means, (policy, policies));
    }
    Some(Drawing { name: "tenant", title: title.to_owned(), caption, sketch })
}

impl Tenants {
    fn of(selection: &Selection<'_>) -> Self {
        let mut demand: BTreeMap<&str, f64> = BTreeMap::new();
        // Every policy replays the same traces, so those of the baseline are all.
        for replay in selection.groups.first().into_iter().flatten() {
            for job in &replay.trace.jobs {
                let gpu_seconds = f64::from(job.gpu_milli) * job.duration.secs_f64();
                *demand.entry(name(&replay.trace, job.tenant)).or_default() += gpu_seconds;
            }
        }
        let mut order: Vec<(&str, f64)> = demand.into_iter().collect();
        order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
        let own = if order.len() > ROWS + 1 { ROWS } else { order.len() };
        let mut names: Vec<String> = order.iter().take(own).map(|(name, _)| (*name).to_owned()).collect();
        if own < order.len() {
            names.push(format!("others ({})", order.len() - own));
        }
        let row = order.iter().enumerate().map(|(index, (name, _))| ((*name).to_owned(), index.min(own))).collect();
        Self { row, names }
    }

    /// The row of each tenant of a trace.
    fn rows_in(&self, trace: &traces::Trace) -> BTreeMap<u32, usize> {
        let tenants: std::collections::BTreeSet<u32> = trace.jobs.iter().map(|job| job.tenant).collect();
        tenants.into_iter().filter_map(|tenant| Some((tenant, *self.row.get(name(trace, tenant))?))).collect()
    }
}

/// Name of a tenant of a trace.
fn name(trace: &traces::Trace, tenant: u32) -> &str {
    trace.tenants.get(tenant as usize).map(String::as_str).filter(|name| !name.is_empty()).unwrap_or("(no tenant)")
}

fn means(selection: &Selection<'_>, policy: usize, tenants: &Tenants) -> Vec<Option<f64>> {
    let mut waits: Vec<Vec<f64>> = vec![Vec::new(); tenants.names.len()];
    for replay in &selection.groups[policy] {
        add_waits(&mut waits, replay, tenants);
    }
    waits.iter().map(|waits| mean(waits)).collect()
}

fn add_waits(waits: &mut [Vec<f64>], replay: &Replay, tenants: &Tenants) {
    let rows = tenants.rows_in(&replay.trace);
    for job in &replay.jobs {
        let tenant = replay.trace.jobs.get(job.trace_index as usize).map(|of_trace| of_trace.tenant);
        if let Some(row) = tenant.and_then(|tenant| rows.get(&tenant)) {
            waits[*row].extend(waiting_s(job));
        }
    }
}

fn panel(sketch: &Sketch, top: f64, tenants: &Tenants, longest: f64) -> Panel {
    let names = tenants.names.iter().map(|name| text_width(&shown(name), TICK_SIZE, Weight::Regular));
    let left = names.fold(0.0, f64::max) + 20.0;
    let outer = Frame { left: 0.0, top, right: WIDTH - 2.0, bottom: sketch.height };
    let y = Axis {
        scale: Scale::Linear,
        low: 0.0,
        high: tenants.names.len() as f64,
        ticks: Vec::new(),
        title: String::new(),
    };
    Panel::within(outer, Axis::durations_with_zero("mean waiting (even below 1 s)", longest), y).aligned(left)
}

fn draw_rows(sketch: &mut Sketch, panel: &Panel, tenants: &Tenants) {
    let rows = tenants.names.len() as f64;
    for (index, name) in tenants.names.iter().enumerate() {
        let (upper, lower) = (panel.y_at(rows - index as f64), panel.y_at(rows - index as f64 - 1.0));
        if index % 2 == 1 {
            sketch.bar((panel.frame.left, upper), (panel.frame.right, lower), IDLE);
        }
        sketch.line(vec![(panel.frame.left, lower), (panel.frame.right, lower)], 1.0, GRID);
        let at = (panel.frame.left - 8.0, f64::midpoint(upper, lower));
        sketch.text(Label::new(at, shown(name), TICK_SIZE.min(TITLE_SIZE), Anchor::End));
    }
}

fn draw_dots(sketch: &mut Sketch, panel: &Panel, means: &[Option<f64>], (policy, policies): (usize, usize)) {
    let rows = means.len() as f64;
    let gap = panel.frame.height() / rows * 0.7 / policies as f64;
    for (index, mean) in means.iter().enumerate() {
        let Some(mean) = *mean else { continue };
        let middle = panel.y_at(rows - index as f64 - 0.5);
        let y = middle + (policy as f64 - (policies as f64 - 1.0) / 2.0) * gap;
        let radius = (gap * 0.6).clamp(2.0, 4.5);
        sketch.dot((panel.x_at(mean), y), radius, stroke(policy).color);
        if stroke(policy).dash.is_some() {
            sketch.dot((panel.x_at(mean), y), radius * 0.5, super::palette::PAPER);
        }
    }
}

fn shown(name: &str) -> String {
    legend::shortened(name, 28)
}
