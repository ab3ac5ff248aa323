//! The figures of a trace as text.

use std::fmt::Write as _;

use simulator::report::fmt;
use traces::{End, Gang, GangClass, Info, Part, Parts, Quantiles};

use crate::table;

/// Rows of the table of gang sizes; where there are more sizes, they are put together by powers of two.
const SIZES: usize = 16;
/// Tenants that are shown.
const TENANTS: usize = 8;

pub(super) fn table(info: &Info) -> String {
    let mut text = table::facts(&facts(info));
    text += &super::counts("rows left out", &info.dropped);
    text += &super::counts("rows changed", &info.changed);
    text += &super::ignored(&info.ignored_columns);
    text += &history(info);
    for part in [gangs(info), tenants(info), ends(info), days(info), hours(info)] {
        if !part.is_empty() {
            text += "\n";
            text += &part;
        }
    }
    text
}

fn facts(info: &Info) -> Vec<(&'static str, String)> {
    let mut rows = vec![
        ("trace", format!("{} (format {})", info.source, info.format)),
        ("jobs", fmt::thousands(info.jobs)),
        ("tenants", fmt::thousands(info.tenants)),
        ("time zero", info.origin.clone().unwrap_or_else(|| "not known".to_owned())),
        ("submitted over", fmt::seconds(info.span_s)),
        (
            "work",
            if info.run_times == "unknown" {
                "not known".to_owned()
            } else {
                format!("{} GPU-h", fmt::number(info.gpu_hours))
            },
        ),
    ];
    if let Some(gpus) = info.cluster_gpus {
        let load = info.offered_load.map_or_else(|| fmt::NOTHING.to_owned(), fmt::share);
        rows.push(("offered load", format!("{load} of {} GPUs while jobs are submitted", fmt::thousands(gpus))));
    }
    if let Some(above) = info.jobs_above_cluster.filter(|above| *above > 0) {
        rows.push(("too large", format!("{} jobs ask for more GPUs than the cluster has", fmt::thousands(above))));
    }
    rows.push(("run time", run_time(info)));
    if let Some(wait) = info.queue_time_s {
        rows.push(("queue time", format!("{} (of {} of the jobs)", seconds(Some(wait)), fmt::share(info.start_share))));
    }
    rows.push(("between arrivals", seconds(info.inter_arrival_s)));
    if let Some(shape) = &info.arrivals {
        let (mean, peak) = (fmt::number(shape.per_hour_mean), fmt::thousands(shape.per_hour_peak));
        let (dispersion, burst) = (fmt::number(shape.dispersion), fmt::share(shape.burst_share));
        let text =
            format!("mean {mean} an hour, most {peak}, variance / mean {dispersion}; {burst} of the jobs in bursts");
        rows.push(("arrivals", text));
    }
    rows.push(("estimates", estimates(info)));
    for (name, parts) in [("queues", &info.queues), ("job types", &info.job_types)] {
        if parts.count > 0 {
            rows.push((name, named(parts)));
        }
    }
    rows.push(("rows read", fmt::thousands(info.rows)));
    rows
}

fn run_time(info: &Info) -> String {
    let text = match info.run_times {
        "unknown" => return "not known: the source has none".to_owned(),
        "computed" => format!("{} (computed from steps and rates)", seconds(info.run_time_s)),
        _ => seconds(info.run_time_s),
    };
    match &info.measured_on {
        Some(model) => format!("{text}; on {model}"),
        None => text,
    }
}

fn estimates(info: &Info) -> String {
    let share = format!("{} of the jobs", fmt::share(info.estimate_share));
    let Some(factor) = info.estimate_factor else { return share };
    let below = info.underestimated_share.map_or_else(|| fmt::NOTHING.to_owned(), fmt::share);
    format!("{share}; estimate / run time {}; {below} too short", quantiles(factor, fmt::number))
}

fn seconds(of: Option<Quantiles>) -> String {
    of.map_or_else(|| fmt::NOTHING.to_owned(), |of| quantiles(of, fmt::seconds))
}

fn quantiles(of: Quantiles, text: fn(f64) -> String) -> String {
    let named =
        [("mean", of.mean), ("p10", of.p10), ("p50", of.p50), ("p90", of.p90), ("p99", of.p99), ("max", of.max)];
    named.map(|(name, value)| format!("{name} {}", text(value))).join(", ")
}

/// How many there are, and the largest of them.
fn named(parts: &Parts) -> String {
    let one = |part: &Part| format!("{} {}", part.name, fmt::share(part.share));
    let largest: Vec<String> = parts.top.iter().take(4).map(one).collect();
    format!("{}; most jobs: {}", fmt::thousands(parts.count), largest.join(", "))
}

/// What was done before and after reading, a line each.
fn history(info: &Info) -> String {
    let steps = info.history.iter().filter(|step| !step.is_reading(info.rows, &info.dropped, &info.changed));
    steps.fold(String::new(), |text, step| text + "done: " + &step.to_string() + "\n")
}

fn gangs(info: &Info) -> String {
    let head = ["GPUs", "jobs", "of all jobs", "of all GPU-time", "run time p50", "p90", "p99"];
    let work =
        |hours: f64| if info.gpu_hours > 0.0 { fmt::share(hours / info.gpu_hours) } else { fmt::NOTHING.to_owned() };
    if info.gangs.len() <= SIZES && info.gang_classes.len() < info.gangs.len() {
        let row = |gang: &Gang| {
            vec![fmt::number(gang.gpus), fmt::thousands(gang.jobs), fmt::share(gang.share), work(gang.gpu_hours)]
        };
        return table::figures(&head[..4], &info.gangs.iter().map(row).collect::<Vec<_>>());
    }
    let row = |class: &GangClass| {
        let (least, most) = (fmt::number(class.gpus_min), fmt::number(class.gpus_max));
        let sizes = if least == most { least } else { format!("{least}..{most}") };
        let cell = |value: fn(&Quantiles) -> f64| {
            class.run_time_s.as_ref().map_or_else(|| fmt::NOTHING.to_owned(), |of| fmt::seconds(value(of)))
        };
        let run = [cell(|of| of.p50), cell(|of| of.p90), cell(|of| of.p99)];
        let mut cells = vec![sizes, fmt::thousands(class.jobs), fmt::share(class.share), work(class.gpu_hours)];
        cells.extend(run);
        cells
    };
    table::figures(&head, &info.gang_classes.iter().map(row).collect::<Vec<_>>())
}

fn tenants(info: &Info) -> String {
    let parts = &info.top_tenants;
    if parts.count < 2 {
        return String::new();
    }
    let row = |part: &Part| {
        vec![part.name.clone(), fmt::thousands(part.jobs), fmt::share(part.share), fmt::share(part.gpu_time_share)]
    };
    let mut rows: Vec<Vec<String>> = parts.top.iter().take(TENANTS).map(row).collect();
    if parts.count > rows.len() as u64 {
        let others = parts.count - rows.len() as u64;
        let (jobs, work) = parts
            .top
            .iter()
            .take(TENANTS)
            .fold((1.0, 1.0), |(jobs, work), part| (jobs - part.share, work - part.gpu_time_share));
        let jobs_share: f64 = f64::max(jobs, 0.0);
        let count = (jobs_share * info.jobs as f64).round() as u64;
        rows.push(vec![
            format!("{} others", fmt::thousands(others)),
            fmt::thousands(count),
            fmt::share(jobs_share),
            fmt::share(f64::max(work, 0.0)),
        ]);
    }
    table::figures(&["tenant", "jobs", "of all jobs", "of all GPU-time"], &rows)
}

fn ends(info: &Info) -> String {
    if info.recorded.iter().all(|end| end.outcome == "unknown") {
        return "how jobs ended: the source does not say\n".to_owned();
    }
    let row = |end: &End| {
        vec![end.outcome.to_owned(), fmt::thousands(end.jobs), fmt::share(end.share), fmt::share(end.gpu_time_share)]
    };
    let rows: Vec<Vec<String>> = info.recorded.iter().map(row).collect();
    table::figures(&["recorded end", "jobs", "of all jobs", "of all GPU-time"], &rows)
}

fn days(info: &Info) -> String {
    let Some(counts) = info.day_of_week else { return String::new() };
    let names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].map(str::to_owned);
    "submissions by day of the week\n".to_owned() + &bars(&names, &counts)
}

fn hours(info: &Info) -> String {
    let clock = if info.origin.is_some() { "of the day" } else { "since time zero, modulo 24: the trace has no clock" };
    let names: Vec<String> = (0..24).map(|hour| format!("{hour:02}")).collect();
    format!("submissions by hour {clock}\n") + &bars(&names, &info.hour_of_day)
}

/// A line with a bar for each count.
fn bars(names: &[String], counts: &[u64]) -> String {
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let width = fmt::thousands(most).len();
    let mut text = String::new();
    for (name, count) in names.iter().zip(counts) {
        let bar = "#".repeat((count * 40).div_ceil(most) as usize);
        let line = format!("{name}  {:>width$}  {bar}", fmt::thousands(*count));
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}
