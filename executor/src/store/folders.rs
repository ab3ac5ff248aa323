//! Names in the state folder.
//!
//! ```text
//! STATE/lock                   taken by the one server that writes here; its process id
//! STATE/journal/000001.tyj     what happened, from the first fact; the next segment begins where this one ends
//! STATE/snapshot/000002.tys    all that the core knew before the first record of segment 2
//! STATE/records.sqlite         what people ask for; rebuilt from the journal if need be
//! ```
//!
//! `.new` at the end of a name: still being written.

use std::path::{Path, PathBuf};

use super::disk::Disk;
use super::error::StoreError;

/// The state folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders {
    state: PathBuf,
}

/// Numbers of the files that are there, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) segments: Vec<u64>,
    pub(crate) new_segments: Vec<u64>,
    pub(crate) snapshots: Vec<u64>,
    pub(crate) new_snapshots: Vec<u64>,
}

impl Folders {
    /// Those in the folder `state`.
    pub fn of(state: &Path) -> Self {
        Self { state: state.to_owned() }
    }

    /// The state folder itself.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// The lock of the server.
    pub fn lock(&self) -> PathBuf {
        self.state.join("lock")
    }

    /// Where the server listens.
    pub fn socket(&self) -> PathBuf {
        self.state.join("trainyard.sock")
    }

    /// Where shims write down what runs leave.
    pub fn runs(&self) -> PathBuf {
        self.state.join("runs")
    }

    /// The file of [`super::records`].
    pub fn records(&self) -> PathBuf {
        self.state.join("records.sqlite")
    }

    /// Where segments are, old ones too.
    pub fn journal(&self) -> PathBuf {
        self.state.join("journal")
    }

    /// Where snapshots are.
    pub fn snapshots(&self) -> PathBuf {
        self.state.join("snapshot")
    }

    /// A segment of the journal, from 1.
    pub fn segment(&self, number: u64) -> PathBuf {
        self.journal().join(format!("{number:06}.tyj"))
    }

    /// A segment that is being made.
    pub(crate) fn new_segment(&self, number: u64) -> PathBuf {
        self.journal().join(format!("{number:06}.tyj.new"))
    }

    /// The snapshot that a segment begins from; there is none for the first.
    pub fn snapshot(&self, number: u64) -> PathBuf {
        self.snapshots().join(format!("{number:06}.tys"))
    }

    /// A snapshot that is being written.
    pub(crate) fn new_snapshot(&self, number: u64) -> PathBuf {
        self.snapshots().join(format!("{number:06}.tys.new"))
    }

    /// What is there. Other files are left alone.
    pub(crate) fn scan(&self, disk: &impl Disk) -> Result<Found, StoreError> {
        let journal = names(disk, &self.journal())?;
        let snapshots = names(disk, &self.snapshots())?;
        Ok(Found {
            segments: numbers(&journal, ".tyj"),
            new_segments: numbers(&journal, ".tyj.new"),
            snapshots: numbers(&snapshots, ".tys"),
            new_snapshots: numbers(&snapshots, ".tys.new"),
        })
    }
}

fn names(disk: &impl Disk, folder: &Path) -> Result<Vec<String>, StoreError> {
    disk.list(folder).map_err(|source| StoreError::io("read the folder", folder, source))
}

fn numbers(names: &[String], suffix: &str) -> Vec<u64> {
    let digits = names.iter().filter_map(|name| name.strip_suffix(suffix));
    let ours = digits.filter(|digits| digits.len() >= 6 && digits.bytes().all(|byte| byte.is_ascii_digit()));
    let mut numbers: Vec<u64> = ours.filter_map(|digits| digits.parse().ok()).filter(|number| *number > 0).collect();
    numbers.sort_unstable();
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_ours_are_numbers() {
        let names = ["000010.tyj", "000002.tyj", "1234567.tyj", "000000.tyj", "2.tyj", "copy.tyj", "000003.tyj.new"];
        let names = names.map(str::to_owned);
        assert_eq!(numbers(&names, ".tyj"), [2, 10, 1_234_567]);
        assert_eq!(numbers(&names, ".tyj.new"), [3]);
    }
}
