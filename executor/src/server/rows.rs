//! What a batch changed, as rows for those who query.

use std::collections::{BTreeMap, BTreeSet};

use engine::{Core, Event, Exit, Input, JobId, Outcome, Phase, RunId, Time};

use super::wall_us;
use crate::book::Book;
use crate::launcher::End;
use crate::note::Note;
use crate::store::records::{AuditRow, FreedRow, HeldGpu, HeldRow, JobRow, Row, RunRow, Use};
use crate::view;

/// Makes rows.
pub(super) struct Rows<'a> {
    core: &'a Core,
    book: &'a Book,
    origin_us: u64,
}

impl<'a> Rows<'a> {
    /// The rows of the batch that the core has just taken.
    pub(super) fn of(core: &'a Core, book: &'a Book, facts: &[Input], notes: &[Note], origin_us: u64) -> Vec<Row> {
        let rows = Self { core, book, origin_us };
        let mut new = BTreeSet::new();
        let mut all = Vec::new();
        for note in notes {
            match note {
                Note::Job { job, file, .. } => {
                    new.insert(*job);
                    if let Some(row) = rows.job(*job) {
                        // Plain data with text keys always has a JSON form.
                        let job_file = serde_json::to_string(file).unwrap_or_default();
                        all.push(Row::Submitted { job: Box::new(row), job_file });
                    }
                }
                Note::Audit(audit) => all.push(Row::Audit(Box::new(AuditRow {
                    at_us: rows.wall_us(core.state().now()).unwrap_or_default(),
                    who: audit.who.clone(),
                    role: audit.role.clone(),
                    from_addr: audit.from.clone(),
                    verb: audit.verb.clone(),
                    subject: audit.subject.clone(),
                    outcome: audit.outcome.clone(),
                    detail: Some(audit.detail.clone()).filter(|detail| !detail.is_empty()),
                }))),
                _ => {}
            }
        }
        all.extend(facts.iter().filter_map(|fact| rows.freed(&fact.event)).map(Row::Freed));
        let changed: BTreeSet<JobId> = core.state().changed_in_step().iter().copied().collect();
        for job in changed {
            if !new.contains(&job) {
                all.extend(rows.job(job).map(|row| Row::Job(Box::new(row))));
            }
            all.extend(rows.run(job, notes).map(|row| Row::Run(Box::new(row))));
            all.extend(rows.held(job).map(|row| Row::Held(Box::new(row))));
        }
        all
    }

    fn wall_us(&self, time: Time) -> Option<u64> {
        time.known().map(|time| wall_us(self.origin_us, time))
    }

    fn job(&self, id: JobId) -> Option<JobRow> {
        let state = self.core.state();
        let (job, entry) = (state.jobs().get(id.index())?, self.book.job(id)?);
        let reason = state.reason(id);
        let exit_code = match entry.end {
            Some(End::Exited(code)) => Some(code),
            _ => None,
        };
        Some(JobRow {
            number: id.0,
            name: entry.file.name.clone(),
            tenant: self.book.tenant_path(job.spec.tenant).to_owned(),
            owner: entry.owner.clone(),
            queue: state.queue(job.spec.queue).to_owned(),
            state: view::state_word(job.phase).to_owned(),
            reason_code: reason.map(|reason| reason.code().to_owned()),
            reason: reason.map(|reason| reason.to_string()),
            priority: job.spec.priority,
            gpus_milli: state.class_of(id).gpu_milli,
            tasks: entry.file.tasks,
            submitted_us: wall_us(self.origin_us, job.submitted),
            first_start_us: self.wall_us(job.first_launch),
            ended_us: self.wall_us(job.ended),
            attempts: job.attempt,
            preemptions: job.preemptions,
            exit_code,
            outcome: job.outcome().map(|outcome| outcome.name().to_owned()),
            labels: entry.file.labels.clone(),
        })
    }

    /// What a run holds that was ordered to start in this batch.
    fn held(&self, id: JobId) -> Option<HeldRow> {
        let state = self.core.state();
        let job = state.jobs().get(id.index())?;
        if !job.is_launched() || job.launched != state.now() {
            return None;
        }
        let inventory = state.cluster().inventory();
        let mut gpus = BTreeMap::new();
        for slice in &job.placement {
            let model = inventory.models.get(inventory.nodes[slice.node.index()].model.index());
            let name = model.filter(|_| slice.gpu_milli() > 0).map_or_else(String::new, |model| model.name.clone());
            *gpus.entry(name).or_insert(0) += slice.gpu_milli();
        }
        Some(HeldRow {
            job: id.0,
            attempt: job.attempt,
            launched_us: wall_us(self.origin_us, job.launched),
            tenant: self.book.tenant_path(job.spec.tenant).to_owned(),
            owner: self.book.job(id)?.owner.clone(),
            gpus,
        })
    }

    /// The end of a run. One that is not the last of its job is no run any more, and holds nothing.
    fn freed(&self, event: &Event) -> Option<FreedRow> {
        let Event::Ended { run, exit, .. } = event else { return None };
        let phase = self.core.state().jobs().get(run.job.index())?.phase;
        let used = match (exit, phase) {
            (Exit::Completed, _) => Use::Finished,
            (Exit::Failed(_), _) | (Exit::Stopped, Phase::Done(Outcome::TimedOut)) => Use::Failed,
            (Exit::Stopped, _) => Use::Stopped,
        };
        Some(FreedRow {
            job: run.job.0,
            attempt: run.attempt,
            at_us: wall_us(self.origin_us, self.core.state().now()),
            used,
            lost_milli_us: self.lost(*run),
            job_ends: matches!(phase, Phase::Done(_)),
        })
    }

    /// Work of a run that a policy stopped, as far as it was not saved.
    fn lost(&self, run: RunId) -> u64 {
        let state = self.core.state();
        let job = state.job(run.job);
        if job.preemptions + job.migrations == 0 {
            return 0;
        }
        let mut evictions = state.evictions().iter().rev();
        let eviction = evictions.find(|eviction| eviction.job == run.job && eviction.attempt == run.attempt);
        eviction.map_or(0, |eviction| u64::try_from(eviction.lost).unwrap_or(u64::MAX))
    }

    /// The last run of a job: live, or ended in this batch.
    fn run(&self, id: JobId, notes: &[Note]) -> Option<RunRow> {
        let state = self.core.state();
        let job = state.jobs().get(id.index())?;
        let ended = notes.iter().find_map(|note| match note {
            Note::End { run, end } if run.job == id => Some((run.attempt, end)),
            _ => None,
        });
        let attempt = ended.map_or(job.attempt, |(attempt, _)| attempt);
        if ended.is_none() && !job.is_launched() {
            return None;
        }
        let inventory = state.cluster().inventory();
        let name = |node: engine::NodeId| inventory.nodes[node.index()].name.clone();
        let gpus = job.placement.iter().flat_map(|slice| {
            let gpu = move |index| HeldGpu { node: name(slice.node), index, uuid: None, milli: slice.milli };
            slice.gpu_indices().map(gpu).collect::<Vec<_>>()
        });
        let mut nodes: Vec<String> =
            job.placement.iter().map(|slice| inventory.nodes[slice.node.index()].name.clone()).collect();
        nodes.dedup();
        let (end, exit_code, signal) = match ended.map(|(_, end)| end) {
            None => (None, None, None),
            Some(End::Exited(code)) => (Some("exited"), Some(*code), None),
            Some(End::Signalled(signal)) => (Some("signalled"), None, Some(*signal)),
            Some(End::NotStarted(_)) => (Some("not-started"), None, None),
            Some(End::Lost(_)) => (Some("lost"), None, None),
        };
        Some(RunRow {
            job: id.0,
            attempt,
            nodes,
            gpus: gpus.collect(),
            launched_us: self.wall_us(job.launched).unwrap_or_default(),
            started_us: self.wall_us(job.running_since),
            ended_us: ended.and_then(|_| self.wall_us(state.now())),
            end: end.map(str::to_owned),
            exit_code,
            signal,
            checkpoint: self.book.job(id)?.checkpoint.clone(),
        })
    }
}

#[cfg(test)]
mod tests;
