//! Figures of a trace by itself: when its jobs come, how large and how long they are, whose they are.

mod arrivals;
mod bars;
mod run_time;
mod week;

use std::collections::BTreeMap;

use traces::{RunTimes, Trace};

use super::Drawing;
use super::buckets::Buckets;
use bars::{Bars, Pair};

/// Tenants with a bar of their own.
const TENANTS: usize = 12;

/// All figures that have a meaning for this trace.
pub fn drawings_of_trace(trace: &Trace) -> Vec<Drawing> {
    let mut all = vec![arrivals::drawing(trace), week::drawing(trace), gangs(trace)];
    if trace.run_times != RunTimes::Unknown {
        all.push(run_time::drawing(trace));
    }
    all.extend(tenants(trace));
    all
}

/// Jobs and GPU-time by the size of the gang.
fn gangs(trace: &Trace) -> Drawing {
    let demand = |job: &traces::TraceJob| u64::from(job.gpu_milli);
    let buckets = Buckets::of(trace.jobs.iter().map(demand));
    let mut pairs = vec![Pair::default(); buckets.len()];
    for job in &trace.jobs {
        pairs[buckets.index(demand(job))].add(job);
    }
    let caption = "Share of the jobs and of the GPU-time (GPUs x run time) by the GPUs of the gang; below: number of jobs. \
                   Where the GPU-time stands far to the right of the jobs, few large gangs hold the cluster.";
    let title = "How large the jobs are";
    bars::drawing(&Bars { name: "gangs", title, caption, under: "GPUs of the gang", names: buckets.names(), pairs })
}

/// Jobs and GPU-time by tenant; `None` when there is only one.
fn tenants(trace: &Trace) -> Option<Drawing> {
    let mut by_tenant: BTreeMap<u32, Pair> = BTreeMap::new();
    for job in &trace.jobs {
        by_tenant.entry(job.tenant).or_default().add(job);
    }
    if by_tenant.len() < 2 {
        return None;
    }
    let mut order: Vec<(u32, Pair)> = by_tenant.into_iter().collect();
    order.sort_by(|a, b| b.1.gpu_time.total_cmp(&a.1.gpu_time).then(b.1.jobs.cmp(&a.1.jobs)).then(a.0.cmp(&b.0)));
    let rest = order.split_off(order.len().min(TENANTS));
    let name = |tenant: u32| trace.tenants.get(tenant as usize).map_or("(no tenant)", String::as_str);
    let mut names: Vec<String> = order.iter().map(|(tenant, _)| name(*tenant).to_owned()).collect();
    let mut pairs: Vec<Pair> = order.into_iter().map(|(_, pair)| pair).collect();
    if !rest.is_empty() {
        names.push(format!("{} others", rest.len()));
        pairs.push(rest.iter().fold(Pair::default(), |sum, (_, pair)| sum.plus(*pair)));
    }
    let caption =
        "Share of the jobs and of the GPU-time by tenant, the largest by GPU-time first; below: number of jobs.";
    let title = "Whose jobs they are";
    Some(bars::drawing(&Bars { name: "tenants", title, caption, under: "tenant", names, pairs }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::sketch::Mark;
    use crate::report::example;

    #[test]
    fn every_figure_of_a_trace_is_drawn_inside_its_sheet() {
        let mut trace = example::trace(2000, 20, 1);
        for origin in [None, Some("2017-10-03T22:30:00".to_owned())] {
            trace.origin = origin;
            let drawings = drawings_of_trace(&trace);
            let names: Vec<&str> = drawings.iter().map(|drawing| drawing.name).collect();
            assert_eq!(names, ["arrivals", "week", "gangs", "run-time", "tenants"]);
            for drawing in &drawings {
                let (width, height) = (drawing.sketch.width + 0.5, drawing.sketch.height + 0.5);
                let inside = |(x, y): &(f64, f64)| (-0.5..width).contains(x) && (-0.5..height).contains(y);
                assert!(drawing.sketch.marks.iter().all(|mark| match mark {
                    Mark::Line { points, .. } | Mark::Area { points, .. } => points.iter().all(inside),
                    Mark::Bar { from, to, .. } => inside(from) && inside(to),
                    Mark::Dot { at, .. } => inside(at),
                    Mark::Text(label) => inside(&label.at),
                }));
            }
        }
    }

    #[test]
    fn unknown_run_times_are_not_drawn_and_nothing_breaks_a_figure() {
        let mut trace = example::trace(5, 1, 1);
        trace.run_times = RunTimes::Unknown;
        for job in &mut trace.jobs {
            (job.duration, job.submit) = (engine::Span::ZERO, engine::Time::ZERO);
        }
        let names: Vec<&str> = drawings_of_trace(&trace).iter().map(|drawing| drawing.name).collect();
        assert_eq!(names, ["arrivals", "week", "gangs"]);
        drawings_of_trace(&Trace::default());
    }
}
