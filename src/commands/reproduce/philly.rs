//! The slices of Philly that several peers were given: `philly/philly_<VC>_oct_nov.csv`.

use std::path::{Path, PathBuf};

use super::rows;

/// Virtual clusters with a known number of nodes of 8 GPUs.
const NODES: [(&str, u32); 2] = [("0e4a51", 7), ("11cb48", 2)];

/// The slice whose virtual cluster begins with `vc`.
pub(crate) fn slice(data: &Path, vc: &str) -> Result<PathBuf, String> {
    let files = rows::files(&data.join("cases/philly"), "_oct_nov.csv");
    let mut found =
        files.into_iter().filter(|(name, _)| name.strip_prefix("philly_").is_some_and(|of| of.starts_with(vc)));
    match (found.next(), found.next()) {
        (Some((_, path)), None) => Ok(path),
        (Some(_), Some(_)) => Err(format!("several files are called cases/philly/philly_{vc}*_oct_nov.csv")),
        (None, _) => Err(format!("there is no file cases/philly/philly_{vc}*_oct_nov.csv")),
    }
}

/// Nodes of the virtual cluster and GPUs of each, where they are known.
pub(crate) fn size(vc: &str) -> Option<(u32, u32)> {
    NODES.iter().find(|(name, _)| name.starts_with(vc)).map(|(_, nodes)| (*nodes, 8))
}
