//! The `TRACE` argument: `[FORMAT:]PATH`, or `synthetic:NAME[key=value,...]`.
//!
//! A prefix that is the name of a format is always that format. Any other text with a colon is a path if such a file
//! exists. Files may be gzipped; text may start with a byte order mark and end its lines with CR LF.

use std::path::Path;

use crate::bytes;
use crate::canonical;
use crate::canonical::parquet;
use crate::error::{TraceError, shown};
use crate::format::{Format, detect};
use crate::similar::nearest;
use crate::table::CsvTable;
use crate::trace::Trace;
use crate::{openb, philly, synthetic};

/// What stands before the colon of a generated trace.
const SYNTHETIC: &str = "synthetic";

/// Reads or generates the trace that `text` names.
pub fn load(text: &str) -> Result<Trace, TraceError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(TraceError::new("TRACE", "no trace is named").with_hint(usage()));
    }
    let (prefix, rest) = text.split_once(':').unwrap_or(("", text));
    if prefix == SYNTHETIC {
        return synthetic::generate_text(rest);
    }
    if let Some(format) = Format::named(prefix) {
        if rest.is_empty() {
            return Err(TraceError::new(text, "no file is named after the format").with_hint(usage()));
        }
        return read_bytes(rest, Some(format), &bytes::read_file(rest)?);
    }
    if !Path::new(text).exists() {
        check_prefix(text, prefix)?;
    }
    read_bytes(text, None, &bytes::read_file(text)?)
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
    let names = Format::NAMES.into_iter().chain([SYNTHETIC]);
    Err(match nearest(prefix, names) {
        Some(name) => error.with_hint(format!("did you mean `{name}:`?")),
        None => error.with_hint("the formats are canonical (also csv, parquet), openb, philly and synthetic"),
    })
}

/// Reads a trace from the bytes of a file called `name`, gzipped or not. Without `format` the columns decide.
pub fn read_bytes(name: &str, format: Option<Format>, bytes: &[u8]) -> Result<Trace, TraceError> {
    let bytes = bytes::unpacked(name, bytes)?;
    if bytes.starts_with(parquet::MAGIC) {
        return match format {
            None | Some(Format::Canonical) => parquet::read(name, &bytes),
            Some(format) => {
                let message = format!("the file is Parquet, but {} files are CSV", format.name());
                Err(TraceError::new(name, message).with_hint("Parquet is read in the canonical format only"))
            }
        };
    }
    let text = bytes::text(name, &bytes)?;
    let format = match format {
        Some(format) => format,
        None => detect(CsvTable::open(name, text)?.header())?,
    };
    match format {
        Format::Canonical => canonical::read(name, text),
        Format::Openb => openb::read(name, text),
        Format::Philly => philly::read(name, text),
    }
}
