//! What a reader is given: the name and the text of a file, and the options in the brackets behind its name.

use crate::bytes;
use crate::error::{TraceError, shown};

/// The input of a reader.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'a> {
    /// Path of the file or folder, as the user wrote it.
    pub(crate) file: &'a str,
    /// Text of the file; empty for a folder.
    pub(crate) text: &'a str,
    /// Options of this reader.
    pub(crate) options: &'a Options,
}

/// Options of a reader, from `PATH[key=value,...]`: only keys that the format declares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    pairs: Vec<(String, String)>,
}

impl Options {
    /// Options out of pairs whose keys were checked.
    pub(crate) fn new(pairs: Vec<(String, String)>) -> Self {
        Self { pairs }
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.pairs.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

impl Input<'_> {
    /// The error for an option whose value is not `wanted`.
    pub(crate) fn bad_option(&self, key: &str, wanted: &str) -> TraceError {
        let value = self.options.get(key).unwrap_or_default();
        let message = format!("`{}` is not {wanted}", shown(value));
        TraceError::new(self.file, message).in_field(key).with_hint(format!("write {key}=VALUE with {wanted}"))
    }

    /// A whole number of at least 1 in an option.
    pub(crate) fn count_option(&self, key: &str) -> Result<Option<u32>, TraceError> {
        let Some(value) = self.options.get(key) else { return Ok(None) };
        match value.parse::<u32>() {
            Ok(number) if number > 0 => Ok(Some(number)),
            _ => Err(self.bad_option(key, "a whole number of at least 1")),
        }
    }
}

/// The text of another file that an option names.
pub(crate) fn text_of(path: &str) -> Result<String, TraceError> {
    bytes::text(path, &bytes::read_unpacked(path)?).map(str::to_owned)
}
