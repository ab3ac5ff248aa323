//! Weights of tenants for fair share, from a TOML file.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

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
    path: String,
    weight: f64,
}

/// What is wrong with a file of weights.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {message}")]
pub struct WeightsError {
    /// The file.
    pub file: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: &'static str,
}

impl Weights {
    /// Reads a file of `[[tenant]]` tables with `path` and `weight`.
    pub fn load(path: &Path) -> Result<Self, WeightsError> {
        let file = path.display().to_string();
        let fail = |message: String, hint| WeightsError { file: file.clone(), message, hint };
        let text = std::fs::read_to_string(path)
            .map_err(|error| fail(error.to_string(), "give the path of a TOML file with [[tenant]] tables"))?;
        let shape = "each table is [[tenant]] with path = \"org/team\" and weight = 2.0";
        let parsed: File = toml::from_str(&text).map_err(|error| fail(error.to_string(), shape))?;
        let mut weights = BTreeMap::new();
        for Entry { path, weight } in parsed.tenant {
            if !(0.001..=1e6).contains(&weight) {
                return Err(fail(format!("weight of `{path}` is {weight}"), "a weight is between 0.001 and 1000000"));
            }
            if weights.insert(path.clone(), weight).is_some() {
                return Err(fail(format!("`{path}` is there twice"), "keep one table a path"));
            }
        }
        Ok(Self(weights))
    }

    /// The weight of a path in thousandths.
    pub(crate) fn milli(&self, path: &str) -> u32 {
        self.0.get(path).map_or(1000, |weight| (weight * 1000.0).round() as u32)
    }
}
