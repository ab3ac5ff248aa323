//! Other traces made from one: what stands in brackets behind a trace, and what the simulator does to one.
//!
//! `TRACE[key=value,...]`: changes are made in the order in which they are written, and each leaves a
//! [`Step`](crate::trace::Step) in [`Trace::history`] that says what was done, to how many jobs, and why jobs were left
//! out or changed. A change that leaves no job is an error.

use crate::error::TraceError;
use crate::trace::{Step, Trace, TraceJob};

mod amount;
mod arrivals;
mod bounds;
mod days;
mod estimates;
mod filters;
mod moment;
mod parse;
mod repeat;
mod sample;
mod window;

pub use arrivals::scale_load;
pub use days::resample_days;
pub use estimates::Errors;
pub use filters::{Filter, filters};
pub(crate) use parse::{is_key, keys};
pub use window::window;

use amount::Amount;
use engine::Span;
use moment::Moment;

/// Changes to a trace, in the order in which they are made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    list: Vec<Change>,
}

/// One change.
#[derive(Clone, Debug, PartialEq)]
struct Change {
    /// As it was written.
    written: String,
    /// As it may be written again, with all that it depends on.
    text: String,
    /// Seed of what it draws.
    seed: u64,
    kind: Kind,
}

/// What is changed.
#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Window(Moment, Moment),
    SampleJobs(Amount),
    SampleTenants(Amount),
    Rate(f64),
    Load {
        load: f64,
        gpus: u32,
    },
    Stretch(f64),
    /// Microseconds, to either side.
    Shift(i64),
    Repeat(u32),
    CapGpus(u32),
    MaxGpus(u32),
    MinRun(Span),
    MaxRun(Span),
    Estimates(Errors),
    Filter(&'static Filter, Option<String>),
}

impl Changes {
    /// Whether nothing is changed.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The changes as they were written, `key=value` each.
    pub(crate) fn written(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|change| change.written.as_str())
    }

    /// Makes the changes.
    pub fn apply(&self, mut trace: Trace) -> Result<Trace, TraceError> {
        for change in &self.list {
            change.make(&mut trace)?;
        }
        Ok(trace)
    }
}

impl Change {
    fn make(&self, trace: &mut Trace) -> Result<(), TraceError> {
        let source = trace.source.clone();
        let mut work = Work::begin(trace, self.text.clone(), self.seed);
        match &self.kind {
            Kind::Window(from, to) => window::between(&mut work, from, to)?,
            Kind::SampleJobs(amount) => sample::jobs(&mut work, *amount)?,
            Kind::SampleTenants(amount) => sample::tenants(&mut work, *amount)?,
            Kind::Rate(factor) => arrivals::compress(&mut work, *factor),
            Kind::Load { load, gpus } => arrivals::to_load(&mut work, *load, *gpus)?,
            Kind::Stretch(factor) => arrivals::stretch(&mut work, *factor)?,
            Kind::Shift(by_us) => arrivals::shift(&mut work, *by_us)?,
            Kind::Repeat(count) => repeat::repeat(&mut work, *count)?,
            Kind::CapGpus(gpus) => bounds::cap_gpus(&mut work, *gpus),
            Kind::MaxGpus(gpus) => bounds::max_gpus(&mut work, *gpus),
            Kind::MinRun(span) => work.keep("the run time is below min_run_s", |job| job.duration >= *span),
            Kind::MaxRun(span) => work.keep("the run time is above max_run_s", |job| job.duration <= *span),
            Kind::Estimates(errors) => errors.inject(&mut work),
            Kind::Filter(filter, argument) => filter.run(&mut work, argument.as_deref())?,
        }
        if work.trace.jobs.is_empty() {
            let error = TraceError::new(source, format!("`{}` leaves no job", self.text)).in_field(self.key());
            return Err(error.with_hint(self.hint(&work.step)));
        }
        if !work.trace.jobs.iter().all(can_be_written) {
            let error = TraceError::new(source, format!("`{}` makes times that are too large", self.text));
            return Err(error.in_field(self.key()).with_hint("the largest time is about 292,000 years"));
        }
        work.end();
        Ok(())
    }

    fn key(&self) -> &str {
        self.text.split_once('=').map_or(self.text.as_str(), |(key, _)| key)
    }

    /// Why no job is left.
    fn hint(&self, step: &Step) -> String {
        match &self.kind {
            Kind::Filter(filter, _) => format!("the rule of {} is: {}", filter.name, filter.rule),
            _ => match step.dropped.iter().next() {
                Some((cause, count)) => format!("all {count} jobs are left out: {cause}"),
                None => "the trace has no jobs".to_owned(),
            },
        }
    }
}

/// Whether the times of a job are no larger than those that are read.
fn can_be_written(job: &TraceJob) -> bool {
    let times = [Some(job.submit), job.start, job.deadline, job.start_by].into_iter().flatten().map(|time| time.0);
    let spans =
        [Some(job.duration), job.estimate, job.time_limit, job.restart].into_iter().flatten().map(|span| span.0);
    times.chain(spans).all(|us| i64::try_from(us).is_ok())
}

/// A change at work: the trace and the record of what is done to it.
struct Work<'a> {
    trace: &'a mut Trace,
    step: Step,
    seed: u64,
}

impl<'a> Work<'a> {
    fn begin(trace: &'a mut Trace, what: String, seed: u64) -> Self {
        let before = trace.jobs.len() as u64;
        Self { trace, step: Step { what, before, ..Step::default() }, seed }
    }

    /// Writes the step into the history.
    fn end(mut self) {
        self.step.after = self.trace.jobs.len() as u64;
        self.trace.history.push(self.step);
    }

    /// Keeps the jobs that pass, and counts the others under `cause`.
    fn keep(&mut self, cause: &str, passes: impl FnMut(&TraceJob) -> bool) {
        let before = self.trace.jobs.len();
        self.trace.jobs.retain(passes);
        let dropped = (before - self.trace.jobs.len()) as u64;
        if dropped > 0 {
            *self.step.dropped.entry(cause.to_owned()).or_default() += dropped;
        }
    }

    /// Changes jobs, and counts those for which `change` says that it did under `cause`.
    fn change(&mut self, cause: &str, change: impl FnMut(&mut TraceJob) -> bool) {
        let changed = self.trace.jobs.iter_mut().map(change).filter(|changed| *changed).count() as u64;
        if changed > 0 {
            *self.step.changed.entry(cause.to_owned()).or_default() += changed;
        }
    }

    /// An error about the key of this change.
    fn error(&self, message: impl Into<String>) -> TraceError {
        let key = self.step.what.split_once('=').map_or(self.step.what.as_str(), |(key, _)| key);
        TraceError::new(&self.trace.source, message).in_field(key)
    }
}

#[cfg(test)]
mod tests;
