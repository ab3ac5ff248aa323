//! The file of tenants.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use engine::{Amounts, Span, Terms, Time};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml::Spanned;
use traces::TraceError;

use super::{TenantTerms, TermsChange};

/// What the file looks like.
const SHAPE: &str =
    "TOML with [[tenant]] tables of path = \"org/team\" and weight = 2.0, quota = { gpus = 8 }, and the like";

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
    weight: Option<Spanned<f64>>,
    priority: Option<i32>,
    quota: Option<Spanned<Given>>,
    borrow: Option<Spanned<Given>>,
    lend: Option<Spanned<Given>>,
    limit: Option<Spanned<Given>>,
    #[serde(default)]
    change: Vec<Change>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    at_hours: Spanned<f64>,
    weight: Option<Spanned<f64>>,
    priority: Option<i32>,
    quota: Option<Spanned<Given>>,
    borrow: Option<Spanned<Given>>,
    lend: Option<Spanned<Given>>,
    limit: Option<Spanned<Given>>,
}

/// Amounts, or `"none"`.
#[derive(Clone, Copy)]
enum Given {
    Amounts(Table),
    None,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    gpus: Option<f64>,
    cpu: Option<f64>,
    memory_gib: Option<f64>,
}

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Given;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table such as { gpus = 8, cpu = 64, memory_gib = 512 }, or \"none\"")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Given, E> {
                if text == "none" {
                    Ok(Given::None)
                } else {
                    Err(E::invalid_value(serde::de::Unexpected::Str(text), &self))
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Given, A::Error> {
                Table::deserialize(MapAccessDeserializer::new(map)).map(Given::Amounts)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

pub(super) fn load(path: &Path) -> Result<TenantTerms, TraceError> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(&file, &error))?;
    parse(&file, &text)
}

pub(super) fn parse(file: &str, text: &str) -> Result<TenantTerms, TraceError> {
    let parsed: File = toml::from_str(text).map_err(|error| traces::toml_error(file, text, SHAPE, &error))?;
    let source = Source { file, text };
    let mut terms = TenantTerms::default();
    for entry in parsed.tenant {
        source.add(entry, &mut terms)?;
    }
    Ok(terms)
}

/// The text, for lines in errors.
struct Source<'a> {
    file: &'a str,
    text: &'a str,
}

impl Source<'_> {
    fn error(&self, offset: usize, field: &str, message: String, hint: &str) -> TraceError {
        let line = self.text.as_bytes().iter().take(offset).filter(|&&byte| byte == b'\n').count() as u64 + 1;
        TraceError::new(self.file, message).at_line(line).in_field(field).with_hint(hint)
    }

    fn add(&self, entry: Entry, into: &mut TenantTerms) -> Result<(), TraceError> {
        let at_path = entry.path.span().start;
        let path = entry.path.into_inner();
        let amounts = [&entry.quota, &entry.borrow, &entry.lend, &entry.limit];
        let start = self.terms(&path, entry.weight.as_ref(), entry.priority, amounts)?;
        let mut changes = BTreeMap::new();
        for change in &entry.change {
            let (at, change) = self.change(&path, change)?;
            if changes.insert(at.0, change).is_some() {
                let message = format!("`{path}` changes twice at {} hours", at.1);
                return Err(self.error(at.2, "at_hours", message, "keep one table a time"));
            }
        }
        if into.start.insert(path.clone(), start.applied(Terms::default())).is_some() {
            return Err(self.error(at_path, "path", format!("`{path}` is there twice"), "keep one table a path"));
        }
        if !changes.is_empty() {
            into.changes.insert(path, changes);
        }
        Ok(())
    }

    /// A change with its time, in hours too, and where it stands.
    fn change(&self, path: &str, change: &Change) -> Result<((Time, f64, usize), TermsChange), TraceError> {
        let (offset, hours) = (change.at_hours.span().start, *change.at_hours.get_ref());
        let Some(span) = Span::from_secs_f64(hours * 3600.0) else {
            let message = format!("{hours} is not a time after the first submission");
            return Err(self.error(offset, "at_hours", message, "give hours, at least 0"));
        };
        let amounts = [&change.quota, &change.borrow, &change.lend, &change.limit];
        let terms = self.terms(path, change.weight.as_ref(), change.priority, amounts)?;
        if terms == TermsChange::default() {
            let hint = "add weight, priority, quota, borrow, lend or limit";
            return Err(self.error(offset, "at_hours", format!("nothing of `{path}` changes then"), hint));
        }
        Ok(((Time(span.0), hours, offset), terms))
    }

    /// What is said of a path. The amounts are quota, borrow, lend and limit.
    fn terms(
        &self,
        path: &str,
        weight: Option<&Spanned<f64>>,
        priority: Option<i32>,
        [quota, borrow, lend, limit]: [&Option<Spanned<Given>>; 4],
    ) -> Result<TermsChange, TraceError> {
        Ok(TermsChange {
            weight_milli: self.weight(path, weight)?,
            priority,
            quota: self.amounts("quota", quota.as_ref())?,
            borrow: self.amounts("borrow", borrow.as_ref())?,
            lend: self.amounts("lend", lend.as_ref())?,
            limit: self.amounts("limit", limit.as_ref())?,
        })
    }

    fn weight(&self, path: &str, weight: Option<&Spanned<f64>>) -> Result<Option<u32>, TraceError> {
        let Some(weight) = weight else { return Ok(None) };
        let value = *weight.get_ref();
        if !(0.001..=1e6).contains(&value) {
            let message = format!("the weight of `{path}` is {value}");
            return Err(self.error(weight.span().start, "weight", message, "a weight is between 0.001 and 1000000"));
        }
        Ok(Some((value * 1000.0).round() as u32))
    }

    /// What is not said is unlimited. `None`: the key is not there; `Some(None)`: it is `"none"`.
    #[expect(clippy::option_option, reason = "a change may leave a term, lift it or set it")]
    fn amounts(&self, field: &str, given: Option<&Spanned<Given>>) -> Result<Option<Option<Amounts>>, TraceError> {
        let Some(given) = given else { return Ok(None) };
        let Given::Amounts(Table { gpus, cpu, memory_gib }) = *given.get_ref() else { return Ok(Some(None)) };
        let unit = |name: &str, amount: Option<f64>, units: f64| match amount {
            None => Ok(u64::MAX),
            Some(amount) if (0.0..=1e12).contains(&amount) => Ok((amount * units).round() as u64),
            Some(amount) => {
                let field = format!("{field}.{name}");
                Err(self.error(
                    given.span().start,
                    &field,
                    format!("{amount} is no amount"),
                    "give a number of at least 0",
                ))
            }
        };
        if gpus.is_none() && cpu.is_none() && memory_gib.is_none() {
            let hint = "give gpus, cpu or memory_gib, or \"none\"";
            return Err(self.error(given.span().start, field, "the table is empty".to_owned(), hint));
        }
        Ok(Some(Some(Amounts {
            gpu_milli: unit("gpus", gpus, 1000.0)?,
            cpu_milli: unit("cpu", cpu, 1000.0)?,
            memory_mib: unit("memory_gib", memory_gib, 1024.0)?,
        })))
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
