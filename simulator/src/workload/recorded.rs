//! The workload of a journal: jobs as they were submitted, with the classes, tenants and facts from outside of the journal
//! itself, so that a policy meets just what it met.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::{Event, JobId, JobSpec, Outcome, Span, TenantId, Time};
use traces::Trace;
use traces::journal::{RecordedJob, Recording};

use super::Workload;

/// What a journal tells beside the trace.
#[derive(Clone, Debug)]
pub(super) struct Told {
    /// What was declared before the first job.
    pub(super) declared: Vec<Event>,
    /// What came from outside later.
    pub(super) later: Vec<(Time, Event)>,
    /// Work of each job; [`Span::MAX`] where nobody knows it.
    pub(super) works: Vec<Span>,
    /// What a clairvoyant policy may know of each.
    pub(super) truths: Vec<Option<Span>>,
    foresight: Foresight,
}

/// What a clairvoyant policy is told of run times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foresight {
    /// What the policy of the journal was told: in a live world, nothing.
    Recorded,
    /// All that is known by now.
    Hindsight,
}

impl<'a> Workload<'a> {
    /// The workload of `recording`; `trace` is [`Recording::whole`] of it.
    ///
    /// Jobs whose work nobody knows go on until what ended them in the journal ends them again: a failure, a time limit, a
    /// user. Where nothing did, they are cancelled after the end of the journal ([`is_taken_out`]).
    pub fn recorded(trace: &'a Arc<Trace>, recording: &Recording, foresight: Foresight) -> Self {
        let jobs = || recording.jobs.iter();
        let taken_out = jobs().enumerate().filter(|(_, job)| is_taken_out(job));
        let after = recording.end + Span(1);
        let taken_out = taken_out.map(|(at, _)| (after, Event::Cancelled { job: JobId::new(at) }));
        let told = Told {
            declared: recording.declared.clone(),
            later: recording.outside.iter().cloned().chain(taken_out).collect(),
            works: jobs().map(|job| job.work.unwrap_or(Span::MAX)).collect(),
            truths: jobs().map(|job| if foresight == Foresight::Recorded { job.truth } else { job.work }).collect(),
            foresight,
        };
        Self {
            trace,
            shapes: recording.shapes().to_vec(),
            classes: jobs().map(|job| job.spec.class).collect(),
            tenants: tenants(recording),
            terms: Vec::new(),
            tenant_ids: tenant_ids(trace, recording),
            names: Vec::new(),
            named: Vec::new(),
            apps: jobs().map(|job| job.spec.app).collect(),
            amended: specs(recording),
            expected: None,
            told: Some(told),
        }
    }

    /// Whether more is told than the policy of the journal was told.
    pub(crate) fn has_hindsight(&self) -> bool {
        self.told.as_ref().is_some_and(|told| told.foresight == Foresight::Hindsight)
    }

    /// Whether the journal itself says which jobs are to be expected.
    pub(crate) fn tells_what_to_expect(&self) -> bool {
        let is_mix = |event: &Event| matches!(event, Event::WorkloadDeclared { .. });
        self.told
            .as_ref()
            .is_some_and(|told| told.declared.iter().any(is_mix) || told.later.iter().any(|(_, event)| is_mix(event)))
    }
}

/// Whether a job of a recording is cancelled after the end of the journal, where it is still open then: nobody knows how much
/// work it needs, and nothing in the journal ends it.
pub fn is_taken_out(job: &RecordedJob) -> bool {
    let lost_with_its_node = job.outcome == Some(Outcome::Failed) && job.failures.is_empty();
    job.work.is_none() && (job.outcome.is_none() || lost_with_its_node)
}

fn specs(recording: &Recording) -> BTreeMap<usize, JobSpec> {
    recording.jobs.iter().map(|job| job.spec.clone()).enumerate().collect()
}

/// All tenants that were ever declared, with the weights that they were declared with.
fn tenants(recording: &Recording) -> Vec<(String, Option<TenantId>, u32)> {
    let later = recording.outside.iter().map(|(_, event)| event);
    let tenant = |event: &Event| match event {
        Event::TenantDeclared { name, parent, weight_milli, .. } => Some((name.clone(), *parent, *weight_milli)),
        _ => None,
    };
    recording.declared.iter().chain(later).filter_map(tenant).collect()
}

/// The node of each tenant of the trace.
fn tenant_ids(trace: &Trace, recording: &Recording) -> Vec<TenantId> {
    let mut ids = vec![TenantId::default(); trace.tenants.len()];
    for (job, told) in trace.jobs.iter().zip(&recording.jobs) {
        ids[job.tenant as usize] = told.spec.tenant;
    }
    ids
}
