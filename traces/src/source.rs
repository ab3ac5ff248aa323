//! The `TRACE` argument: `[FORMAT:]PATH[key=value,...]`, or `synthetic:NAME[key=value,...]`.
//!
//! A prefix that is the name of a format is always that format. Any other text with a colon is a path if such a file
//! exists. The brackets hold options of the reader and changes to the trace, which are made in the order in which they
//! stand. Files may be gzipped; text may start with a byte order mark and end its lines with CR LF.

use std::path::Path;

use crate::bytes;
use crate::canonical::parquet;
use crate::error::{TraceError, shown};
use crate::formats::{Format, detect};
use crate::input::Input;
use crate::journal;
use crate::metadata;
use crate::similar::nearest;
use crate::synthetic;
use crate::trace::{Step, Trace};
use crate::transform::Changes;

mod brackets;

pub(crate) use brackets::{Brackets, unknown_key};

/// What stands before the colon of a generated trace.
const SYNTHETIC: &str = "synthetic";

/// Reads or generates the trace that `text` names; its [`Trace::source`] is that text.
pub fn load(text: &str) -> Result<Trace, TraceError> {
    load_with(text, &mut bytes::read_unpacked)
}

/// The same where somebody has read the file at `path` before: its `bytes` are not gzipped.
pub(crate) fn load_read(text: &str, path: &str, bytes: Vec<u8>) -> Result<Trace, TraceError> {
    let mut bytes = Some(bytes);
    load_with(text, &mut |file| match bytes.take() {
        Some(bytes) if file == path => Ok(bytes),
        _ => bytes::read_unpacked(file),
    })
}

/// How the bytes of a file are had, without gzip.
type Read<'a> = dyn FnMut(&str) -> Result<Vec<u8>, TraceError> + 'a;

fn load_with(text: &str, read: &mut Read<'_>) -> Result<Trace, TraceError> {
    let text = text.trim();
    let mut trace = load_unnamed(text, read)?;
    if trace.format != SYNTHETIC {
        text.clone_into(&mut trace.source);
    }
    Ok(trace)
}

fn load_unnamed(text: &str, read: &mut Read<'_>) -> Result<Trace, TraceError> {
    if text.is_empty() {
        return Err(TraceError::new("TRACE", "no trace is named").with_hint(usage()));
    }
    let (prefix, rest) = text.split_once(':').unwrap_or(("", text));
    if prefix == SYNTHETIC {
        return synthetic::generate_text(rest);
    }
    if let Some(format) = Format::named(prefix) {
        let brackets = Brackets::behind(rest)?;
        if brackets.path.is_empty() {
            return Err(TraceError::new(text, "no file is named after the format").with_hint(usage()));
        }
        return read_path(&brackets, Some(format), read);
    }
    let brackets = Brackets::behind(text)?;
    if !Path::new(brackets.path).exists() {
        check_prefix(text, prefix)?;
    }
    read_path(&brackets, None, read)
}

fn usage() -> String {
    "name a trace as [FORMAT:]PATH or synthetic:NAME[key=value,...], such as synthetic:philly[jobs=1000]".to_owned()
}

/// No file is called `text`: perhaps the format or the word `synthetic` is mistyped.
fn check_prefix(text: &str, prefix: &str) -> Result<(), TraceError> {
    if prefix.is_empty() {
        return match text.split(['[', '/', '\\']).next() {
            Some(name) if name == SYNTHETIC || synthetic::is_model(name) => Err(TraceError::new(text, "no such file")
                .with_hint(format!("did you mean `synthetic:{}`?", if name == SYNTHETIC { "philly" } else { text }))),
            _ => Ok(()),
        };
    }
    let drive = prefix.chars().count() == 1;
    if drive || prefix.contains(['/', '\\', '.']) {
        return Ok(());
    }
    let error = TraceError::new(text, format!("no such file, and `{}` is no trace format", shown(prefix)));
    let names = || Format::all().flat_map(Format::names).chain([SYNTHETIC]);
    Err(match nearest(prefix, names()) {
        Some(name) => error.with_hint(format!("did you mean `{name}:`?")),
        None => error.with_hint(format!("the formats are {}", names().collect::<Vec<_>>().join(", "))),
    })
}

/// Reads the file or folder, and makes the changes of the brackets.
fn read_path(brackets: &Brackets<'_>, format: Option<Format>, read: &mut Read<'_>) -> Result<Trace, TraceError> {
    let path = brackets.path;
    if journal::Files::are_in(path) {
        let (trace, changes) = read_journal(brackets, format, None)?;
        return changes.apply(told(trace));
    }
    if Path::new(path).is_dir() {
        let format = format.filter(|format| format.is_folder()).or_else(|| Format::of_folder(&names_in(path)));
        let Some(format) = format else {
            let names: Vec<&str> = Format::all().filter(|format| format.is_folder()).map(Format::name).collect();
            let error = TraceError::new(path, "this is a directory");
            return Err(
                error.with_hint(format!("name one file in it; of the formats, {} is a folder", names.join(", ")))
            );
        };
        let (options, changes) = brackets.split(format)?;
        let input = Input { file: path, text: "", options: &options };
        return changes.apply(told(format.read(&input)?));
    }
    let (mut trace, changes) = read_unchanged(brackets, format, &read(path)?)?;
    if trace.format == Format::CANONICAL.name() {
        metadata::read_beside(path, &mut trace)?;
    }
    changes.apply(told(trace))
}

/// The path in the text of a trace argument: what stands before the brackets.
pub(crate) fn path_in(text: &str) -> &str {
    Brackets::behind(text).map_or(text, |brackets| brackets.path)
}

/// Whether a folder is a trace of a format that has one.
pub(crate) fn is_trace_folder(folder: &str) -> bool {
    Format::of_folder(&names_in(folder)).is_some()
}

fn names_in(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// Reads a trace from the bytes of a file called `name`, gzipped or not. Without `format` the content decides.
pub fn read_bytes(name: &str, format: Option<Format>, bytes: &[u8]) -> Result<Trace, TraceError> {
    let bytes = bytes::unpacked(name, bytes)?;
    let (trace, changes) = read_unchanged(&Brackets::none(name), format, &bytes)?;
    changes.apply(told(trace))
}

/// Reads the trace as it is from bytes without gzip, and the changes that are yet to be made.
fn read_unchanged(
    brackets: &Brackets<'_>,
    format: Option<Format>,
    bytes: &[u8],
) -> Result<(Trace, Changes), TraceError> {
    let name = brackets.path;
    if bytes.starts_with(journal::MAGIC) || format == Some(Format::JOURNAL) {
        return read_journal(brackets, format, Some(bytes));
    }
    if bytes.starts_with(parquet::MAGIC) {
        let Some(other) = format.filter(|format| *format != Format::CANONICAL) else {
            let (_, changes) = brackets.split(Format::CANONICAL)?;
            return Ok((parquet::read(name, bytes)?, changes));
        };
        let (options, changes) = brackets.split(other)?;
        if let Some(trace) = other.read_parquet(&Input { file: name, text: "", options: &options }, bytes) {
            return Ok((trace?, changes));
        }
        let message = format!("the file is Parquet, but {} files are text", other.name());
        return Err(TraceError::new(name, message).with_hint("Parquet is read in the canonical format, or by `mapped`"));
    }
    let text = bytes::text(name, bytes)?;
    let format = match format {
        Some(format) => format,
        None => detect(name, text)?,
    };
    let (options, changes) = brackets.split(format)?;
    Ok((format.read(&Input { file: name, text, options: &options })?, changes))
}

/// The same of a journal: of the bytes of its file, or of the folder of its segments.
fn read_journal(
    brackets: &Brackets<'_>,
    format: Option<Format>,
    bytes: Option<&[u8]>,
) -> Result<(Trace, Changes), TraceError> {
    let name = brackets.path;
    if let Some(other) = format.filter(|format| *format != Format::JOURNAL) {
        let message = format!("the file is a journal, but {} files are text", other.name());
        return Err(TraceError::new(name, message).with_hint(format!("leave `{}:` out", other.name())));
    }
    let (options, changes) = brackets.split(Format::JOURNAL)?;
    let input = Input { file: name, text: "", options: &options };
    Ok((journal::read(&input, bytes)?, changes))
}

/// Notes in the history how the trace was read, unless it is our own form and nothing happened to it.
fn told(mut trace: Trace) -> Trace {
    let step = Step::read(&trace);
    if trace.format != Format::CANONICAL.name() || !step.dropped.is_empty() || !step.changed.is_empty() {
        trace.history.push(step);
    }
    trace
}
