//! What a server knew before it ended, from snapshot and journal: every recorded order is decided again and compared.

use engine::journal::Header;
use engine::snapshot::SnapshotError;
use engine::{Core, Event};
use serde::{Deserialize, Serialize};

use super::rows::Rows;
use super::{ServeError, Setup, cluster, context};
use crate::book::Book;
use crate::machine::Machines;
use crate::note::Note;
use crate::store::records::{Projected, Records, Writer};
use crate::store::{Position, Recovered, Segment, Start, Store, read_local};
use crate::timers::Timers;
use crate::world::Shared;

/// Records that may wait for the thread that writes them.
const WAITING_MAX: usize = 1024;

/// A server that has read its state back.
pub(super) struct Recovery {
    pub(super) core: Core,
    pub(super) shared: Shared,
    pub(super) store: Store,
    pub(super) records: Writer,
    pub(super) origin_us: u64,
    pub(super) header: Header,
    pub(super) warnings: Vec<String>,
    /// What there is, under the numbers that the journal knows.
    pub(super) machines: Machines,
    /// What has changed about the cluster since the last server.
    pub(super) changes: (Vec<Event>, Vec<Note>),
}

/// What goes into a snapshot beside the core.
#[derive(Serialize, Deserialize)]
struct Beside {
    book: Book,
    timers: Timers,
}

/// The bytes that go into a snapshot beside the core.
pub(super) fn beside(book: &Book, timers: &Timers) -> Vec<u8> {
    #[derive(Serialize)]
    struct BesideRef<'a> {
        book: &'a Book,
        timers: &'a Timers,
    }
    // Plain data with text keys always has a JSON form.
    serde_json::to_vec(&BesideRef { book, timers }).unwrap_or_default()
}

/// Reads the state back. A policy or a version that changed takes over from here on, in a segment of its own.
pub(super) fn recover(setup: &Setup, mut header: Header) -> Result<Recovery, ServeError> {
    let (mut store, recovered) = Store::open(&setup.state, &header, setup.start)?;
    let mut warnings: Vec<String> = recovered.warnings.iter().map(ToString::to_string).collect();
    let end = recovered.end().unwrap_or(Position::START);
    let unusable = |error: crate::store::records::RecordsError| ServeError::Records(error.to_string());
    let (records, notices) = Records::open(&store.folders().records(), end).map_err(unusable)?;
    warnings.extend(notices.iter().map(ToString::to_string));
    let recovered = match recovered.segments.first() {
        // The records know less than the snapshot: they are made anew from the whole journal.
        Some(first) if first.number > 1 && records.watermark() < begin(first) => {
            read_local(&setup.state, Start::Snapshot(1))?
        }
        _ => recovered,
    };
    let mut machines = setup.machines.clone();
    let mut before = machines.inventory.clone();
    if let Some(last) = recovered.segments.last() {
        machines = cluster::continued(&last.header.inventory, &machines)
            .map_err(|message| ServeError::ClusterChanged { state: setup.state.clone(), message })?;
        header.inventory = machines.inventory.clone();
        before = last.header.inventory.clone();
        store.compare(&last.header, &header);
        keep_origin(&mut header, &last.header);
    }
    let origin_us = origin_us(&header);
    let records = Writer::start(records, WAITING_MAX).map_err(unusable)?;
    let (core, shared) = replay(setup, &recovered, &header, &records, origin_us)?;
    let restarted = matches!(setup.start, Start::Snapshot(_));
    let (core, shared) = if store.changed().is_empty() && !restarted {
        (core, shared)
    } else {
        if !store.changed().is_empty() {
            warnings.push(format!("from here on another {}", store.changed().join(", another ")));
        }
        records.sync().map_err(unusable)?;
        let snapshot = core.snapshot(&beside(&shared.book, &shared.timers));
        // Before anything is written: what the new header says may not be possible.
        let restored = restore(setup, &header, &snapshot)?;
        store.rotate(&snapshot, &header)?;
        restored
    };
    let changes = cluster::changes(&core, &before, &setup.machines.inventory);
    Ok(Recovery { core, shared, store, records, origin_us, header, warnings, machines, changes })
}

fn begin(segment: &Segment) -> Position {
    Position { segment: segment.number, record: 0 }
}

fn keep_origin(header: &mut Header, before: &Header) {
    let origin = before.notes.iter().find(|(key, _)| key == "origin_us").cloned();
    if let Some(origin) = origin {
        header.notes.retain(|(key, _)| key != "origin_us");
        header.notes.push(origin);
    }
}

fn origin_us(header: &Header) -> u64 {
    let origin = header.notes.iter().find(|(key, _)| key == "origin_us");
    origin.and_then(|(_, value)| value.parse().ok()).unwrap_or_default()
}

fn policy(header: &Header) -> Result<Box<dyn engine::Policy>, ServeError> {
    let built = policies::build(&header.policy, context(header.seed));
    Ok(built.map_err(|error| ServeError::Policy(error.to_string()))?.policy)
}

fn restore(setup: &Setup, header: &Header, snapshot: &[u8]) -> Result<(Core, Shared), ServeError> {
    let (core, beside) = restored(setup, header, snapshot)?;
    let Beside { book, timers } = serde_json::from_slice(&beside).map_err(|error| ServeError::Unreadable {
        state: setup.state.clone(),
        what: "the snapshot".to_owned(),
        message: error.to_string(),
    })?;
    Ok((core, Shared { book, timers, ..Shared::default() }))
}

/// A core with policy and cluster of this header.
fn restored(setup: &Setup, header: &Header, snapshot: &[u8]) -> Result<(Core, Vec<u8>), ServeError> {
    Core::restore_on(snapshot, &header.inventory, policy(header)?).map_err(|source| match source {
        SnapshotError::Held => ServeError::ClusterChanged {
            state: setup.state.clone(),
            message: "jobs that run hold GPUs, cores or memory that are not there any more".to_owned(),
        },
        source => ServeError::Snapshot { state: setup.state.clone(), source },
    })
}

fn replay(
    setup: &Setup,
    recovered: &Recovered,
    header: &Header,
    records: &Writer,
    origin_us: u64,
) -> Result<(Core, Shared), ServeError> {
    let first = recovered.segments.first().map_or(header, |segment| &segment.header);
    let (mut core, mut shared) = match &recovered.snapshot {
        Some(snapshot) => restore(setup, first, snapshot)?,
        None => (Core::new(first.inventory.clone(), policy(first)?), Shared::default()),
    };
    for (at, segment) in recovered.segments.iter().enumerate() {
        if at > 0 {
            // The server that began this segment went on from a snapshot, with the policy of its header.
            (core, _) = restored(setup, &segment.header, &core.snapshot(&[]))?;
        }
        replay_segment(setup, segment, &mut core, &mut shared, records, origin_us)?;
    }
    Ok((core, shared))
}

fn replay_segment(
    setup: &Setup,
    segment: &Segment,
    core: &mut Core,
    shared: &mut Shared,
    records: &Writer,
    origin_us: u64,
) -> Result<(), ServeError> {
    // What is on record need not be made again.
    let recorded = records.watermark();
    let mut orders = Vec::new();
    for entry in segment.entries() {
        let (position, entry) = entry?;
        let notes = notes(setup, position, &entry.notes)?;
        orders.clear();
        core.step(&entry.facts, &mut orders).map_err(crate::ledger::LiveError::Fault)?;
        if orders != entry.orders {
            return Err(ServeError::Diverged(position));
        }
        shared.replay(&entry, &notes);
        if position <= recorded {
            continue;
        }
        let rows = Rows::of(core, &shared.book, &entry.facts, &notes, origin_us);
        records.send(Projected { position, rows }).map_err(|error| ServeError::Records(error.to_string()))?;
    }
    Ok(())
}

fn notes(setup: &Setup, position: Position, bytes: &[Vec<u8>]) -> Result<Vec<Note>, ServeError> {
    let read = |bytes: &Vec<u8>| {
        Note::read(bytes).map_err(|error| ServeError::Unreadable {
            state: setup.state.clone(),
            what: format!("a note in record {} of segment {}", position.record, position.segment),
            message: error.to_string(),
        })
    };
    bytes.iter().map(read).collect()
}
