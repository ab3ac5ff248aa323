//! Where results go: checked before the long work, written whole or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use simulator::output::OutputError;
use traces::Trace;

use crate::error::Error;
use crate::stdout;

/// Makes the folder of results and sees whether files can be written there.
pub(crate) fn prepare_folder(folder: &Path) -> Result<(), Error> {
    let failed = |source| Error::from(OutputError::Directory { path: folder.to_owned(), source });
    fs::create_dir_all(folder).map_err(failed)?;
    let probe = draft_of(&folder.join("probe"));
    let written = fs::write(&probe, b"");
    // The probe may be missing: then the write has failed, and that is told.
    let _ = fs::remove_file(&probe);
    written.map_err(|source| OutputError::Write { path: folder.to_owned(), source }.into())
}

/// What a trace is written as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TraceTarget {
    /// CSV on stdout.
    Stdout,
    /// A file.
    File(PathBuf, Kind),
}

/// Kinds of trace files that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The canonical form as CSV.
    Csv,
    /// The same through gzip.
    CsvGz,
    /// The canonical form as Parquet.
    Parquet,
    /// Standard Workload Format.
    Swf,
}

/// Ends of names, the longer first, and what they mean.
const ENDS: [(&str, Kind); 4] =
    [(".csv.gz", Kind::CsvGz), (".csv", Kind::Csv), (".parquet", Kind::Parquet), (".swf", Kind::Swf)];

impl TraceTarget {
    /// Reads it off the name of the file.
    pub(crate) fn of(path: &Path) -> Result<Self, Error> {
        if path == Path::new("-") {
            return Ok(Self::Stdout);
        }
        let name = path.to_string_lossy().to_lowercase();
        if let Some((_, kind)) = ENDS.into_iter().find(|(end, _)| name.ends_with(end)) {
            return Ok(Self::File(path.to_owned(), kind));
        }
        let ends = ENDS.map(|(end, _)| end).join(", ");
        let message = format!("{}: traces are written as {ends}", path.display());
        Err(Error::input(message, "end the name with one of these, or give - for CSV on stdout"))
    }

    /// Writes `trace`, and says so on stderr.
    pub(crate) fn write(&self, trace: &Trace) -> Result<(), Error> {
        let beside = self.fill(trace)?;
        if let Self::File(path, _) = self {
            let also = beside.map(|beside| format!(", and its clock and history to {}", beside.display()));
            let also = also.unwrap_or_default();
            crate::warnings::note(&format!("wrote {} jobs to {}{also}", trace.jobs.len(), path.display()));
        }
        Ok(())
    }

    /// Writes `trace`; tells where its metadata is, if in another file.
    fn fill(&self, trace: &Trace) -> Result<Option<PathBuf>, Error> {
        match self {
            Self::Stdout => stdout::write_with(|out| traces::write_csv(trace, out)).map(|()| None),
            Self::File(path, Kind::Parquet) => {
                replace(path, |draft| {
                    // The draft is named in the crate's message; the file that was asked for is the one to name.
                    traces::write_parquet(trace, draft).map_err(|error| {
                        let message = format!("{}: {}", path.display(), error.message());
                        Error::failed(message, error.hint().unwrap_or("check the path"))
                    })
                })?;
                Ok(None)
            }
            Self::File(path, Kind::Swf) => {
                let mut lost = None;
                replace(path, |draft| {
                    lost = Some(traces::write_swf(trace, created(draft, path)?).map_err(unwritable(path))?);
                    Ok(())
                })?;
                if let Some(lost) = lost {
                    crate::warnings::about_swf(path, &lost);
                }
                Ok(None)
            }
            Self::File(path, kind) => {
                replace(path, |draft| {
                    let out = created(draft, path)?;
                    let written = match kind {
                        Kind::CsvGz => traces::write_csv_gz(trace, out),
                        Kind::Csv | Kind::Swf | Kind::Parquet => traces::write_csv(trace, out),
                    };
                    written.map_err(unwritable(path))
                })?;
                write_beside(path, trace).map(Some)
            }
        }
    }
}

/// A new file that will be put in the place of `path`.
fn created(draft: &Path, path: &Path) -> Result<std::io::BufWriter<fs::File>, Error> {
    fs::File::create(draft).map(std::io::BufWriter::new).map_err(unwritable(path))
}

/// The error for a file that cannot be written.
fn unwritable(path: &Path) -> impl Fn(std::io::Error) -> Error {
    move |error| Error::unwritable(path, "OUT", &error)
}

/// Writes what CSV cannot say: clock and history.
fn write_beside(path: &Path, trace: &Trace) -> Result<PathBuf, Error> {
    let (beside, json) = traces::metadata_beside(trace, &path.to_string_lossy());
    fs::write(&beside, json).map_err(unwritable(&beside))?;
    Ok(beside)
}

/// Lets `fill` write a draft beside `path`, then puts it in place.
pub(crate) fn replace(path: &Path, fill: impl FnOnce(&Path) -> Result<(), Error>) -> Result<(), Error> {
    let draft = draft_of(path);
    let placed = |()| fs::rename(&draft, path).map_err(|error| Error::unwritable(path, "OUT", &error));
    let outcome = fill(&draft).and_then(placed);
    if outcome.is_err() {
        // The first error is the one to show.
        let _ = fs::remove_file(&draft);
    }
    outcome
}

fn draft_of(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".draft-{}-{name}", std::process::id()))
}
