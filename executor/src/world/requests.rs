//! What people ask for becomes facts, or is refused. Both are written down.

use engine::{Event, Input, JobId, NodeId, RunId, Time};

use super::{Checkpoint, Inbox, LiveWorld};
use crate::job_file::JobFile;
use crate::launcher::Launcher;
use crate::note::{Audit, Note};
use crate::submission::{Refused, submission, tenant_of};

/// Something that changes the state, and who wants it.
pub struct Request {
    /// What.
    pub wish: Wish,
    /// Who, from where, for the audit log; verb, subject and outcome are filled in here.
    pub audit: Audit,
    /// Called when it is on disk, or refused.
    pub answer: Answer,
}

/// Who waits for an answer.
pub type Answer = Box<dyn FnOnce(Done) + Send>;

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request").field("wish", &self.wish).field("audit", &self.audit).finish_non_exhaustive()
    }
}

/// What somebody wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    /// A job.
    Submit {
        /// As its owner wrote it, with tenant and working directory filled in.
        file: Box<JobFile>,
        /// A second submission of the same owner with this key is the first.
        key: Option<String>,
        /// The user of the machine that it runs as; none: that of the server.
        user: Option<String>,
    },
    /// The end of a job.
    Cancel(JobId),
    /// A job stays out of the queue; a live run is stopped.
    Hold {
        /// The job.
        job: JobId,
        /// Why; empty where nobody said so.
        reason: String,
    },
    /// A held job goes back to the queue.
    Release(JobId),
    /// A job goes before all others in the order of the policy.
    PutFirst(JobId),
    /// The run of a job is stopped, and the job goes back to the queue. That is no failure of it.
    Requeue(JobId),
    /// A job has saved all its work.
    Saved {
        /// The run that says so.
        run: RunId,
        /// Where the checkpoint is; empty where it does not say.
        checkpoint: String,
    },
    /// A node empties.
    Drain {
        /// The node.
        node: NodeId,
        /// Why.
        reason: String,
    },
    /// A node takes work again.
    Resume(NodeId),
    /// Nothing: a refusal that the API gave is written down.
    Refusal,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Done {
    /// A job has this number.
    Job(JobId),
    /// The job was submitted before, with the same key.
    Again(JobId),
    /// It was done.
    Done,
    /// A job file is wrong.
    Refused(Refused),
    /// There is no such job or node.
    Unknown(String),
    /// So many jobs wait and run already.
    QueueFull {
        /// Of this tenant; none: of all together.
        tenant: Option<String>,
        /// As many as may.
        jobs_max: u32,
    },
}

impl Wish {
    fn verb(&self) -> &'static str {
        match self {
            Self::Submit { .. } => "job.submit",
            Self::Cancel(_) => "job.cancel",
            Self::Hold { .. } => "job.hold",
            Self::Release(_) => "job.release",
            Self::PutFirst(_) => "job.top-priority",
            Self::Requeue(_) => "job.requeue",
            Self::Saved { .. } => "job.saved",
            Self::Drain { .. } => "node.drain",
            Self::Resume(_) => "node.resume",
            Self::Refusal => "",
        }
    }
}

impl<I: Inbox, L: Launcher> LiveWorld<I, L> {
    pub(super) fn request(&mut self, now: Time, request: Request, batch: &mut Vec<Input>) {
        let Request { wish, mut audit, answer } = request;
        if wish != Wish::Refusal {
            wish.verb().clone_into(&mut audit.verb);
        }
        // What a submission declares the book has learned already.
        let done = self.wish(now, wish, &mut audit, batch);
        match &done {
            Done::Job(job) | Done::Again(job) => audit.subject = format!("job {}", job.0),
            Done::Refused(refused) => (audit.outcome, audit.detail) = ("refused".to_owned(), refused.to_string()),
            Done::Unknown(what) => (audit.outcome, audit.detail) = ("unknown".to_owned(), what.clone()),
            Done::QueueFull { .. } => "queue-full".clone_into(&mut audit.outcome),
            Done::Done => {}
        }
        if audit.outcome.is_empty() {
            "done".clone_into(&mut audit.outcome);
        }
        self.note(Note::Audit(audit));
        self.shared.borrow_mut().open.answers.push((answer, done));
    }

    fn wish(&mut self, now: Time, wish: Wish, audit: &mut Audit, batch: &mut Vec<Input>) -> Done {
        let event = match wish {
            Wish::Submit { file, key, user } => return self.submit(now, *file, (key, user), audit, batch),
            Wish::Refusal => return Done::Done,
            Wish::Saved { run, checkpoint } => {
                audit.subject = format!("job {}", run.job.0);
                match self.saved(now, run, Checkpoint { name: checkpoint, seen: None }) {
                    Some(event) => event,
                    None => return Done::Unknown(format!("job {} has no such run that makes progress", run.job.0)),
                }
            }
            Wish::Requeue(job) => {
                audit.subject = format!("job {}", job.0);
                if !self.live.contains_key(&job) {
                    return Done::Unknown(format!("job {} has no run", job.0));
                }
                // Held and released: the run ends, and the job waits for another.
                batch.push(Input { at: now, event: Event::JobHeld { job } });
                Event::JobReleased { job }
            }
            Wish::Cancel(job) | Wish::Hold { job, .. } | Wish::Release(job) | Wish::PutFirst(job) => {
                audit.subject = format!("job {}", job.0);
                if job.index() >= self.shared.borrow().book.len() {
                    return Done::Unknown(format!("there is no job {}", job.0));
                }
                match wish {
                    Wish::Cancel(_) => Event::Cancelled { job },
                    Wish::Hold { reason, .. } => {
                        audit.detail.clone_from(&reason);
                        self.note(Note::Held { job, by: audit.who.clone(), reason });
                        Event::JobHeld { job }
                    }
                    Wish::PutFirst(_) => Event::PutFirst { job },
                    _ => Event::JobReleased { job },
                }
            }
            Wish::Drain { node, .. } | Wish::Resume(node) => {
                let Some(spec) = self.inventory.nodes.get(node.index()) else {
                    return Done::Unknown(format!("there is no node {}", node.0));
                };
                audit.subject = format!("node {}", spec.name);
                if let Wish::Drain { reason, .. } = wish {
                    audit.detail.clone_from(&reason);
                    self.note(Note::Drained { node: spec.name.clone(), by: audit.who.clone(), reason });
                    Event::NodeDrained { node }
                } else {
                    Event::NodeResumed { node }
                }
            }
        };
        batch.push(Input { at: now, event });
        Done::Done
    }

    fn submit(
        &mut self,
        now: Time,
        file: JobFile,
        (key, user): (Option<String>, Option<String>),
        audit: &Audit,
        batch: &mut Vec<Input>,
    ) -> Done {
        let mut shared = self.shared.borrow_mut();
        if let Some(job) = key.as_deref().and_then(|key| shared.book.keyed(&audit.who, key)) {
            return Done::Again(job);
        }
        let tenant = tenant_of(&file).to_owned();
        if let Some(full) = self.backlog.full(&tenant, self.backlog_max) {
            return full;
        }
        let job = JobId::new(shared.book.len());
        match submission(&file, job, &self.inventory, self.defaults, &mut shared.book) {
            Err(refused) => Done::Refused(refused),
            Ok(events) => {
                batch.extend(events.into_iter().map(|event| Input { at: now, event }));
                drop(shared);
                self.backlog.add(&tenant);
                self.note(Note::Job { job, file: Box::new(file), owner: audit.who.clone(), key, user });
                Done::Job(job)
            }
        }
    }
}
