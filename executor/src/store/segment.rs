//! The segment that is written: records gather in memory, one write and one sync bring all of them to the disk.

use std::path::PathBuf;

use engine::journal::{Entry, Writer};

use super::disk::Disk;
use super::error::StoreError;

/// An open segment.
#[derive(Debug)]
pub(super) struct OpenSegment<D: Disk> {
    pub(super) number: u64,
    /// Records, those that wait for [`OpenSegment::commit`] too.
    pub(super) records: u64,
    path: PathBuf,
    file: D::File,
    waiting: Writer,
    synced_bytes: u64,
    poison: Option<String>,
}

impl<D: Disk> OpenSegment<D> {
    /// A segment of which all is on the disk.
    pub(super) fn new(number: u64, path: PathBuf, file: D::File, records: u64, synced_bytes: u64) -> Self {
        Self { number, records, path, file, waiting: Writer::default(), synced_bytes, poison: None }
    }

    /// Bytes on the disk.
    pub(super) fn synced_bytes(&self) -> u64 {
        self.synced_bytes
    }

    /// Gathers one record.
    pub(super) fn append(&mut self, entry: &Entry) -> Result<(), StoreError> {
        self.check()?;
        self.waiting.entry(entry);
        self.records += 1;
        Ok(())
    }

    /// Brings to the disk what was gathered. A failure is final: after a failed sync the kernel may call pages clean that
    /// never reached the disk, so that a second sync would succeed and say nothing.
    pub(super) fn commit(&mut self, disk: &D) -> Result<(), StoreError> {
        self.check()?;
        if self.waiting.is_empty() {
            return Ok(());
        }
        let bytes = self.waiting.take();
        let written = disk.append(&mut self.file, &bytes).map_err(|source| ("write to", source));
        match written.and_then(|()| disk.sync(&mut self.file).map_err(|source| ("sync", source))) {
            Ok(()) => {
                self.synced_bytes += bytes.len() as u64;
                Ok(())
            }
            Err((action, source)) => {
                // Nobody was told that these records exist. Where the disk still lets us, they do not exist after a restart
                // either; otherwise they are complete or torn, and a restart sees which.
                let _ = disk.cut(&mut self.file, self.synced_bytes).and_then(|()| disk.sync(&mut self.file));
                self.poison(&format!("cannot {action} it: {source}"));
                Err(StoreError::io(action, &self.path, source))
            }
        }
    }

    /// From now on every call fails.
    pub(super) fn poison(&mut self, cause: &str) {
        self.poison = Some(cause.to_owned());
    }

    pub(super) fn check(&self) -> Result<(), StoreError> {
        match &self.poison {
            Some(cause) => Err(StoreError::Poisoned { path: self.path.clone(), cause: cause.clone() }),
            None => Ok(()),
        }
    }
}
