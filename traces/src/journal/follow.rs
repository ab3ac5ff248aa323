//! Follows facts and orders, record by record, and keeps what they tell of each job and run.

use engine::journal::{Entry, Header};
use engine::{Command, Event, Exit, Fault, JobId, JobSpec, RunId, Span, Time};

use super::{Failure, RecordedJob, RecordedRun, Recording, Segment, StopOrder, error};
use crate::error::TraceError;

/// What has been read so far.
pub(super) struct Follow {
    told: Recording,
    /// The last run of each job, where it has any: an index in `runs`.
    last: Vec<Option<usize>>,
    record: u64,
}

impl Follow {
    pub(super) fn new(source: &str) -> Self {
        let told = Recording {
            source: source.to_owned(),
            header: Header::default(),
            segments: Vec::new(),
            entries: Vec::new(),
            declared: Vec::new(),
            outside: Vec::new(),
            jobs: Vec::new(),
            runs: Vec::new(),
            saves: Vec::new(),
            end: Time::ZERO,
            cut: None,
            shapes: Vec::new(),
            tenants: Vec::new(),
            queues: vec![String::new()],
            names: Vec::new(),
        };
        Self { told, last: Vec::new(), record: 0 }
    }

    /// The next file begins.
    pub(super) fn segment(&mut self, source: &str, header: Header) {
        if self.told.segments.is_empty() {
            self.told.header = header.clone();
        }
        let first = self.told.entries.len();
        self.told.segments.push(Segment { source: source.to_owned(), header, first });
    }

    /// The journal ends inside this record.
    pub(super) fn cut(&mut self, record: u64) {
        self.told.cut = Some(record);
    }

    pub(super) fn entry(&mut self, record: u64, entry: Entry) -> Result<(), TraceError> {
        self.record = record;
        for input in &entry.facts {
            if input.at < self.told.end {
                return Err(self.fault(Fault::TimeWentBack { from: self.told.end, to: input.at }));
            }
            self.told.end = input.at;
            self.fact(input.at, &input.event)?;
        }
        for order in &entry.orders {
            self.order(order)?;
        }
        self.told.entries.push(entry);
        Ok(())
    }

    /// All of it. What still runs has done its work until the end.
    pub(super) fn finish(mut self) -> Recording {
        for (job, last) in self.told.jobs.iter_mut().zip(&self.last) {
            let live = last.map(|run| &self.told.runs[run]).filter(|run| run.ended.is_none());
            if let Some(run) = live {
                job.done = job.done.max(run.done(self.told.end));
            }
        }
        self.told
    }

    fn fault(&self, fault: impl std::fmt::Display) -> TraceError {
        let source = self.told.segments.last().map_or(&self.told.source, |segment| &segment.source);
        error::contradiction(source, self.record, fault)
    }

    fn fact(&mut self, at: Time, event: &Event) -> Result<(), TraceError> {
        match event {
            Event::Submitted { job, spec, truth } => self.submitted(at, *job, spec, *truth)?,
            Event::Started { run, rate } => {
                if let Some(run) = self.live(*run)?.filter(|run| run.started.is_none()) {
                    (run.started, run.rate) = (Some(at), *rate);
                }
            }
            Event::Saved { run, work } => self.saved(at, *run, *work)?,
            Event::Ended { run, exit, saved } => self.ended(at, *run, *exit, *saved)?,
            // These the world makes again.
            Event::Alarm { .. } | Event::Woke | Event::RestartOwed { .. } | Event::Round { .. } => {}
            _ => {
                self.declared(event)?;
                let first = at == Time::ZERO && self.told.jobs.is_empty();
                if first && is_declaration(event) && (self.told.entries.is_empty() || is_mix(event)) {
                    self.told.declared.push(event.clone());
                } else {
                    self.told.outside.push((at, event.clone()));
                }
            }
        }
        Ok(())
    }

    /// Keeps what a job may refer to.
    fn declared(&mut self, event: &Event) -> Result<(), TraceError> {
        let told = &mut self.told;
        let known = match event {
            Event::ClassDeclared { class, shape } => {
                told.shapes.push(shape.clone());
                class.index() + 1 == told.shapes.len() && !shape.groups.is_empty()
            }
            Event::TenantDeclared { tenant, name, parent, .. } => {
                told.tenants.push((name.clone(), *parent));
                tenant.index() + 1 == told.tenants.len() && parent.is_none_or(|parent| parent < *tenant)
            }
            Event::QueueDeclared { queue, name } => {
                told.queues.push(name.clone());
                queue.index() + 1 == told.queues.len()
            }
            Event::NameDeclared { name, text } => {
                told.names.push(text.clone());
                name.index() + 1 == told.names.len()
            }
            Event::NodeDown { node }
            | Event::NodeUp { node }
            | Event::NodeDrained { node }
            | Event::NodeResumed { node } => node.index() < told.inventory().nodes.len(),
            Event::TermsChanged { tenant, .. } => tenant.index() < told.tenants.len(),
            Event::Cancelled { job }
            | Event::JobHeld { job }
            | Event::JobReleased { job }
            | Event::PutFirst { job } => job.index() < told.jobs.len(),
            _ => true,
        };
        if known { Ok(()) } else { Err(self.fault(format!("`{event:?}` refers to what is not there"))) }
    }

    fn submitted(&mut self, at: Time, id: JobId, spec: &JobSpec, truth: Option<Span>) -> Result<(), TraceError> {
        let told = &mut self.told;
        if id.index() != told.jobs.len() {
            return Err(self.fault(Fault::JobOutOfOrder(id)));
        }
        let known = spec.class.index() < told.shapes.len()
            && spec.tenant.index() < told.tenants.len()
            && spec.queue.index() < told.queues.len()
            && spec.after.iter().all(|parent| *parent < id)
            && [spec.name, spec.qos].into_iter().flatten().all(|name| name.index() < told.names.len());
        if !known {
            return Err(self.fault(Fault::BadReference(id)));
        }
        self.last.push(None);
        told.jobs.push(RecordedJob {
            submit: at,
            spec: spec.clone(),
            truth,
            work: truth,
            done: Span::ZERO,
            first_launch: None,
            outcome: None,
            failures: Vec::new(),
        });
        Ok(())
    }

    /// The run, if it is the live one of its job.
    fn live(&mut self, id: RunId) -> Result<Option<&mut RecordedRun>, TraceError> {
        let Some(last) = self.last.get(id.job.index()) else {
            return Err(self.fault(Fault::UnknownJob(id.job)));
        };
        let run = last.and_then(|run| self.told.runs.get_mut(run));
        Ok(run.filter(|run| run.attempt == id.attempt && run.ended.is_none()))
    }

    fn saved(&mut self, at: Time, id: RunId, work: Span) -> Result<(), TraceError> {
        let Some(run) = self.live(id)? else { return Ok(()) };
        let more = work - run.saved;
        run.saved = run.saved.max(work);
        run.saves.push((at, work));
        // What is saved because of an order to stop says nothing of how often the job saves by itself.
        let unasked = run.stopped.is_none();
        if unasked && more > Span::ZERO {
            self.told.saves.push(more);
        }
        Ok(())
    }

    fn ended(&mut self, at: Time, id: RunId, exit: Exit, saved: Option<Span>) -> Result<(), TraceError> {
        let Some(run) = self.live(id)? else { return Ok(()) };
        run.ended = Some(at);
        run.saved = run.saved.max(saved.unwrap_or_default());
        let (mut done, unasked) = (run.done(at), run.stopped.is_none());
        if exit == Exit::Completed {
            // The world may know better when the work was done than when that was noticed.
            done = saved.filter(|saved| *saved > run.from).map_or(done, |saved| saved.min(done));
            run.completed = Some(done);
        }
        let job = &mut self.told.jobs[id.job.index()];
        match exit {
            Exit::Completed => {
                job.work = job.work.or(Some(done));
                job.done = done;
            }
            Exit::Failed(_) | Exit::Stopped if unasked => {
                let code = if let Exit::Failed(code) = exit { code } else { -1 };
                job.failures.push(Failure { after: done, code });
                job.done = done;
            }
            // It needs at least as much as it once did, whatever of it was lost.
            Exit::Failed(_) | Exit::Stopped => job.done = job.done.max(done),
        }
        Ok(())
    }

    fn order(&mut self, order: &Command) -> Result<(), TraceError> {
        let now = self.told.end;
        match order {
            Command::Launch { run, resume_from, .. } => {
                if run.job.index() >= self.last.len() {
                    return Err(self.fault(Fault::UnknownJob(run.job)));
                }
                self.launched(now, *run, *resume_from);
            }
            Command::Drain { run, .. } => self.stopped(now, *run, StopOrder::Drain)?,
            Command::Kill { run } => self.stopped(now, *run, StopOrder::Kill)?,
            Command::Close { job, outcome } => {
                let Some(closed) = self.told.jobs.get_mut(job.index()) else {
                    return Err(self.fault(Fault::UnknownJob(*job)));
                };
                closed.outcome = Some(*outcome);
            }
            Command::Alarm { .. } | Command::Wake { .. } => {}
        }
        Ok(())
    }

    fn launched(&mut self, now: Time, id: RunId, from: Span) {
        self.last[id.job.index()] = Some(self.told.runs.len());
        self.told.runs.push(RecordedRun {
            job: id.job,
            attempt: id.attempt,
            launched: now,
            from,
            started: None,
            rate: engine::Rate::FULL,
            stopped: None,
            killed: None,
            saves: Vec::new(),
            saved: from,
            completed: None,
            ended: None,
        });
        self.told.jobs[id.job.index()].first_launch.get_or_insert(now);
    }

    fn stopped(&mut self, now: Time, id: RunId, order: StopOrder) -> Result<(), TraceError> {
        if let Some(run) = self.live(id)? {
            run.stopped.get_or_insert((now, order));
            if order == StopOrder::Kill {
                run.killed.get_or_insert(now);
            }
        }
        Ok(())
    }
}

/// Whether a fact says which jobs are to be expected: the simulated world says so right after its first record.
fn is_mix(event: &Event) -> bool {
    matches!(event, Event::WorkloadDeclared { .. })
}

/// Whether a fact says what there is, not what happens.
fn is_declaration(event: &Event) -> bool {
    matches!(
        event,
        Event::ClassDeclared { .. }
            | Event::TenantDeclared { .. }
            | Event::QueueDeclared { .. }
            | Event::NameDeclared { .. }
            | Event::KindDeclared { .. }
            | Event::TermsChanged { .. }
            | Event::WorkloadDeclared { .. }
    )
}
