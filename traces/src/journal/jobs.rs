//! The jobs of a recording as a trace.

use std::collections::BTreeMap;

use compact_str::{CompactString, ToCompactString, format_compact};
use engine::{JobSpec, NameId, Outcome, QueueId, Span, TenantId};

use super::gang::Gang;
use super::{RecordedJob, Recording};
use crate::build::{Builder, Twins};
use crate::details::{Details, Wishes};
use crate::error::TraceError;
use crate::trace::{Recorded, Step, Trace, TraceJob};

const STILL_RAN: &str = "still ran, or waited to run again, at the end of the journal: the work until then";
const HELD: &str = "submitted on hold: submitted at once";
const DEPENDS: &str = "waited for other jobs: submitted when it was";

/// Which jobs a trace is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keep {
    /// Those whose run time is known, or at least what they did until somebody or something ended them.
    Told,
    /// All of them.
    All,
}

impl Recording {
    /// The trace that other commands read. Jobs of which the journal tells no work are left out and counted by cause.
    pub fn trace(&self) -> Result<Trace, TraceError> {
        if self.jobs.is_empty() {
            let error = TraceError::new(&self.source, "no job was submitted while this journal was written");
            return Err(error.with_hint("there must be at least one job"));
        }
        self.trace_of(Keep::Told)
    }

    /// All jobs, by number; where the run time is not known it is what was done of it.
    pub fn whole(&self) -> Result<Trace, TraceError> {
        if self.jobs.is_empty() {
            let source = self.source.clone();
            return Ok(Trace { source, format: super::SPEC.name.to_owned(), ..Trace::default() });
        }
        self.trace_of(Keep::All)
    }

    fn trace_of(&self, keep: Keep) -> Result<Trace, TraceError> {
        let mut builder = Builder::new(&self.source, super::SPEC.name);
        let gangs: Vec<Gang> = self.shapes.iter().map(|shape| Gang::of(shape, self.inventory())).collect();
        let mut tenants: BTreeMap<TenantId, u32> = BTreeMap::new();
        let named = self.named();
        for (number, job) in self.jobs.iter().enumerate() {
            builder.row();
            if let Some(cause) = untold(job).filter(|_| keep == Keep::Told) {
                builder.ledger.drop_row(cause);
                continue;
            }
            if keep == Keep::Told {
                note_changes(&mut builder, job, &gangs[job.spec.class.index()]);
            }
            let id = self.id_of(number, &job.spec, &named);
            let made = self.job(&mut builder, job, id, &gangs[job.spec.class.index()]);
            let tenant = *tenants.entry(job.spec.tenant).or_insert_with_key(|id| self.tenant(&mut builder, *id));
            builder.push_unplaced(TraceJob { tenant, ..made });
        }
        let origin = self.note("origin").filter(|origin| crate::civil::parse(origin).is_some());
        let mut trace = builder.finish(Twins::Numbered, origin.map(str::to_owned))?;
        if let Some(record) = self.cut {
            let jobs = self.jobs.len() as u64;
            let what = format!("journal cut off inside record {record}");
            trace.history.push(Step { what, before: jobs, after: jobs, ..Step::default() });
        }
        Ok(trace)
    }

    fn job(&self, builder: &mut Builder, job: &RecordedJob, id: CompactString, gang: &Gang) -> TraceJob {
        let spec = &job.spec;
        let shape = &self.shapes[spec.class.index()];
        let details = Details {
            cpu_milli: gang.cpu_milli,
            memory_mib: gang.memory_mib,
            models: builder.models(gang.models.clone()),
            estimate: spec.estimate,
            tasks: gang.tasks,
            queue: builder.queue(self.queue(spec.queue)),
            name: spec.name.map(|name| self.name(name).into()),
            start: job.first_launch,
            wishes: Wishes {
                time_limit: spec.time_limit,
                deadline: spec.deadline,
                start_by: spec.start_by,
                restart: spec.restart,
                qos: spec.qos.map(|qos| self.name(qos).into()),
                required: shape.required,
                preferred: shape.preferred,
            }
            .into(),
            ..Details::NONE
        };
        TraceJob {
            priority: spec.priority,
            preemptible: spec.preemptible,
            recorded: recorded(job),
            details: details.into(),
            ..TraceJob::plain(id, job.submit, job.work.unwrap_or(job.done), gang.gpu_milli)
        }
    }

    /// The path of a tenant.
    fn tenant(&self, builder: &mut Builder, id: TenantId) -> u32 {
        let mut parts = Vec::new();
        let mut above = Some(id);
        while let Some((name, parent)) = above.map(|above| &self.tenants[above.index()]) {
            parts.push(name.as_str());
            above = *parent;
        }
        parts.reverse();
        builder.tenant_of(&parts)
    }

    fn name(&self, name: NameId) -> &str {
        &self.names[name.index()]
    }

    fn queue(&self, queue: QueueId) -> &str {
        &self.queues[queue.index()]
    }

    /// How many jobs have each name.
    fn named(&self) -> BTreeMap<NameId, u32> {
        let mut named = BTreeMap::new();
        for name in self.jobs.iter().filter_map(|job| job.spec.name) {
            *named.entry(name).or_default() += 1;
        }
        named
    }

    /// The name that the user gave, with the number where several jobs have that name; else the number.
    fn id_of(&self, number: usize, spec: &JobSpec, named: &BTreeMap<NameId, u32>) -> CompactString {
        match spec.name {
            None => number.to_compact_string(),
            Some(name) if named.get(&name) == Some(&1) => self.name(name).into(),
            Some(name) => format_compact!("{}#{number}", self.name(name)),
        }
    }
}

/// Why the journal tells no run time of a job at all.
fn untold(job: &RecordedJob) -> Option<&'static str> {
    if job.work.is_some() || job.done > Span::ZERO || !job.failures.is_empty() {
        return None;
    }
    match job.outcome {
        Some(Outcome::Finished | Outcome::Failed | Outcome::TimedOut) => None,
        Some(Outcome::Rejected) => Some("rejected: it could never run there, and nobody knows how long it would"),
        Some(Outcome::Cancelled) => Some("cancelled before it made progress"),
        Some(Outcome::ParentFailed) => Some("never ran: a job that it waited for did not finish"),
        None => Some("still waited at the end of the journal"),
    }
}

/// Counts what of a job a trace cannot say.
fn note_changes(builder: &mut Builder, job: &RecordedJob, gang: &Gang) {
    let causes = [
        (job.work.is_none() && job.outcome.is_none()).then_some(STILL_RAN),
        job.spec.held.then_some(HELD),
        (!job.spec.after.is_empty()).then_some(DEPENDS),
        gang.lost,
    ];
    causes.into_iter().flatten().for_each(|cause| builder.ledger.change_row(cause));
}

fn recorded(job: &RecordedJob) -> Recorded {
    match job.outcome {
        Some(Outcome::Finished) => Recorded::Finished,
        Some(Outcome::Failed) if job.failures.is_empty() => Recorded::NodeFailed,
        Some(Outcome::Failed) => Recorded::Failed,
        Some(Outcome::Cancelled) => Recorded::Killed,
        Some(Outcome::TimedOut) => Recorded::TimedOut,
        Some(Outcome::Rejected | Outcome::ParentFailed) => Recorded::Unknown,
        None => Recorded::Censored,
    }
}
