//! Cases of Muri's simulator: `muri/jobs/<trace>-<policy>.csv`, the trace in `<trace>_plain.csv`, on 8 nodes of 8 GPUs.
//!
//! A trace `<trace>_pr` has the jobs of `<trace>`, all submitted at 0. What a restart costs stands in a column of the
//! trace.

use std::path::{Path, PathBuf};

use engine::{Span, Time};
use traces::{Trace, TraceError};

use super::case::{Case, Loaded, Recipe, Results, Task};
use super::{mappings, rows};

const FAMILY: &str = "muri";
const PEER: &str = "Muri's simulator";
const CLUSTER: &str = "8x8";
/// The same without nodes, and the policies that this peer places so.
const POOL: &str = "1x64";
const BY_COUNT: [&str; 1] = ["dlas-gpu"];
/// What the name of a trace ends in whose jobs are all submitted at 0.
const AT_ONCE: &str = "_pr";

/// The cases in `data`.
pub(crate) fn cases(data: &Path) -> Vec<Case> {
    let folder = data.join("cases/muri");
    let files = rows::files(&folder.join("jobs"), ".csv").into_iter();
    files
        .map(|(name, path)| Case { id: format!("{FAMILY}/{name}"), peer: PEER, recipe: recipe(&folder, &name, path) })
        .collect()
}

/// Where the jobs come from.
enum Jobs {
    /// As the file has them.
    AsRecorded(PathBuf),
    /// All at 0.
    AtOnce(PathBuf),
}

fn recipe(folder: &Path, name: &str, path: PathBuf) -> Result<Recipe, String> {
    let (trace, policy) = name.split_once('-').ok_or("its name is not TRACE-POLICY")?;
    let ours = mappings::ours(FAMILY, "", policy)?;
    let jobs = jobs(folder, trace)?;
    let cluster = if BY_COUNT.contains(&policy) { POOL } else { CLUSTER };
    let load = move || {
        let trace = read(&jobs)?;
        let ends = rows::Rows::read(&path)?.pairs("job_id", "finish_s")?;
        if ends.len() != trace.jobs.len() {
            let (found, all) = (ends.len(), trace.jobs.len());
            return Ok(Loaded::Unusable(format!("the peer's result has {found} of {all} jobs")));
        }
        let inventory = traces::load_cluster(cluster)?;
        Ok(Loaded::ready(Task {
            trace,
            inventory,
            cluster: cluster.to_owned(),
            samples: None,
            results: Results::Ends(ends),
        }))
    };
    Ok(Recipe { ours, load: Box::new(load) })
}

fn jobs(folder: &Path, trace: &str) -> Result<Jobs, String> {
    let plain = |name: &str| Some(folder.join(format!("{name}_plain.csv"))).filter(|path| path.is_file());
    let own = plain(trace).map(Jobs::AsRecorded);
    let at_once = || trace.strip_suffix(AT_ONCE).and_then(plain).map(Jobs::AtOnce);
    own.or_else(at_once).ok_or_else(|| format!("there is no file cases/muri/{trace}_plain.csv"))
}

/// The jobs, with what a restart costs each.
fn read(jobs: &Jobs) -> Result<Trace, TraceError> {
    let (Jobs::AsRecorded(path) | Jobs::AtOnce(path)) = jobs;
    let mut trace = traces::load(&path.display().to_string())?;
    let costs: std::collections::BTreeMap<String, f64> =
        rows::Rows::read(path)?.pairs("job_id", "overhead_s")?.into_iter().collect();
    for job in &mut trace.jobs {
        job.restart = costs.get(job.id.as_str()).and_then(|cost_s| Span::from_secs_f64(*cost_s));
        if matches!(jobs, Jobs::AtOnce(_)) {
            job.submit = Time(0);
        }
    }
    Ok(trace)
}
