//! Headers, entries and snapshots that say which they are.

use std::path::Path;

use engine::journal::{Entry, Header, VERSION};
use engine::{Event, Input, Inventory, Time};
use executor::store::{Disk, Recovered, Start, Store, StoreError, read};

pub(crate) const STATE: &str = "/state";

pub(crate) fn header(policy: &str) -> Header {
    Header {
        version: VERSION,
        trainyard_version: "0.0.0-test".to_owned(),
        policy: policy.to_owned(),
        estimates: false,
        seed: 0,
        inventory: Inventory::uniform(1, 1, "A100"),
        notes: Vec::new(),
    }
}

/// An entry that carries its number, and some bytes so that lengths differ.
pub(crate) fn entry(number: u64) -> Entry {
    let facts = vec![Input { at: Time(number), event: Event::Woke }];
    Entry { facts, orders: Vec::new(), notes: vec![vec![7; (number * 377 % 1001) as usize]] }
}

pub(crate) fn number_of(found: &Entry) -> u64 {
    let number = found.facts[0].at.0;
    assert_eq!(*found, entry(number));
    number
}

/// A sound snapshot whose content is how many entries came before it.
pub(crate) fn snapshot(entries: u64) -> Vec<u8> {
    let payload = entries.to_le_bytes();
    let mut bytes = b"TYS1".to_vec();
    bytes.extend(engine::snapshot::VERSION.to_le_bytes());
    bytes.extend((payload.len() as u64).to_le_bytes());
    bytes.extend(crc32fast::hash(&payload).to_le_bytes());
    bytes.extend(payload);
    bytes
}

pub(crate) fn entries_before(snapshot: &[u8]) -> u64 {
    u64::from_le_bytes(snapshot[snapshot.len() - 8..].try_into().unwrap())
}

/// All entries from the very first one to the end, where a restart finds `recovered`: it must continue what a replay from
/// the start of the journal gives.
pub(crate) fn history(disk: &impl Disk, state: &Path, recovered: &Recovered) -> Vec<u64> {
    let all = numbers(&read(disk, &executor::store::Folders::of(state), Start::Snapshot(1)).unwrap());
    let before = recovered.snapshot.as_deref().map_or(0, entries_before) as usize;
    assert_eq!(all[before..], numbers(recovered));
    all
}

pub(crate) fn numbers(recovered: &Recovered) -> Vec<u64> {
    let segments = recovered.segments.iter();
    let entries = segments.flat_map(|segment| {
        let entries: Vec<_> = segment.entries().map(Result::unwrap).collect();
        assert_eq!(entries.len() as u64, segment.records);
        for (at, (position, _)) in entries.iter().enumerate() {
            assert_eq!((position.segment, position.record), (segment.number, at as u64 + 1));
        }
        entries
    });
    entries.map(|(_, entry)| number_of(&entry)).collect()
}

/// Appends and commits one entry.
pub(crate) fn acknowledge<D: Disk>(store: &mut Store<D>, number: u64) -> Result<(), StoreError> {
    store.append(&entry(number))?;
    store.commit().map(drop)
}
