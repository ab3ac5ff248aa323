//! Who writes down what each batch changed, tells those who follow, and begins a new segment when it is time.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;

use engine::journal::{Entry, Header};
use engine::{Command, Core, Event, Input, JobId};

use super::ServeError;
use super::recovery::beside;
use super::rows::Rows;
use crate::diary;
use crate::handle::{Change, Handle};
use crate::ledger::{Audience, Durable};
use crate::metrics::{Meter, Metrics};
use crate::note::Note;
use crate::store::records::{Projected, Writer};
use crate::store::{Store, StoreError};
use crate::view;
use crate::world::Shared;

impl Durable for Rc<RefCell<Store>> {
    type Error = StoreError;

    fn append(&mut self, entry: &Entry) -> Result<(), StoreError> {
        self.borrow_mut().append(entry).map(drop)
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.borrow_mut().commit().map(drop)
    }

    fn bytes(&self) -> u64 {
        self.borrow().bytes()
    }
}

/// The clerk of a server.
pub(super) struct Clerk {
    store: Rc<RefCell<Store>>,
    records: Writer,
    handle: Handle,
    meter: Meter,
    header: Header,
    segment_bytes_max: u64,
    origin_us: u64,
    /// The records cannot be written any more; the journal can.
    records_failed: Option<String>,
}

impl Clerk {
    pub(super) fn new(
        store: Rc<RefCell<Store>>,
        records: Writer,
        handle: Handle,
        meter: Meter,
        header: Header,
        segment_bytes_max: u64,
        origin_us: u64,
    ) -> Self {
        handle.metrics().watch_backlog(records.waiting());
        Self { store, records, handle, meter, header, segment_bytes_max, origin_us, records_failed: None }
    }

    pub(super) fn metrics(&self) -> &Arc<Metrics> {
        self.handle.metrics()
    }

    /// Brings everything to the disk at the end of a server.
    pub(super) fn close(&mut self) -> Result<(), ServeError> {
        self.store.borrow_mut().commit()?;
        if self.records_failed.is_none() {
            self.records.sync().map_err(|error| ServeError::Records(error.to_string()))?;
        }
        Ok(())
    }

    /// Begins a new segment with a snapshot once the present one is long. The orders have not set their timers yet.
    fn rotate(&mut self, core: &Core, shared: &Shared, commands: &[Command]) {
        if self.store.borrow().segment_bytes() < self.segment_bytes_max {
            return;
        }
        // The records may not fall behind the snapshot from which the next server starts.
        if self.records_failed.is_none()
            && let Err(error) = self.records.sync()
        {
            self.records_failed = Some(error.to_string());
        }
        let mut timers = shared.timers.clone();
        for command in commands {
            timers.follow(command);
        }
        let snapshot = core.snapshot(&beside(&shared.book, &timers));
        // A store that cannot begin a segment goes on with the old one, or fails at the next record, which ends the server.
        let begun = self.store.borrow_mut().rotate(&snapshot, &self.header);
        match begun {
            Ok(segment) => {
                self.handle.metrics().snapshot_at(SystemTime::now());
                let bytes = snapshot.len() as u64;
                tracing::info!(target: "trainyard::journal", segment, bytes, "the journal goes on in a new segment, with a snapshot");
            }
            Err(error) => {
                let error = error.to_string();
                tracing::error!(target: "trainyard::journal", error, "no snapshot could be written");
            }
        }
    }

    fn project(&mut self, core: &Core, shared: &Shared, batch: &[Input]) {
        if self.records_failed.is_some() {
            return;
        }
        let notes: &[Note] = &shared.open.notes;
        let rows = Rows::of(core, &shared.book, batch, notes, self.origin_us);
        let position = self.store.borrow().position();
        if let Err(error) = self.records.send(Projected { position, rows }) {
            // What people query is not the truth: scheduling goes on, and the next start makes the records whole.
            let error = error.to_string();
            tracing::error!(target: "trainyard::records", error, "the records are not written any more; start the server again");
            self.records_failed = Some(error);
        }
    }

    fn tell(&self, core: &Core, batch: &[Input]) {
        let state = core.state();
        let changed: BTreeSet<JobId> = state.changed_in_step().iter().copied().collect();
        for job in changed {
            self.handle.tell(Change::Job { job, state: view::state_word(state.job(job).phase) });
        }
        for input in batch {
            if let Event::NodeDown { node }
            | Event::NodeUp { node }
            | Event::NodeDrained { node }
            | Event::NodeResumed { node } = input.event
            {
                let name = state.cluster().spec(node).name.clone();
                self.handle.tell(Change::Node { node: name, state: view::node_word(state.cluster().state(node)) });
            }
        }
    }
}

impl Audience for Clerk {
    fn told(&mut self, core: &Core, shared: &Shared, batch: &[Input], commands: &[Command]) {
        if batch.is_empty() && shared.open.notes.is_empty() && commands.is_empty() {
            return;
        }
        self.meter.told(core, shared, batch, commands);
        diary::told(core, shared, batch, commands);
        self.project(core, shared, batch);
        self.tell(core, batch);
        self.rotate(core, shared, commands);
    }
}
