//! An experiment in a TOML file: what `compare` is told by options, written down.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use traces::TraceError;

use crate::cli::{Load, Resample, Window};
use crate::error::Error;

/// What the file looks like.
const SHAPE: &str = "TOML with the keys trace, cluster and policies";

/// The keys of the file. What is missing is asked of the command line or has its default.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExperimentFile {
    pub(crate) trace: Option<String>,
    pub(crate) cluster: Option<String>,
    #[serde(default)]
    pub(crate) policies: Vec<String>,
    pub(crate) seeds: Option<u64>,
    pub(crate) seed: Option<u64>,
    #[serde(default)]
    pub(crate) loads: Vec<Load>,
    #[serde(default)]
    pub(crate) set: Vec<String>,
    pub(crate) tenants: Option<PathBuf>,
    pub(crate) quotas: Option<PathBuf>,
    pub(crate) expect: Option<String>,
    pub(crate) resample: Option<Resample>,
    pub(crate) window: Option<Window>,
    pub(crate) threads: Option<usize>,
    pub(crate) out: Option<PathBuf>,
}

/// Whether the first argument of `compare` names such a file.
pub(crate) fn is_experiment(subject: &str) -> bool {
    let extension = Path::new(subject).extension();
    extension.is_some_and(|extension| extension.eq_ignore_ascii_case("toml"))
}

impl ExperimentFile {
    /// Reads the file. Paths in it are relative to its folder.
    pub(crate) fn read(path: &str) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            let message = match error.kind() {
                ErrorKind::NotFound => "no such file".to_owned(),
                ErrorKind::InvalidData => "the text is not UTF-8".to_owned(),
                _ => format!("not readable: {error}"),
            };
            TraceError::new(path, message).with_hint("give the path of an experiment, or of a trace")
        })?;
        let mut file: Self = toml::from_str(&text).map_err(|error| traces::toml_error(path, &text, SHAPE, &error))?;
        let folder = Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder {
            file.settle(folder);
        }
        Ok(file)
    }

    /// Makes paths relative to where the command runs.
    fn settle(&mut self, folder: &Path) {
        for path in [&mut self.tenants, &mut self.quotas, &mut self.out].into_iter().flatten() {
            *path = folder.join(&*path);
        }
        for trace in [&mut self.trace, &mut self.expect].into_iter().flatten() {
            *trace = settled_trace(folder, trace);
        }
        if let Some(cluster) = self.cluster.as_mut().filter(|cluster| !is_short_form(cluster)) {
            *cluster = joined(folder, cluster);
        }
    }
}

fn joined(folder: &Path, path: &str) -> String {
    folder.join(path).display().to_string()
}

/// `[FORMAT:]PATH` with its path settled; a synthetic trace has none.
fn settled_trace(folder: &Path, trace: &str) -> String {
    match trace.split_once(':') {
        Some(("synthetic", _)) => trace.to_owned(),
        Some((prefix, path)) if traces::Format::named(prefix).is_some() => {
            format!("{prefix}:{}", joined(folder, path))
        }
        _ => joined(folder, trace),
    }
}

/// Whether a cluster is given as `NODESxGPUS[:MODEL]`.
fn is_short_form(cluster: &str) -> bool {
    let size = cluster.split(':').next().unwrap_or(cluster);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    size.split_once(['x', 'X']).is_some_and(|(nodes, gpus)| digits(nodes.trim()) && digits(gpus.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_to_the_file() {
        let folder = Path::new("lab");
        let root = if cfg!(windows) { "C:\\a.csv" } else { "/a.csv" };
        assert_eq!(settled_trace(folder, "a.csv"), folder.join("a.csv").display().to_string());
        assert_eq!(settled_trace(folder, "philly:a.csv"), format!("philly:{}", folder.join("a.csv").display()));
        assert_eq!(settled_trace(folder, "synthetic:llm[jobs=3]"), "synthetic:llm[jobs=3]");
        assert_eq!(settled_trace(folder, root), root);
        assert!(is_short_form("60x8") && is_short_form("60x8:A100") && !is_short_form("60x8.toml"));
    }
}
