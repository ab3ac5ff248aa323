//! `trace`: describe, generate, fit and convert.

mod capacity;
mod cluster;
mod jobs;
mod profiles;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;
use simulator::report::fmt;
use traces::content::{self, Content};
use traces::synthetic::{self, Fit};

use crate::cli::{Format, TraceConvertArgs, TraceFitArgs, TraceGenerateArgs, TraceInfoArgs};
use crate::error::Error;
use crate::target::TraceTarget;
use crate::{progress, stdout, target, warnings};

/// `trace info`.
pub(crate) fn info(args: &TraceInfoArgs) -> Result<(), Error> {
    let cluster = args.cluster.as_deref().map(traces::load_cluster).transpose()?;
    let reading = progress::spinner("reading");
    let content = content::open(&args.trace)?;
    reading.finish_and_clear();
    if let (Some(_), false) = (&args.figures, matches!(content, Content::Trace(_))) {
        let message = format!("{}: only traces have figures", args.trace);
        return Err(Error::input(message, "leave --figures out"));
    }
    match content {
        Content::Trace(trace) => {
            let info = traces::describe(&trace, cluster.as_ref());
            if let Some(folder) = &args.figures {
                let paths = simulator::output::write_trace_figures(folder, &trace)?;
                warnings::note(&format!("wrote {} figures to {}", paths.len(), folder.display()));
            }
            show(args.format, "trace", &info, jobs::table)
        }
        Content::Cluster(file) => show(args.format, "cluster", &traces::describe_cluster(&file), cluster::table),
        Content::Profiles(table) => show(args.format, "profiles", &table.describe(), profiles::table),
        Content::Capacity(schedule) => {
            show(args.format, "capacity", &traces::capacity::describe_capacity(&schedule), capacity::table)
        }
    }
}

/// What is shown as JSON: what it is about, then its figures.
#[derive(Serialize)]
struct Tagged<'a, T> {
    content: &'static str,
    #[serde(flatten)]
    info: &'a T,
}

fn show<T: Serialize>(format: Format, content: &'static str, info: &T, table: fn(&T) -> String) -> Result<(), Error> {
    match format {
        Format::Json => stdout::show_json(&Tagged { content, info }),
        Format::Table => stdout::show(&table(info)),
    }
}

/// `trace generate`.
pub(crate) fn generate(args: &TraceGenerateArgs) -> Result<(), Error> {
    let target = TraceTarget::of(&args.out)?;
    let model = args.model.strip_prefix("synthetic:").unwrap_or(&args.model);
    target.write(&traces::load(&format!("synthetic:{model}"))?)
}

/// `trace fit`.
pub(crate) fn fit(args: &TraceFitArgs) -> Result<(), Error> {
    let to_stdout = args.out == Path::new("-");
    if !to_stdout && args.out.extension().is_none_or(|extension| extension != "toml") {
        let message = format!("{}: models are written as .toml", args.out.display());
        return Err(Error::input(message, "end the name with .toml, or give - for stdout"));
    }
    let trace = traces::load(&args.trace)?;
    warnings::about_trace(&trace);
    let model = synthetic::fit(&trace, &Fit { name: args.name.clone(), cluster_gpus: args.gpus })?;
    let text = synthetic::model_text(&model, &super::command_line());
    if to_stdout {
        return stdout::show(&text);
    }
    target::replace(&args.out, |draft| {
        std::fs::write(draft, &text).map_err(|error| Error::unwritable(&args.out, "OUT", &error))
    })?;
    warnings::note(&format!("wrote a model of {} jobs to {}", trace.jobs.len(), args.out.display()));
    Ok(())
}

/// `trace convert`.
pub(crate) fn convert(args: &TraceConvertArgs) -> Result<(), Error> {
    let target = TraceTarget::of(&args.out)?;
    let trace = traces::load(&args.trace)?;
    trace.check_run_times()?;
    warnings::about_trace(&trace);
    target.write(&trace)
}

/// What was done to rows, a line each.
fn counts(what: &str, counts: &BTreeMap<String, u64>) -> String {
    let mut text = String::new();
    for (cause, count) in counts {
        let _ = writeln!(text, "{what}: {} ({cause})", fmt::thousands(*count));
    }
    text
}

/// The columns that were not used, on a line.
fn ignored(columns: &[String]) -> String {
    if columns.is_empty() { String::new() } else { format!("columns not used: {}\n", columns.join(", ")) }
}

/// A list that is not too long.
fn listed(names: &[String], most: usize) -> String {
    let mut shown = names.iter().take(most).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > most {
        let _ = write!(shown, " and {} more", names.len() - most);
    }
    shown
}
