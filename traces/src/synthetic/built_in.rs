//! The models that come with the program.

use std::sync::{Arc, LazyLock};

use super::file::read_model;
use super::model::Model;

/// Their files, by name.
const FILES: [(&str, &str); 3] = [
    ("philly", include_str!("models/philly.toml")),
    ("helios", include_str!("models/helios.toml")),
    ("llm", include_str!("models/llm.toml")),
];

static MODELS: LazyLock<Vec<Arc<Model>>> =
    LazyLock::new(|| FILES.iter().filter_map(|(name, text)| read_model(name, text).ok()).map(Arc::new).collect());

/// The models that come with the program.
pub fn models() -> &'static [Arc<Model>] {
    &MODELS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_model_of_its_name() {
        for (name, text) in FILES {
            let model = read_model(name, text).unwrap_or_else(|error| panic!("{error}: {:?}", error.hint()));
            assert_eq!(model.name, name);
            assert!(!model.sources.is_empty() && model.targets.is_some());
        }
    }
}
