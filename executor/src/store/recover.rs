//! What a state folder holds: the snapshot to start from and the records since, each found sound.

use std::path::{Path, PathBuf};

use engine::journal::{Damage, Entry, Header, Reader};
use engine::snapshot;

use super::Position;
use super::disk::Disk;
use super::error::StoreError;
use super::folders::{Folders, Found};

/// Which snapshot to start from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// The newest, and no other.
    #[default]
    Newest,
    /// The one of this number; 1 is the start of the journal.
    Snapshot(u64),
}

/// What is to be replayed after a restart, or by who reads a journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Recovered {
    /// What the core knew at the start; `None`: nothing, it starts empty with the header of the first segment.
    pub snapshot: Option<Vec<u8>>,
    /// The journal since, in order. Empty in a new folder.
    pub segments: Vec<Segment>,
    /// What a person should know, though nothing acknowledged is lost.
    pub warnings: Vec<Warning>,
}

/// A part of the journal with a header of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// Its number, from 1.
    pub number: u64,
    /// What holds for its records. Where it differs from the segment before, the snapshot between them says with which
    /// state it begins.
    pub header: Header,
    /// Records in it.
    pub records: u64,
    path: PathBuf,
    bytes: Vec<u8>,
}

/// What was mended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// A server was stopped while it wrote; what it wrote last was never acknowledged.
    #[error(
        "{}: the last record ({record}, at byte {offset}) was not written to its end and never acknowledged; {bytes} bytes are cut off",
        path.display()
    )]
    TornTail {
        /// The segment.
        path: PathBuf,
        /// Number of the record.
        record: u64,
        /// Where it starts: the new length of the file.
        offset: usize,
        /// Bytes after that.
        bytes: usize,
    },
}

impl Recovered {
    /// Where the journal ends; `None` in a new folder.
    pub fn end(&self) -> Option<Position> {
        self.segments.last().map(|last| Position { segment: last.number, record: last.records })
    }
}

impl Segment {
    /// Its records in order, with their places. All were decoded once before, so an error says that memory failed.
    pub fn entries(&self) -> impl Iterator<Item = Result<(Position, Entry), StoreError>> {
        let mut reader = Reader::new(&self.bytes).map(|(_, reader)| reader);
        std::iter::from_fn(move || {
            let next = match &mut reader {
                Ok(reader) => {
                    let entry = reader.next_entry();
                    entry.map(|entry| entry.map(|entry| (self.at(reader.record()), entry)))
                }
                Err(damage) => Err(damage.clone()),
            };
            next.map_err(|damage| StoreError::Damaged { path: self.path.clone(), damage }).transpose()
        })
    }

    /// Its file as it was read, up to the last sound record.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn at(&self, record: u64) -> Position {
        Position { segment: self.number, record }
    }
}

/// Reads a state folder and changes nothing. A server may be writing there: then the last record can be torn.
pub fn read(disk: &impl Disk, folders: &Folders, start: Start) -> Result<Recovered, StoreError> {
    let found = folders.scan(disk)?;
    let newest = found.snapshots.last().copied().unwrap_or(1);
    if found.segments.is_empty() && found.snapshots.is_empty() {
        return Ok(Recovered { snapshot: None, segments: Vec::new(), warnings: Vec::new() });
    }
    let first = match start {
        Start::Newest => newest,
        Start::Snapshot(number) if number == 1 || found.snapshots.contains(&number) => number,
        Start::Snapshot(number) => {
            let known = std::iter::once(1).chain(found.snapshots).collect();
            return Err(StoreError::SnapshotUnknown { number, folder: folders.snapshots(), known });
        }
    };
    let last = found.segments.last().copied().unwrap_or(1).max(newest);
    let mut recovered = Recovered { snapshot: None, segments: Vec::new(), warnings: Vec::new() };
    if first > 1 {
        recovered.snapshot = Some(read_snapshot(disk, folders, &found, first)?);
    }
    for number in first..=last {
        let tail = if number == last { Tail::MayBeTorn } else { Tail::Whole };
        let (segment, warning) = read_segment(disk, folders, &found, number, tail)?;
        recovered.segments.push(segment);
        recovered.warnings.extend(warning);
    }
    Ok(recovered)
}

/// Reads one segment and the snapshot that it begins from, and changes nothing: what a replay of that segment alone needs.
pub fn read_one(disk: &impl Disk, folders: &Folders, number: u64) -> Result<Recovered, StoreError> {
    let found = folders.scan(disk)?;
    let tail = if found.segments.last() > Some(&number) { Tail::Whole } else { Tail::MayBeTorn };
    let (segment, warning) = read_segment(disk, folders, &found, number, tail)?;
    let snapshot = if number > 1 { Some(read_snapshot(disk, folders, &found, number)?) } else { None };
    Ok(Recovered { snapshot, segments: vec![segment], warnings: warning.into_iter().collect() })
}

fn read_snapshot(disk: &impl Disk, folders: &Folders, found: &Found, number: u64) -> Result<Vec<u8>, StoreError> {
    let path = folders.snapshot(number);
    let bytes = disk.read(&path).map_err(|source| StoreError::io("read", &path, source))?;
    match snapshot::check(&bytes) {
        Ok(()) => Ok(bytes),
        Err(source) => {
            let sound = earlier(disk, folders, found, number);
            Err(StoreError::SnapshotDamaged { path, source, sound })
        }
    }
}

/// The newest snapshot before `damaged` that is sound and whose journal since is sound too.
fn earlier(disk: &impl Disk, folders: &Folders, found: &Found, damaged: u64) -> Option<u64> {
    let is_sound =
        |number: u64| disk.read(&folders.snapshot(number)).is_ok_and(|bytes| snapshot::check(&bytes).is_ok());
    let before = found.snapshots.iter().rev().copied().filter(|number| *number < damaged);
    let first = before.filter(|number| is_sound(*number)).chain([1]).next()?;
    let replayable = (first..damaged).all(|number| read_segment(disk, folders, found, number, Tail::Whole).is_ok());
    replayable.then_some(first)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tail {
    Whole,
    MayBeTorn,
}

fn read_segment(
    disk: &impl Disk,
    folders: &Folders,
    found: &Found,
    number: u64,
    tail: Tail,
) -> Result<(Segment, Option<Warning>), StoreError> {
    let path = segment_path(folders, found, number)?;
    let mut bytes = disk.read(&path).map_err(|source| StoreError::io("read", &path, source))?;
    let damaged = |damage| match tail {
        Tail::Whole => StoreError::ArchiveDamaged { path: path.clone(), damage },
        Tail::MayBeTorn => StoreError::Damaged { path: path.clone(), damage },
    };
    let (header, mut reader) = Reader::new(&bytes).map_err(damaged)?;
    let torn = loop {
        match reader.next_entry() {
            Ok(Some(_)) => {}
            Ok(None) => break None,
            Err(damage) if tail == Tail::MayBeTorn && is_torn(&bytes, &damage) => break Some(reader.offset()),
            Err(damage) => return Err(damaged(damage)),
        }
    };
    // After a torn record the reader still counts those that it has read.
    let records = reader.record();
    let warning = torn.map(|offset| {
        let cut = bytes.len() - offset;
        Warning::TornTail { path: path.clone(), record: records + 1, offset, bytes: cut }
    });
    bytes.truncate(torn.unwrap_or(bytes.len()));
    Ok((Segment { number, header, records, path, bytes }, warning))
}

/// Where a segment is: a rotation that was cut short leaves it under the name that it had while it was made.
fn segment_path(folders: &Folders, found: &Found, number: u64) -> Result<PathBuf, StoreError> {
    if found.segments.contains(&number) {
        Ok(folders.segment(number))
    } else if found.new_segments.contains(&number) && found.snapshots.contains(&number) {
        Ok(folders.new_segment(number))
    } else {
        Err(StoreError::SegmentMissing { path: folders.segment(number) })
    }
}

/// Whether a writer was stopped there: the file ends within the record, or a power cut left its length and not all its
/// bytes, so that it is zeros from its start or from a sector in it to the end of the file.
///
/// No record begins with zeros: the checksum of its length is never 0. A record with a changed byte passes for a torn one
/// only if it has [`ZEROS_MIN`] zeros at its end, and those begin a sector: notes are text, and text has none.
fn is_torn(bytes: &[u8], damage: &Damage) -> bool {
    match damage {
        Damage::Truncated { .. } => true,
        Damage::Record { offset, .. } => {
            let zeros = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            let sector = zeros.next_multiple_of(SECTOR);
            let ends_in =
                |cut: &[u8]| matches!(damage_of(cut), Some(Damage::Truncated { offset: at, .. }) if at == *offset);
            zeros <= *offset || (sector + ZEROS_MIN <= bytes.len() && ends_in(&bytes[..sector]))
        }
        Damage::NotAJournal | Damage::Version { .. } => false,
    }
}

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;
const ZEROS_MIN: usize = 16;

fn damage_of(bytes: &[u8]) -> Option<Damage> {
    let (_, mut reader) = Reader::new(bytes).ok()?;
    loop {
        match reader.next_entry() {
            Ok(Some(_)) => {}
            Ok(None) => return None,
            Err(damage) => return Some(damage),
        }
    }
}

/// Reads a state folder of this machine without taking its lock.
pub fn read_local(state: &Path, start: Start) -> Result<Recovered, StoreError> {
    read(&super::LocalDisk, &Folders::of(state), start)
}
