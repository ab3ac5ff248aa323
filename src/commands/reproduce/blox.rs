//! Cases of Blox' simulator: `blox/<policy>_tracked_<FROM>_<TO>.csv`, the jobs in `trace.csv`, on 32 nodes of 4 GPUs.
//!
//! All jobs are replayed; only those that the peer tracked are compared. The peer splits a gang into single GPUs, wherever
//! they are free: so many tasks of one GPU are the same.

use std::path::{Path, PathBuf};

use engine::MILLI;

use super::case::{Case, Loaded, Recipe, Results, Task};
use super::{mappings, rows};

const FAMILY: &str = "blox";
const PEER: &str = "Blox' simulator";
const CLUSTER: &str = "32x4";

/// The cases in `data`.
pub(crate) fn cases(data: &Path) -> Vec<Case> {
    let folder = data.join("cases/blox");
    let files = rows::files(&folder, ".csv").into_iter().filter(|(name, _)| !name.starts_with("trace"));
    files
        .map(|(name, path)| Case { id: format!("{FAMILY}/{name}"), peer: PEER, recipe: recipe(&folder, &name, path) })
        .collect()
}

fn recipe(folder: &Path, name: &str, path: PathBuf) -> Result<Recipe, String> {
    let (policy, _) = name.split_once("_tracked_").ok_or("its name is not POLICY_tracked_FROM_TO")?;
    let ours = mappings::ours(FAMILY, "", policy)?;
    let trace = folder.join("trace.csv");
    let load = move || {
        let mut trace = traces::load(&trace.display().to_string())?;
        for job in &mut trace.jobs {
            job.tasks = job.gpu_milli / MILLI;
        }
        let ends = rows::Rows::read(&path)?.pairs("job_id", "finish_s")?;
        let inventory = traces::load_cluster(CLUSTER)?;
        Ok(Loaded::ready(Task {
            trace,
            inventory,
            cluster: CLUSTER.to_owned(),
            samples: None,
            results: Results::Ends(ends),
        }))
    };
    Ok(Recipe { ours, load: Box::new(load) })
}
