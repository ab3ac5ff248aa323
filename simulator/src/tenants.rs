//! Weights of tenants for fair share, from a TOML file.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;
use traces::TraceError;

/// What the file looks like.
const SHAPE: &str = "TOML with [[tenant]] tables of path = \"org/team\" and weight = 2.0";

/// Weights by tenant path; 1 where nothing is said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weights(BTreeMap<String, f64>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    tenant: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    path: Spanned<String>,
    weight: Spanned<f64>,
}

impl Weights {
    /// Reads a file of `[[tenant]]` tables with `path` and `weight`.
    pub fn load(path: &Path) -> Result<Self, TraceError> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| unreadable(&file, &error))?;
        Self::parse(&file, &text)
    }

    fn parse(file: &str, text: &str) -> Result<Self, TraceError> {
        let parsed: File = toml::from_str(text).map_err(|error| traces::toml_error(file, text, SHAPE, &error))?;
        let at = |offset: usize, field: &str, message: String| {
            let line = text.as_bytes().iter().take(offset).filter(|&&byte| byte == b'\n').count() as u64 + 1;
            TraceError::new(file, message).at_line(line).in_field(field)
        };
        let mut weights = BTreeMap::new();
        for Entry { path, weight } in parsed.tenant {
            let (at_path, at_weight) = (path.span().start, weight.span().start);
            let (path, weight) = (path.into_inner(), weight.into_inner());
            if !(0.001..=1e6).contains(&weight) {
                let error = at(at_weight, "weight", format!("the weight of `{path}` is {weight}"));
                return Err(error.with_hint("a weight is between 0.001 and 1000000"));
            }
            if weights.insert(path.clone(), weight).is_some() {
                return Err(at(at_path, "path", format!("`{path}` is there twice")).with_hint("keep one table a path"));
            }
        }
        Ok(Self(weights))
    }

    /// The paths that have a weight, in order.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The weight of a path in thousandths.
    pub(crate) fn milli(&self, path: &str) -> u32 {
        self.0.get(path).map_or(1000, |weight| (weight * 1000.0).round() as u32)
    }
}

fn unreadable(file: &str, error: &std::io::Error) -> TraceError {
    let message = match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".to_owned(),
        std::io::ErrorKind::InvalidData => "the text is not UTF-8".to_owned(),
        _ => format!("not readable: {error}"),
    };
    TraceError::new(file, message).with_hint(format!("give the path of a file that is {SHAPE}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_read_and_mistakes_have_their_line() {
        let weights = Weights::parse("t.toml", "[[tenant]]\npath = \"a/b\"\nweight = 2\n").unwrap();
        assert_eq!((weights.milli("a/b"), weights.milli("a")), (2000, 1000));
        let fault = |text: &str| {
            let error = Weights::parse("t.toml", text).unwrap_err();
            format!("{error} | {}", error.hint().unwrap_or_default())
        };
        assert_eq!(
            fault("[[tenant]]\npath = \"a\"\nweihgt = 1\n"),
            "t.toml:3: field `weihgt`: no such key | did you mean `weight`?"
        );
        assert_eq!(
            fault("[[tenant]]\npath = \"a\"\nweight = 0\n"),
            "t.toml:3: field `weight`: the weight of `a` is 0 | a weight is between 0.001 and 1000000"
        );
        let twice = "[[tenant]]\npath = \"a\"\nweight = 1\n".repeat(2);
        assert_eq!(fault(&twice), "t.toml:5: field `path`: `a` is there twice | keep one table a path");
    }
}
