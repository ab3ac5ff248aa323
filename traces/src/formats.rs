//! The formats of trace files: one module each, and how one is told from the others.

use crate::canonical;
use crate::error::{TraceError, shown};
use crate::header::Header;
use crate::input::Input;
use crate::journal;
use crate::schema;
use crate::table::Table;
use crate::trace::Trace;

mod acme;
mod amounts;
mod chronus;
mod clock;
mod dlrm;
mod elasticflow;
pub(crate) mod events;
mod gavel;
mod helios;
mod hydra;
mod mapped;
mod muri;
mod openb;
mod pai;
mod pai_jobs;
mod philly;
mod philly_log;
mod pollux;
mod sacct;
mod shockwave;
mod spot;
pub(crate) mod swf;
mod tiresias;

/// What the program knows about a format.
#[derive(Debug)]
pub(crate) struct Spec {
    /// The name before the colon in `FORMAT:PATH`.
    pub(crate) name: &'static str,
    /// Other names of the same.
    pub(crate) aliases: &'static [&'static str],
    /// What it is, in a phrase.
    pub(crate) about: &'static str,
    /// Keys that may stand in the brackets behind the path, with what they mean.
    pub(crate) options: &'static [(&'static str, &'static str)],
    /// How it is told.
    pub(crate) signs: Signs,
    /// Reads it.
    pub(crate) read: fn(&Input<'_>) -> Result<Trace, TraceError>,
}

/// How a format is told from others.
#[derive(Debug)]
pub(crate) enum Signs {
    /// A comma-separated header with these columns.
    Columns(&'static [&'static str]),
    /// Text that passes this test, which must not take the text of another format for its own.
    Text(fn(&str) -> bool),
    /// The same; besides, the format may be a folder of such files, which the user must name.
    TextOrFolder(fn(&str) -> bool),
    /// A folder with a file whose name begins so.
    Folder(&'static str),
    /// Not at all: the user must name it.
    Named,
}

/// All formats. The canonical one is first.
static SPECS: [&Spec; 24] = [
    &canonical::SPEC,
    &openb::SPEC,
    &philly::SPEC,
    &philly_log::SPEC,
    &helios::SPEC,
    &acme::SPEC,
    &acme::CONVERTED,
    &pai::SPEC,
    &pai_jobs::SPEC,
    &hydra::SPEC,
    &spot::SPEC,
    &dlrm::SPEC,
    &gavel::SPEC,
    &shockwave::SPEC,
    &tiresias::SPEC,
    &muri::SPEC,
    &chronus::SPEC,
    &elasticflow::SPEC,
    &pollux::SPEC,
    &swf::SPEC,
    &sacct::SPEC,
    &events::SPEC,
    &mapped::SPEC,
    &journal::SPEC,
];

/// A format of trace files.
#[derive(Clone, Copy, Debug)]
pub struct Format(&'static Spec);

impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for Format {}

impl Format {
    /// The project's own, as CSV or Parquet: see [`crate::schema`].
    pub const CANONICAL: Self = Self(&canonical::SPEC);

    /// Journals, which are no text.
    pub(crate) const JOURNAL: Self = Self(&journal::SPEC);

    /// All formats; the canonical one is first.
    pub fn all() -> impl Iterator<Item = Self> {
        SPECS.iter().map(|spec| Self(spec))
    }

    /// The format called `name`, by its name or another name of it.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|format| format.names().any(|known| known == name))
    }

    /// The name before the colon in `FORMAT:PATH`.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// What it is, in a phrase.
    pub fn about(self) -> &'static str {
        self.0.about
    }

    /// Keys that may stand in the brackets behind the path, with what they mean.
    pub fn options(self) -> &'static [(&'static str, &'static str)] {
        self.0.options
    }

    /// All its names, the proper one first.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.0.name).chain(self.0.aliases.iter().copied())
    }

    /// Whether it is a folder of files.
    pub(crate) fn is_folder(self) -> bool {
        matches!(self.0.signs, Signs::Folder(_) | Signs::TextOrFolder(_))
    }

    /// The format of a folder in which `names` lie.
    pub(crate) fn of_folder(names: &[String]) -> Option<Self> {
        Self::all().find(|format| match format.0.signs {
            Signs::Folder(start) => names.iter().any(|name| name.starts_with(start)),
            _ => false,
        })
    }

    pub(crate) fn read(self, input: &Input<'_>) -> Result<Trace, TraceError> {
        (self.0.read)(input)
    }

    /// Reads Parquet; `None` where the format is text only.
    pub(crate) fn read_parquet(self, input: &Input<'_>, bytes: &[u8]) -> Option<Result<Trace, TraceError>> {
        (self.0.name == mapped::SPEC.name).then(|| mapped::read_parquet(input, bytes))
    }

    fn needed(self) -> &'static [&'static str] {
        match self.0.signs {
            Signs::Columns(columns) => columns,
            _ => &[],
        }
    }

    /// How many of its needed columns the header has.
    fn found(self, header: &Header) -> usize {
        let canonical = self == Self::CANONICAL;
        let has = |name: &&&str| {
            let micros = schema::column(name).and_then(|column| column.micros_name).filter(|_| canonical);
            header.find(name).or_else(|| micros.and_then(|micros| header.find(micros))).is_some()
        };
        self.needed().iter().filter(has).count()
    }
}

/// Tells the format by the shape of the text or by the columns. A header that lacks a column or two of just one format
/// counts as that format, so that the error can name the missing column.
pub(crate) fn detect(file: &str, text: &str) -> Result<Format, TraceError> {
    let by_shape =
        |format: &Format| matches!(format.0.signs, Signs::Text(fits) | Signs::TextOrFolder(fits) if fits(text));
    if let Some(format) = Format::all().find(by_shape) {
        return Ok(format);
    }
    detect_columns(Table::open(file, text)?.header())
}

fn detect_columns(header: &Header) -> Result<Format, TraceError> {
    let with_columns = || Format::all().filter(|format| !format.needed().is_empty());
    let whole: Vec<Format> = with_columns().filter(|format| format.found(header) == format.needed().len()).collect();
    // The columns of one format may be among those of another: the one that explains most of them is meant.
    let most = whole.iter().map(|format| format.needed().len()).max().unwrap_or(0);
    let best: Vec<Format> = whole.into_iter().filter(|format| format.needed().len() == most).collect();
    match best.as_slice() {
        [only] => return Ok(*only),
        [] => {}
        _ => return Err(ambiguous(header, &best)),
    }
    let most = with_columns().map(|format| format.found(header)).max().unwrap_or(0);
    let half = |format: &Format| format.found(header) == most && most * 2 >= format.needed().len();
    match with_columns().filter(half).collect::<Vec<_>>().as_slice() {
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
        let names: Vec<&str> = Format::all().map(Format::name).collect();
        let needed = schema::required().collect::<Vec<_>>().join(", ");
        format!(
            "the canonical form has the columns {needed}; the formats are {}; `mapped` reads any other table",
            names.join(", ")
        )
    };
    let columns = if header.names.is_empty() { String::new() } else { shown(&header.shown_names()) };
    header.error(format!("the columns fit no known trace format; found: {columns}")).with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_said() {
        let mut names: Vec<&str> = Format::all().flat_map(Format::names).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(Format::all().all(|format| !format.about().is_empty()));
        assert_eq!(Format::named("csv"), Some(Format::CANONICAL));
        assert_eq!(Format::named("nothing"), None);
    }
}
