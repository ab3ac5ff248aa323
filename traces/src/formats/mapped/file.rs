//! The TOML file of a mapping, as it is written.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use toml::Spanned;

/// What the file should be, for messages.
pub(super) const SHAPE: &str = "TOML with a [columns] table";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) delimiter: Option<Spanned<String>>,
    pub(super) comment: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) skip_rows: u32,
    pub(super) names: Option<Vec<String>>,
    pub(super) missing: Option<Vec<String>>,
    pub(super) origin: Option<Origin>,
    #[serde(default)]
    pub(super) repeated_ids: RepeatedIds,
    #[serde(default)]
    pub(super) drop: Vec<Spanned<Rule>>,
    pub(super) columns: BTreeMap<Spanned<String>, Spanned<Field>>,
}

/// What becomes time zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Origin {
    First,
    Zero,
}

/// What to do with an id that was there before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RepeatedIds {
    #[default]
    Refuse,
    Number,
}

/// Which rows are left out, and why.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    pub(super) column: String,
    pub(super) equals: Option<Constant>,
    pub(super) below: Option<f64>,
    #[serde(default)]
    pub(super) missing: bool,
    pub(super) because: String,
}

/// Where the values of one canonical column come from.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FieldTable {
    pub(super) column: Option<String>,
    pub(super) columns: Option<Vec<String>>,
    pub(super) value: Option<Constant>,
    pub(super) unit: Option<String>,
    pub(super) format: Option<String>,
    pub(super) values: Option<BTreeMap<String, Constant>>,
    pub(super) otherwise: Option<Constant>,
    pub(super) default: Option<Constant>,
}

/// The same, or just the name of a column.
#[derive(Clone, Debug)]
pub(super) struct Field(pub(super) FieldTable);

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Field;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a column, or a table such as { column = \"NAME\" }")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Field, E> {
                Ok(Field(FieldTable { column: Some(name.to_owned()), ..FieldTable::default() }))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Field, A::Error> {
                FieldTable::deserialize(MapAccessDeserializer::new(map)).map(Field)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// A text, number or truth value, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Constant(pub(super) String);

impl<'de> Deserialize<'de> for Constant {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Plain;
        impl Visitor<'_> for Plain {
            type Value = Constant;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a number, or true or false")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Constant, E> {
                Ok(Constant(text.trim().to_owned()))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Constant, E> {
                Ok(Constant(number.to_string()))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Constant, E> {
                Ok(Constant(number.to_string()))
            }

            fn visit_bool<E: Error>(self, truth: bool) -> Result<Constant, E> {
                Ok(Constant(truth.to_string()))
            }
        }
        deserializer.deserialize_any(Plain)
    }
}

/// A mapping that makes sense in itself: see [`super::semantics`].
pub(super) struct Mapping {
    pub(super) path: String,
    pub(super) text: String,
    pub(super) delimiter: u8,
    pub(super) comment: Option<u8>,
    pub(super) file: File,
    pub(super) missing: Vec<String>,
    pub(super) fields: BTreeMap<&'static str, super::field::Mapped>,
}
