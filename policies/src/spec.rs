//! The text of a policy: `name` or `name[key=value,...]`.

use std::collections::BTreeMap;
use std::fmt;

/// A policy as the user wrote it, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicySpec {
    /// The name before the bracket.
    pub name: String,
    /// The knobs in the bracket.
    pub knobs: BTreeMap<String, String>,
}

/// What is wrong with the text of a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("policy `{policy}`: {message}")]
pub struct PolicyError {
    /// The text as the user wrote it.
    pub policy: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl PolicyError {
    pub(crate) fn new(policy: &str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { policy: policy.to_owned(), message: message.into(), hint: Some(hint.into()) }
    }
}

impl PolicySpec {
    /// Takes `text` apart.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let text = text.trim();
        let shape = || {
            PolicyError::new(text, "not of the form name[key=value,...]", "for example `fifo[skip=true,place=pack]`")
        };
        let Some(open) = text.find('[') else {
            return if text.is_empty() || text.contains([']', '=', ',']) {
                Err(shape())
            } else {
                Ok(Self { name: text.to_owned(), knobs: BTreeMap::new() })
            };
        };
        let (name, rest) = text.split_at(open);
        let inside = rest.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).ok_or_else(shape)?;
        let mut knobs = BTreeMap::new();
        for part in split_at_top(inside).ok_or_else(shape)? {
            let (key, value) = part.split_once('=').ok_or_else(shape)?;
            let (key, value) = (key.trim(), value.trim());
            if knobs.insert(key.to_owned(), value.to_owned()).is_some() {
                return Err(PolicyError::new(text, format!("knob `{key}` is given twice"), "give it once"));
            }
        }
        if name.trim().is_empty() {
            return Err(shape());
        }
        Ok(Self { name: name.trim().to_owned(), knobs })
    }
}

impl fmt::Display for PolicySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if self.knobs.is_empty() {
            return Ok(());
        }
        let knobs: Vec<String> = self.knobs.iter().map(|(key, value)| format!("{key}={value}")).collect();
        write!(f, "[{}]", knobs.join(","))
    }
}

/// Splits at commas outside of inner brackets; `None` when brackets do not match. Empty text has no parts.
fn split_at_top(text: &str) -> Option<Vec<&str>> {
    let (mut depth, mut from, mut parts) = (0i32, 0, Vec::new());
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' => depth += 1,
            b']' => depth -= 1,
            b',' if depth == 0 => {
                parts.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
        if depth < 0 {
            return None;
        }
    }
    if !text.trim().is_empty() {
        parts.push(&text[from..]);
    }
    (depth == 0).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips() {
        for text in ["fifo", "fifo[skip=true]", "easy[place=random[seed=7],skip=true]"] {
            assert_eq!(PolicySpec::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(PolicySpec::parse(" fifo[] ").unwrap().to_string(), "fifo");
    }

    #[test]
    fn refuses_what_it_cannot_read() {
        for text in ["", "[a=b]", "fifo[skip]", "fifo[skip=true", "fifo]", "fifo[a=1,a=2]", "fifo[a=[]]]", "a=b"] {
            assert!(PolicySpec::parse(text).is_err(), "{text}");
        }
    }
}
