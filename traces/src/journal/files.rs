//! The files of a journal: one, or the segments that a server wrote, in order.
//!
//! A path names a file, a folder of segments (`000001.tyj`, `000002.tyj`, ..., gzipped or not), or a state folder, which has
//! that folder in `journal` and the state before each segment in `snapshot`.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{JournalError, error};
use crate::bytes;
use crate::error::TraceError;

const EXTENSION: &str = ".tyj";
/// Digits of a segment's number, at least.
const DIGITS: usize = 6;

/// The files of a journal, read and not yet understood.
#[derive(Clone, Debug)]
pub struct Files {
    /// The path that was given.
    pub source: String,
    /// The files, in order.
    pub segments: Vec<SegmentFile>,
    /// What was known before the first of them, where that is not the very first.
    pub snapshot: Option<Vec<u8>>,
}

/// One of them.
#[derive(Clone, Debug)]
pub struct SegmentFile {
    /// Where it is.
    pub path: String,
    /// Its number, from 1; `None` of a file that is a journal by itself.
    pub number: Option<u64>,
    /// All of it, without gzip.
    pub bytes: Vec<u8>,
}

impl Files {
    /// Reads the journal that `path` names. Segments follow each other without a gap; the first may be any.
    pub fn open(path: &str) -> Result<Self, JournalError> {
        let given = Path::new(path);
        if !given.is_dir() {
            let bytes = bytes::read_unpacked(path).map_err(JournalError::Unreadable)?;
            let number = given.file_name().and_then(|name| number_of(name.to_str()?));
            let snapshot = snapshot_before(given.parent(), number)?;
            let segments = vec![SegmentFile { path: path.to_owned(), number, bytes }];
            return Ok(Self { source: path.to_owned(), segments, snapshot });
        }
        let folder = folder_of(given);
        let named = in_order(path, &folder)?;
        let snapshot = snapshot_before(Some(&folder), named.first().map(|(number, _)| *number))?;
        let read = |(number, path): (u64, PathBuf)| {
            let path = path.to_string_lossy().into_owned();
            let bytes = bytes::read_unpacked(&path).map_err(JournalError::Unreadable)?;
            Ok(SegmentFile { path, number: Some(number), bytes })
        };
        let segments = named.into_iter().map(read).collect::<Result<_, JournalError>>()?;
        Ok(Self { source: path.to_owned(), segments, snapshot })
    }

    /// A journal in memory.
    pub(super) fn of_bytes(source: &str, bytes: &[u8]) -> Self {
        let segment = SegmentFile { path: source.to_owned(), number: None, bytes: bytes.to_vec() };
        Self { source: source.to_owned(), segments: vec![segment], snapshot: None }
    }

    /// Number of the first segment; 1 of a file that is a journal by itself.
    pub fn first(&self) -> u64 {
        self.segments.first().and_then(|segment| segment.number).unwrap_or(1)
    }

    /// Whether a folder has segments of a journal.
    pub fn are_in(path: &str) -> bool {
        let given = Path::new(path);
        given.is_dir() && listed(&folder_of(given)).is_ok_and(|found| !found.is_empty())
    }
}

/// The folder of the segments: `journal` in a state folder.
fn folder_of(given: &Path) -> PathBuf {
    let inside = given.join("journal");
    if inside.is_dir() { inside } else { given.to_owned() }
}

/// The number that a file name says: `000012.tyj`, gzipped or not. A segment that is still being made has another name, and
/// no record.
fn number_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".gz").unwrap_or(name).strip_suffix(EXTENSION)?;
    let plain = digits.len() >= DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|number| plain && *number > 0)
}

/// The segments of a folder by number.
fn listed(folder: &Path) -> std::io::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if let Some(number) = entry.file_name().to_str().and_then(number_of) {
            found.push((number, entry.path()));
        }
    }
    // Of two with one number, the one that is not packed.
    found.sort();
    found.dedup_by_key(|(number, _)| *number);
    Ok(found)
}

fn in_order(given: &str, folder: &Path) -> Result<Vec<(u64, PathBuf)>, JournalError> {
    let found = listed(folder).map_err(|source| {
        let error = TraceError::new(folder.to_string_lossy(), format!("not readable: {source}"));
        JournalError::Unreadable(error.with_hint("check the folder and its owner"))
    })?;
    let Some((first, _)) = found.first() else { return Err(error::no_segment(given)) };
    match (*first..).zip(&found).find(|(expected, (number, _))| expected != number) {
        Some((missing, (next, _))) => Err(error::gap(&folder.join(file_name(missing)), *next)),
        None => Ok(found),
    }
}

/// The name of a segment.
pub(super) fn file_name(number: u64) -> String {
    format!("{number:06}{EXTENSION}")
}

/// What was known before a segment, where it lies beside the folder of the segments.
fn snapshot_before(folder: Option<&Path>, number: Option<u64>) -> Result<Option<Vec<u8>>, JournalError> {
    let (Some(folder), Some(number)) = (folder, number.filter(|number| *number > 1)) else { return Ok(None) };
    let path = folder.join("..").join("snapshot").join(format!("{number:06}.tys"));
    match std::fs::read(&path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => {
            let error = TraceError::new(path.to_string_lossy(), format!("not readable: {source}"));
            Err(JournalError::Unreadable(error.with_hint("check the file and its owner")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_told_by_their_names() {
        let names = ["000001.tyj", "1234567.tyj.gz", "000003.tyj.new", "000000.tyj", "2.tyj", "copy.tyj", "000001.tys"];
        assert_eq!(names.map(number_of), [Some(1), Some(1_234_567), None, None, None, None, None]);
    }

    #[test]
    fn a_gap_is_named_and_the_first_may_be_any() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        let put = |name: &str| std::fs::write(folder.path().join("journal").join(name), name).unwrap();
        assert!(Files::open(path).unwrap_err().into_error().to_string().ends_with("no journal is in this folder"));
        std::fs::create_dir(folder.path().join("journal")).unwrap();
        assert!(!Files::are_in(path));
        for name in ["000004.tyj", "000003.tyj", "000005.tyj.new", "lost"] {
            put(name);
        }
        let files = Files::open(path).unwrap();
        assert_eq!((files.first(), files.segments.len(), files.snapshot), (3, 2, None));
        assert!(files.segments[1].path.ends_with("journal/000004.tyj") && Files::are_in(path));
        std::fs::create_dir(folder.path().join("snapshot")).unwrap();
        std::fs::write(folder.path().join("snapshot/000003.tys"), "state").unwrap();
        assert_eq!(Files::open(path).unwrap().snapshot.unwrap(), b"state");
        put("000007.tyj");
        let error = Files::open(path).unwrap_err().into_error();
        assert!(error.to_string().ends_with("journal/000005.tyj: missing, and 000007.tyj is there"), "{error}");
    }
}
