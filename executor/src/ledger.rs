//! The journal of a live world, and those who wait until something is in it.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::journal::Entry;
use engine::{Command, Core, Fault, Input, Record, Watch};

use crate::metrics::Metrics;
use crate::note::Note;
use crate::world::Shared;

/// A commit that takes longer is worth a line in the log.
const SLOW: Duration = Duration::from_millis(500);

/// Why a live world had to stop.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// Facts contradict the state: a defect of ours.
    #[error("facts contradict the state: {0}")]
    Fault(#[from] Fault),
    /// The journal cannot be written.
    #[error("{0}")]
    Journal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Where entries become durable.
pub trait Durable {
    /// Why it can fail.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Adds an entry; it need not be durable yet.
    fn append(&mut self, entry: &Entry) -> Result<(), Self::Error>;

    /// Makes all entries durable.
    fn commit(&mut self) -> Result<(), Self::Error>;

    /// Bytes that were committed so far, where somebody counts them.
    fn bytes(&self) -> u64 {
        0
    }
}

/// Writes what happens to a journal. Before an order is carried out or anybody is answered, all that led to it is durable.
#[derive(Debug)]
pub struct Ledger<D> {
    journal: D,
    shared: Rc<RefCell<Shared>>,
    facts: Vec<Input>,
    metrics: Arc<Metrics>,
    /// When the core got the facts.
    begun: Option<Instant>,
}

impl<D: Durable> Ledger<D> {
    /// Writes to `journal`.
    pub fn new(journal: D, shared: Rc<RefCell<Shared>>) -> Self {
        Self { journal, shared, facts: Vec::new(), metrics: Arc::default(), begun: None }
    }

    /// Adds what it measures to `metrics`.
    #[must_use]
    pub fn with_metrics(mut self, metrics: &Arc<Metrics>) -> Self {
        self.metrics = Arc::clone(metrics);
        self
    }

    /// The journal.
    pub fn journal(&mut self) -> &mut D {
        &mut self.journal
    }

    fn commit(&mut self) -> Result<(), D::Error> {
        let (begun, before) = (Instant::now(), self.journal.bytes());
        self.journal.commit()?;
        let (took, bytes) = (begun.elapsed(), self.journal.bytes().saturating_sub(before));
        self.metrics.commit_seconds.observe(took.as_secs_f64());
        self.metrics.journal_bytes.inc_by(bytes);
        if took > SLOW {
            let ms = took.as_millis() as u64;
            tracing::warn!(target: "trainyard::journal", ms, bytes, "the disk is slow: a commit of the journal took long");
        }
        Ok(())
    }
}

impl<D: Durable> Record for Ledger<D> {
    type Error = LiveError;

    fn facts(&mut self, batch: &[Input]) -> Result<(), LiveError> {
        self.facts.clear();
        self.facts.extend_from_slice(batch);
        self.begun = Some(Instant::now()).filter(|_| !batch.is_empty());
        Ok(())
    }

    fn orders(&mut self, commands: &[Command]) -> Result<(), LiveError> {
        if let Some(begun) = self.begun.take() {
            self.metrics.step_seconds.observe(begun.elapsed().as_secs_f64());
        }
        let failed = |error: D::Error| LiveError::Journal(Box::new(error));
        let shared = self.shared.borrow();
        let notes: Vec<Vec<u8>> = shared.open.notes.iter().map(Note::bytes).collect();
        if self.facts.is_empty() && notes.is_empty() && commands.is_empty() {
            return Ok(());
        }
        let entry = Entry { facts: std::mem::take(&mut self.facts), orders: commands.to_vec(), notes };
        self.journal.append(&entry).map_err(failed)?;
        self.facts = entry.facts;
        if commands.is_empty() && shared.open.answers.is_empty() {
            return Ok(());
        }
        drop(shared);
        self.commit().map_err(failed)
    }
}

/// Who is told of each batch when it is durable: records, metrics, people who follow.
pub trait Audience {
    /// A batch was taken; its orders are not yet carried out.
    fn told(&mut self, core: &Core, shared: &Shared, batch: &[Input], commands: &[Command]);
}

impl Audience for () {
    fn told(&mut self, _: &Core, _: &Shared, _: &[Input], _: &[Command]) {}
}

/// Answers those who wait and lets those look who asked to, once the batch is durable.
#[derive(Debug)]
pub struct Desk<A> {
    shared: Rc<RefCell<Shared>>,
    audience: A,
}

impl<A: Audience> Desk<A> {
    /// Tells `audience` too.
    pub fn new(shared: Rc<RefCell<Shared>>, audience: A) -> Self {
        Self { shared, audience }
    }

    /// Who is told.
    pub fn audience(&mut self) -> &mut A {
        &mut self.audience
    }
}

impl<A: Audience> Watch for Desk<A> {
    fn after(&mut self, core: &Core, batch: &[Input], commands: &[Command]) {
        self.audience.told(core, &self.shared.borrow(), batch, commands);
        let open = std::mem::take(&mut self.shared.borrow_mut().open);
        for (answer, done) in open.answers {
            answer(done);
        }
        let shared = self.shared.borrow();
        for look in open.looks {
            look(core, &shared.book);
        }
    }
}
