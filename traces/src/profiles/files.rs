//! Files and folders of tables.

use std::path::{Path, PathBuf};

use super::{ProfileKind, ThroughputTable};
use crate::bytes;
use crate::error::TraceError;

/// Folders below the one that is named are searched so deep.
const DEPTH: u32 = 3;

impl ThroughputTable {
    /// Reads a file, or all tables in a folder and below.
    pub(super) fn read_path(&mut self, path: &str) -> Result<(), TraceError> {
        if Path::new(path).is_dir() {
            return self.read_folder(Path::new(path), DEPTH);
        }
        self.read_text(path, bytes::text(path, &bytes::read_unpacked(path)?)?)
    }

    fn read_folder(&mut self, folder: &Path, depth: u32) -> Result<(), TraceError> {
        let shown = folder.to_string_lossy();
        let unreadable = |error: std::io::Error| {
            TraceError::new(shown.as_ref(), format!("not readable: {error}")).with_hint("check the path and its rights")
        };
        let mut paths: Vec<PathBuf> = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(unreadable)? {
            paths.push(entry.map_err(unreadable)?.path());
        }
        paths.sort();
        for path in paths {
            if !path.is_dir() {
                self.read_member(&path.to_string_lossy())?;
            } else if depth > 1 {
                self.read_folder(&path, depth - 1)?;
            } else {
                self.skipped_files.push(path.to_string_lossy().into_owned());
            }
        }
        Ok(())
    }

    /// Reads a file of a folder if it is a table.
    fn read_member(&mut self, path: &str) -> Result<(), TraceError> {
        let packed = bytes::read_file(path)?;
        let unpacked = bytes::unpacked(path, &packed);
        let text = unpacked.as_ref().ok().and_then(|bytes| bytes::text(path, bytes).ok());
        if let Some(text) = text.filter(|text| ProfileKind::of(text).is_some()) {
            return self.read_text(path, text);
        }
        self.skipped_files.push(path.to_owned());
        Ok(())
    }
}

/// The name of a file without folder and endings, and the name of its folder, where the path has one. A bare name of
/// a file that exists gets the folder in which it lies.
pub(super) fn stem_and_folder(path: &str) -> (String, Option<String>) {
    let given = Path::new(path);
    let bare = given.parent().is_none_or(|parent| parent.as_os_str().is_empty() || parent == Path::new("."));
    let whole = if bare { given.canonicalize().ok() } else { None };
    let at = whole.as_deref().unwrap_or(given);
    let text = |part: Option<&std::ffi::OsStr>| part.map(|part| part.to_string_lossy().into_owned());
    let name = text(at.file_name()).unwrap_or_default();
    let stem = name.strip_suffix(".gz").unwrap_or(&name);
    let stem = stem.strip_suffix(".csv").unwrap_or(stem).to_owned();
    (stem, text(at.parent().and_then(Path::file_name)))
}
