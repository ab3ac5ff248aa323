//! Filters that papers apply to their traces, by name: `filter=NAME` or `filter=NAME:ARGUMENT`.
//!
//! Each states its rule exactly as the published code does it, with the file. None is applied unless it is asked for.
//! What a rule asks of a column that a trace does not have is said in the filter's own file.

use super::{Kind, Trace, TraceError, Work};
use crate::error::shown;
use crate::similar::nearest;
use crate::trace::TraceJob;

mod archives;
mod blox;
mod elasticflow;
mod gavel;
mod lucid;
mod pollux;

/// A filter that a paper applies.
#[derive(Debug)]
pub struct Filter {
    /// Name behind `filter=`.
    pub name: &'static str,
    /// Paper, repository and file.
    pub citation: &'static str,
    /// What is kept, dropped and changed.
    pub rule: &'static str,
    /// What may stand behind the name and a colon; empty where nothing may.
    pub argument: &'static str,
    /// Applies it.
    make: fn(&mut Work<'_>, Option<&str>) -> Result<(), TraceError>,
}

impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// All filters.
static FILTERS: [&Filter; 11] = [
    &pollux::POLLUX,
    &pollux::SIA,
    &blox::BLOX,
    &blox::SUM,
    &blox::MULTI,
    &blox::SYNERGY_MULTI,
    &lucid::LUCID,
    &gavel::GAVEL,
    &elasticflow::ELASTICFLOW,
    &archives::BATSIM,
    &archives::PAI_SIM,
];

/// The filters of papers: name, citation, rule.
pub fn filters() -> impl Iterator<Item = &'static Filter> {
    FILTERS.into_iter()
}

/// The filter that `text` names, with its argument.
pub(super) fn named(place: &str, text: &str) -> Result<Kind, TraceError> {
    let (name, argument) = match text.split_once(':') {
        Some((name, argument)) => (name.trim(), Some(argument.trim().to_owned())),
        None => (text, None),
    };
    let Some(filter) = filters().find(|filter| filter.name == name) else {
        let names = || filters().map(|filter| filter.name);
        let hint = match nearest(name, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the filters are {}", names().collect::<Vec<_>>().join(", ")),
        };
        let error = TraceError::new(place, format!("no filter is called `{}`", shown(name)));
        return Err(error.in_field("filter").with_hint(hint));
    };
    if argument.is_some() && filter.argument.is_empty() {
        let error = TraceError::new(place, format!("the filter `{name}` takes no argument")).in_field("filter");
        return Err(error.with_hint(format!("write filter={name}")));
    }
    Ok(Kind::Filter(filter, argument))
}

impl Filter {
    pub(super) fn run(&self, work: &mut Work<'_>, argument: Option<&str>) -> Result<(), TraceError> {
        (self.make)(work, argument)
    }

    /// The error for an argument that is not `wanted`.
    fn bad(&self, work: &Work<'_>, argument: &str, wanted: &str) -> TraceError {
        let error = work.error(format!("`{}` is not {wanted}", shown(argument)));
        error.with_hint(format!("write filter={} or filter={}:ARGUMENT with {}", self.name, self.name, self.argument))
    }
}

/// GPU-seconds of a job, at most as many as `hours` GPU-hours hold: exact.
fn is_below_gpu_hours(job: &TraceJob, hours: u64) -> bool {
    u128::from(job.gpu_milli) * u128::from(job.duration.0) < u128::from(hours) * 3600 * 1_000_000 * 1000
}

/// Whole GPUs, if it is a whole number of them.
fn whole_gpus(job: &TraceJob) -> Option<u32> {
    job.gpu_milli.is_multiple_of(1000).then_some(job.gpu_milli / 1000)
}

/// One GPU in one task; CPU and memory become what one GPU of the gang had.
fn force_one_gpu(job: &mut TraceJob) -> bool {
    if job.gpu_milli == 1000 {
        return false;
    }
    if let Some(details) = job.details.said_mut() {
        let whole = job.gpu_milli.max(1000);
        let part = |amount: u32| (u64::from(amount) * 1000 / u64::from(whole)) as u32;
        (details.cpu_milli, details.memory_mib) = (part(details.cpu_milli), part(details.memory_mib));
        details.tasks = details.tasks.min(1);
    }
    job.gpu_milli = 1000;
    true
}

/// The name of the virtual cluster of a job: its queue, or else the first part of its tenant.
fn virtual_cluster<'a>(trace: &'a Trace, job: &TraceJob) -> &'a str {
    let queue = job.queue.and_then(|queue| trace.queues.get(queue as usize));
    let tenant = || trace.tenants.get(job.tenant as usize).and_then(|path| path.split('/').next());
    queue.map(String::as_str).or_else(tenant).unwrap_or_default()
}
