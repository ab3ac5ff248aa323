//! Files that are there whole or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use super::OutputError;

/// Makes a directory and those above it.
pub(super) fn create_directory(path: &Path) -> Result<(), OutputError> {
    fs::create_dir_all(path).map_err(|source| OutputError::Directory { path: path.to_owned(), source })
}

/// Writes `bytes` to `path`; see [`replace`].
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), OutputError> {
    replace(path, |draft| {
        fs::write(draft, bytes).map_err(|source| OutputError::Write { path: path.to_owned(), source })
    })
}

/// Lets `fill` write a draft beside `path`, then puts it in place. A reader sees the old file or the new one,
/// never a part. The draft keeps the extension, because encoders choose by it.
pub(super) fn replace(path: &Path, fill: impl FnOnce(&Path) -> Result<(), OutputError>) -> Result<(), OutputError> {
    let draft = draft_of(path);
    let outcome = fill(&draft)
        .and_then(|()| fs::rename(&draft, path).map_err(|source| OutputError::Write { path: path.to_owned(), source }));
    if outcome.is_err() {
        // Nothing more can be done if even this fails: the first error is the one to show.
        let _ = fs::remove_file(&draft);
    }
    outcome
}

fn draft_of(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".draft-{}-{name}", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_draft() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        write(&path, b"old").unwrap();
        let failed = replace(&path, |draft| {
            fs::write(draft, b"half").unwrap();
            Err(OutputError::Figure { path: path.clone(), message: "cut off".to_owned() })
        });
        assert!(failed.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
