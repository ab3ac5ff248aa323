//! The durable store: the journal is the truth, snapshots bound the time of a restart, records are for questions.
//!
//! ```text
//!   append ──▶ memory ──commit: write, sync──▶ journal/000001.tyj ... 000007.tyj ◀── verify, what-if
//!                                                                     ▲
//!   rotate ──▶ snapshot/000007.tys: the state before its first record ┘
//!   Projected rows ──▶ Writer ──▶ records.sqlite ──▶ Reader ──▶ queue, info, usage, audit
//! ```
//!
//! A rotation is three steps, each synced: the next segment with its header under a name that ends in `.new`; the
//! snapshot, which is the point of no return; the segment gets its name. [`Store::open`] finishes or undoes one that was cut
//! short. So a snapshot without its segment is never the work of a crash, and is refused.
//!
//! Old segments and snapshots stay: they are what `verify` and `what-if` read. To move old ones away, move all of the
//! numbers below the newest snapshot.

use std::path::Path;

use engine::journal::{Entry, Header, Writer};
use engine::snapshot;

pub mod disk;
pub mod error;
pub mod folders;
pub mod lock;
pub mod records;
pub mod recover;
mod segment;

pub use self::disk::{Disk, LocalDisk};
pub use self::error::StoreError;
pub use self::folders::Folders;
pub use self::lock::ServerLock;
pub use self::recover::{Recovered, Segment, Start, Warning, read, read_local, read_one};
use self::segment::OpenSegment;

/// A place in the journal: after a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Position {
    /// Number of the segment, from 1.
    pub segment: u64,
    /// Number of the record in it, from 1; 0: before the first.
    pub record: u64,
}

impl Position {
    /// Before the very first record.
    pub const START: Self = Self { segment: 0, record: 0 };
}

/// The journal and the snapshots of one server.
#[derive(Debug)]
pub struct Store<D: Disk = LocalDisk> {
    disk: D,
    folders: Folders,
    segment: OpenSegment<D>,
    changed: Vec<&'static str>,
    /// Bytes of the segments before this one that were written since the start.
    bytes_before: u64,
    lock: Option<ServerLock>,
}

impl Store {
    /// Opens the state folder, or makes it, and gives what is to be replayed.
    ///
    /// Where `header` differs from that of the last segment (another policy, another version), [`Store::rotate`] must come
    /// before the first record: see [`Store::changed`].
    pub fn open(state: &Path, header: &Header, start: Start) -> Result<(Self, Recovered), StoreError> {
        make_folder(&LocalDisk, state)?;
        let lock = ServerLock::take(&Folders::of(state).lock())?;
        let (mut store, recovered) = Self::open_on(LocalDisk, state, header, start)?;
        store.lock = Some(lock);
        Ok((store, recovered))
    }
}

impl<D: Disk> Store<D> {
    /// [`Store::open`] on any disk, without a lock.
    pub fn open_on(disk: D, state: &Path, header: &Header, start: Start) -> Result<(Self, Recovered), StoreError> {
        let folders = Folders::of(state);
        for folder in [folders.state(), &folders.journal(), &folders.snapshots()] {
            make_folder(&disk, folder)?;
        }
        settle_rotation(&disk, &folders)?;
        // The server before may have been killed after it made the folders and before it synced their names.
        sync_folder(&disk, folders.state())?;
        let recovered = read(&disk, &folders, start)?;
        let (segment, changed) = match recovered.segments.last() {
            Some(last) => (reopen(&disk, &folders, last)?, differences(&last.header, header)),
            None => (begin(&disk, &folders, header)?, Vec::new()),
        };
        Ok((Self { disk, folders, segment, changed, bytes_before: 0, lock: None }, recovered))
    }

    /// Fields in which the header of this server differs from that of the last segment.
    pub fn changed(&self) -> &[&'static str] {
        &self.changed
    }

    /// Finds anew in which fields the header that is to come differs from that of the last segment.
    pub fn compare(&mut self, last: &Header, header: &Header) {
        self.changed = differences(last, header);
    }

    /// Names of the files.
    pub fn folders(&self) -> &Folders {
        &self.folders
    }

    /// After the last record, also of those that wait for [`Store::commit`].
    pub fn position(&self) -> Position {
        Position { segment: self.segment.number, record: self.segment.records }
    }

    /// Bytes of the present segment on the disk: when there are many, it is time for [`Store::rotate`].
    pub fn segment_bytes(&self) -> u64 {
        self.segment.synced_bytes()
    }

    /// Bytes of all segments that this store has had open: it only grows.
    pub fn bytes(&self) -> u64 {
        self.bytes_before + self.segment.synced_bytes()
    }

    /// Gathers one record; it is not on the disk before [`Store::commit`].
    pub fn append(&mut self, entry: &Entry) -> Result<Position, StoreError> {
        if !self.changed.is_empty() {
            return Err(StoreError::HeaderChanged { fields: self.changed.clone() });
        }
        self.segment.append(entry)?;
        Ok(self.position())
    }

    /// Brings all that was gathered to the disk with one write and one sync. Only then may anybody be told of it.
    ///
    /// After a failure every later call fails.
    pub fn commit(&mut self) -> Result<Position, StoreError> {
        self.segment.commit(&self.disk)?;
        Ok(self.position())
    }

    /// Begins a new segment, with a snapshot of what the core knows after all records so far. Gives its number.
    ///
    /// When the snapshot cannot be written, the store goes on as before: the error is worth a warning, not an end.
    pub fn rotate(&mut self, snapshot: &[u8], header: &Header) -> Result<u64, StoreError> {
        self.commit()?;
        let number = self.segment.number + 1;
        let (file, bytes) = match self.prepare(number, snapshot, header) {
            Ok(prepared) => prepared,
            Err(error) => {
                // What is left over is overwritten by the next rotation, or removed by the next start.
                let _ = self.disk.remove(&self.folders.new_segment(number));
                let _ = self.disk.remove(&self.folders.new_snapshot(number));
                return Err(error);
            }
        };
        if let Err(error) = self.publish(number) {
            // Whether the snapshot has its name is unknown, so nothing may be added to the old segment.
            self.segment.poison(&error.to_string());
            return Err(error);
        }
        self.bytes_before = self.bytes();
        self.segment = OpenSegment::new(number, self.folders.segment(number), file, 0, bytes);
        self.changed.clear();
        Ok(number)
    }

    fn prepare(&self, number: u64, snapshot: &[u8], header: &Header) -> Result<(D::File, u64), StoreError> {
        let path = self.folders.new_snapshot(number);
        let refused = |source| StoreError::SnapshotDamaged { path: path.clone(), source, sound: None };
        snapshot::check(snapshot).map_err(refused)?;
        let bytes = Writer::new(header).take();
        let file = write_synced(&self.disk, &self.folders.new_segment(number), &bytes)?;
        sync_folder(&self.disk, &self.folders.journal())?;
        write_synced(&self.disk, &path, snapshot)?;
        Ok((file, bytes.len() as u64))
    }

    fn publish(&self, number: u64) -> Result<(), StoreError> {
        let Self { disk, folders, .. } = self;
        rename_synced(disk, &folders.new_snapshot(number), &folders.snapshot(number), &folders.snapshots())?;
        rename_synced(disk, &folders.new_segment(number), &folders.segment(number), &folders.journal())
    }
}

/// Finishes a rotation whose snapshot has its name, and removes what is left of others.
fn settle_rotation(disk: &impl Disk, folders: &Folders) -> Result<(), StoreError> {
    let found = folders.scan(disk)?;
    let remove = |path: &Path| disk.remove(path).map_err(|source| StoreError::io("remove", path, source));
    for number in found.new_snapshots {
        remove(&folders.new_snapshot(number))?;
    }
    for number in found.new_segments {
        let new = folders.new_segment(number);
        if found.snapshots.contains(&number) && !found.segments.contains(&number) {
            // The crash may have come before the name of the snapshot was synced.
            sync_folder(disk, &folders.snapshots())?;
            rename_synced(disk, &new, &folders.segment(number), &folders.journal())?;
        } else {
            remove(&new)?;
        }
    }
    Ok(())
}

/// The first segment.
fn begin<D: Disk>(disk: &D, folders: &Folders, header: &Header) -> Result<OpenSegment<D>, StoreError> {
    let bytes = Writer::new(header).take();
    let file = write_synced(disk, &folders.new_segment(1), &bytes)?;
    rename_synced(disk, &folders.new_segment(1), &folders.segment(1), &folders.journal())?;
    Ok(OpenSegment::new(1, folders.segment(1), file, 0, bytes.len() as u64))
}

/// The last segment, written anew without its torn tail.
///
/// What was read may be in memory only: the server before was killed between its write and its sync, or its sync failed,
/// after which a second sync succeeds and does nothing. Only bytes that are written again are surely on the disk.
fn reopen<D: Disk>(disk: &D, folders: &Folders, last: &Segment) -> Result<OpenSegment<D>, StoreError> {
    let new = folders.new_segment(last.number);
    let path = folders.segment(last.number);
    let file = write_synced(disk, &new, last.bytes())?;
    rename_synced(disk, &new, &path, &folders.journal())?;
    Ok(OpenSegment::new(last.number, path, file, last.records, last.bytes().len() as u64))
}

fn differences(old: &Header, new: &Header) -> Vec<&'static str> {
    let fields = [
        ("version of the journal", old.version != new.version),
        ("version of trainyard", old.trainyard_version != new.trainyard_version),
        ("policy", old.policy != new.policy),
        ("use of estimates", old.estimates != new.estimates),
        ("seed", old.seed != new.seed),
        ("cluster", old.inventory != new.inventory),
    ];
    fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}

fn make_folder(disk: &impl Disk, path: &Path) -> Result<(), StoreError> {
    let is_new = disk.make_folder(path).map_err(|source| StoreError::io("make the folder", path, source))?;
    match path.parent().filter(|parent| is_new && !parent.as_os_str().is_empty()) {
        Some(parent) => sync_folder(disk, parent),
        None => Ok(()),
    }
}

fn write_synced<D: Disk>(disk: &D, path: &Path, bytes: &[u8]) -> Result<D::File, StoreError> {
    let mut file = disk.create(path).map_err(|source| StoreError::io("make", path, source))?;
    disk.append(&mut file, bytes).map_err(|source| StoreError::io("write to", path, source))?;
    disk.sync(&mut file).map_err(|source| StoreError::io("sync", path, source))?;
    Ok(file)
}

fn rename_synced(disk: &impl Disk, from: &Path, to: &Path, folder: &Path) -> Result<(), StoreError> {
    disk.rename(from, to).map_err(|source| StoreError::io("rename", from, source))?;
    sync_folder(disk, folder)
}

fn sync_folder(disk: &impl Disk, folder: &Path) -> Result<(), StoreError> {
    disk.sync_folder(folder).map_err(|source| StoreError::io("sync the folder", folder, source))
}
