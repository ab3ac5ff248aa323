//! What stands in brackets behind a path: options of the reader, and changes to the trace.

use std::path::Path;

use crate::error::{TraceError, shown};
use crate::formats::Format;
use crate::input::Options;
use crate::similar::nearest;
use crate::transform::{self, Changes};

/// A path and the pairs behind it.
#[derive(Clone, Debug)]
pub(crate) struct Brackets<'a> {
    /// The path, without brackets.
    pub(crate) path: &'a str,
    pairs: Vec<(String, String)>,
}

impl<'a> Brackets<'a> {
    /// A path with nothing behind it.
    pub(crate) fn none(path: &'a str) -> Self {
        Self { path, pairs: Vec::new() }
    }

    /// Cuts `text` before its last brackets, unless a file is called just so.
    pub(crate) fn behind(text: &'a str) -> Result<Self, TraceError> {
        let Some(inner) = text.strip_suffix(']').filter(|_| !Path::new(text).exists()) else {
            return Ok(Self::none(text));
        };
        let Some((path, body)) = inner.rsplit_once('[') else {
            let error = TraceError::new(text, "the brackets do not match");
            return Err(error.with_hint("write PATH[key=value,...]"));
        };
        Ok(Self { path, pairs: pairs(text, body)? })
    }

    /// The pairs, in the order in which they stand.
    pub(crate) fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }

    /// Divides the pairs into options of the format and changes to the trace.
    pub(crate) fn split(&self, format: Format) -> Result<(Options, Changes), TraceError> {
        let is_option = |key: &str| format.options().iter().any(|(name, _)| *name == key);
        let (options, changes): (Vec<_>, Vec<_>) = self.pairs.iter().cloned().partition(|(key, _)| is_option(key));
        let known = || format.options().iter().map(|(key, _)| *key).chain(transform::keys());
        if let Some((key, _)) = changes.iter().find(|(key, _)| !transform::is_key(key)) {
            return Err(unknown_key(self.path, key, known));
        }
        Ok((Options::new(options), Changes::parse(self.path, &changes)?))
    }
}

/// The error for a key that is none of `known`.
pub(crate) fn unknown_key<K>(place: &str, key: &str, known: impl Fn() -> K) -> TraceError
where
    K: Iterator<Item = &'static str>,
{
    let keys = known().collect::<Vec<_>>().join(", ");
    let hint = match nearest(key, known()) {
        Some(near) => format!("did you mean `{near}`? The keys are {keys}"),
        None => format!("the keys are {keys}"),
    };
    TraceError::new(place, "no such key").in_field(shown(key)).with_hint(hint)
}

/// Pairs `key=value` between commas.
fn pairs(text: &str, body: &str) -> Result<Vec<(String, String)>, TraceError> {
    let pair = |pair: &str| match pair.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.trim().to_owned())),
        _ => {
            let error = TraceError::new(text, format!("`{}` is not of the form key=value", shown(pair)));
            Err(error.with_hint("write PATH[key=value,...]"))
        }
    };
    body.split(',').map(str::trim).filter(|pair| !pair.is_empty()).map(pair).collect()
}
