//! Reservations, in the order of the queue, and the form in which the engine keeps them.

use engine::{Draft, JobId, NodeId, Span, Time};

use super::profile::{Nodes, Plan};

/// A promise to a waiting job: it starts at this time at the latest, on these nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reservation {
    pub(super) job: JobId,
    /// Place in the queue.
    pub(super) rank: u64,
    /// How long it will hold its GPUs.
    pub(super) span: Span,
    /// Where and when; [`Time::NEVER`] and no nodes where no time is known.
    pub(super) plan: Plan,
}

impl Reservation {
    pub(super) fn place(&self) -> (u64, JobId) {
        (self.rank, self.job)
    }
}

/// All reservations.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) entries: Vec<Reservation>,
    changed: bool,
}

impl Book {
    pub(super) fn insert(&mut self, entry: Reservation) {
        let at = self.entries.partition_point(|other| other.place() < entry.place());
        self.entries.insert(at, entry);
        self.changed = true;
    }

    pub(super) fn remove(&mut self, at: usize) -> Reservation {
        self.changed = true;
        self.entries.remove(at)
    }

    pub(super) fn set_plan(&mut self, at: usize, plan: Plan) {
        self.entries[at].plan = plan;
        self.changed = true;
    }

    /// What the engine keeps is to be written anew.
    pub(super) fn touch(&mut self) {
        self.changed = true;
    }

    /// Of a job.
    pub(super) fn find(&self, job: JobId) -> Option<usize> {
        self.entries.iter().position(|entry| entry.job == job)
    }

    /// Reads what the engine keeps: job, rank, span, start, number of nodes, the nodes.
    pub(super) fn read(draft: &Draft<'_>) -> Self {
        let mut words = draft.state().board().iter().copied();
        let mut book = Self::default();
        while let (Some(job), Some(rank), Some(span), Some(start), Some(count)) =
            (words.next(), words.next(), words.next(), words.next(), words.next())
        {
            let nodes: Nodes = words.by_ref().take(count as usize).map(|node| NodeId::new(node as usize)).collect();
            let plan = Plan { start: Time(start), nodes };
            book.entries.push(Reservation { job: JobId::new(job as usize), rank, span: Span(span), plan });
        }
        book
    }

    /// Writes them down, if anything has changed.
    pub(super) fn write(&mut self, draft: &mut Draft<'_>) {
        if !std::mem::take(&mut self.changed) {
            return;
        }
        let board = draft.board();
        board.clear();
        for Reservation { job, rank, span, plan } in &self.entries {
            board.extend([u64::from(job.0), *rank, span.0, plan.start.0, plan.nodes.len() as u64]);
            board.extend(plan.nodes.iter().map(|node| u64::from(node.0)));
        }
    }
}
