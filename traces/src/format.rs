//! The formats of trace files, and how one is told by the header.

use crate::error::{TraceError, shown};
use crate::header::Header;
use crate::{openb, philly, schema};

/// A format of trace files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The project's own, as CSV or Parquet: see [`crate::schema`].
    Canonical,
    /// Pod lists of Alibaba's openb.
    Openb,
    /// The flat table of Microsoft's Philly.
    Philly,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 3] = [Self::Canonical, Self::Openb, Self::Philly];

    /// The name before the colon in `FORMAT:PATH`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Canonical => "canonical",
            Self::Openb => "openb",
            Self::Philly => "philly",
        }
    }

    /// The format called `name`; `csv` and `parquet` mean the canonical one.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "canonical" | "csv" | "parquet" => Some(Self::Canonical),
            "openb" => Some(Self::Openb),
            "philly" => Some(Self::Philly),
            _ => None,
        }
    }

    /// All names that [`Format::named`] knows.
    pub(crate) const NAMES: [&'static str; 5] = ["canonical", "csv", "parquet", "openb", "philly"];

    fn needed(self) -> Vec<&'static str> {
        match self {
            Self::Canonical => schema::required().collect(),
            Self::Openb => openb::NEEDED.to_vec(),
            Self::Philly => philly::NEEDED.to_vec(),
        }
    }

    /// How many of its needed columns the header has, and how many it needs.
    fn match_of(self, header: &Header) -> (usize, usize) {
        let needed = self.needed();
        let has = |name: &&&str| {
            let micros = schema::column(name).and_then(|column| column.micros_name).filter(|_| self == Self::Canonical);
            header.find(name).or_else(|| micros.and_then(|micros| header.find(micros))).is_some()
        };
        (needed.iter().filter(has).count(), needed.len())
    }
}

/// Tells the format by the columns. A header that lacks a column or two of just one format counts as that format,
/// so that the error can name the missing column.
pub(crate) fn detect(header: &Header) -> Result<Format, TraceError> {
    let matches = Format::ALL.map(|format| (format, format.match_of(header)));
    let whole: Vec<Format> = matches.iter().filter(|(_, (has, of))| has == of).map(|(format, _)| *format).collect();
    match whole.as_slice() {
        [only] => return Ok(*only),
        [] => {}
        _ => return Err(ambiguous(header, &whole)),
    }
    let partial: Vec<Format> =
        matches.iter().filter(|(_, (has, of))| has * 2 >= *of).map(|(format, _)| *format).collect();
    match partial.as_slice() {
        [only] => Ok(*only),
        _ => Err(unknown(header)),
    }
}

fn ambiguous(header: &Header, formats: &[Format]) -> TraceError {
    let names: Vec<&str> = formats.iter().map(|format| format.name()).collect();
    let error = header.error(format!("the columns fit more than one format: {}", names.join(", ")));
    error.with_hint(format!("name the format: {}:{}", names[0], header.file))
}

fn unknown(header: &Header) -> TraceError {
    let known = |name: &str| header.find(name).is_some();
    let hint = if known("sn") && known("gpu") || known("machineId") {
        "this is a list of machines; give it to --cluster".to_owned()
    } else if let Some(hint) = header.delimiter_hint() {
        hint
    } else {
        let needs = Format::ALL.map(|format| format!("{} ({})", format.name(), format.needed().join(", ")));
        format!("the columns of the known formats are: {}", needs.join("; "))
    };
    let columns = if header.names.is_empty() { String::new() } else { shown(&header.shown_names()) };
    header.error(format!("the columns fit no known trace format; found: {columns}")).with_hint(hint)
}
