//! Cases of the Helios simulator: `helios_lucid/helios_<policy>_<placer>_<VC>_log.csv` on a slice of Philly.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use engine::MICROS;
use traces::{Trace, TraceError};

use super::case::{Case, Figure, Loaded, Printed, Recipe, Results, Task};
use super::{mappings, philly, rows};

const FAMILY: &str = "helios_lucid";
const PEER: &str = "Helios' simulator";

/// Mean completion times that the peer printed, without a log of each job: name and seconds.
const PRINTED: [(&str, f64); 1] = [("helios_fifo_consolidate_0e4a51", 1_093_575.109)];

/// The cases in `data`.
pub(crate) fn cases(data: &Path) -> Vec<Case> {
    let folder = data.join("cases/helios_lucid");
    let logs = rows::files(&folder, "_log.csv");
    let printed = PRINTED.iter().filter(|(name, _)| folder.is_dir() && logs.iter().all(|(log, _)| log != name));
    let printed: Vec<(String, Source)> =
        printed.map(|(name, mean_s)| ((*name).to_owned(), Source::Mean(*mean_s))).collect();
    let logs = logs.into_iter().map(|(name, path)| (name, Source::Log(path)));
    let all = logs.chain(printed);
    all.map(|(name, source)| Case { id: format!("{FAMILY}/{name}"), peer: PEER, recipe: recipe(data, &name, source) })
        .collect()
}

/// What the peer left behind.
enum Source {
    Log(PathBuf),
    /// Mean completion time, seconds.
    Mean(f64),
}

fn recipe(data: &Path, name: &str, source: Source) -> Result<Recipe, String> {
    let parts: Vec<&str> = name.split('_').collect();
    let ["helios", policy, placer, vc] = parts[..] else {
        return Err("its name is not helios_POLICY_PLACER_VC_log.csv".to_owned());
    };
    let ours = mappings::ours(FAMILY, placer, policy)?;
    let (slice, known) = (philly::slice(data, vc)?, philly::size(vc));
    let load = move || {
        let trace = traces::load(&slice.display().to_string())?;
        let (results, nodes) = match &source {
            Source::Mean(value_s) => {
                (Results::Printed(vec![Printed { what: Figure::JctMean, value_s: *value_s }]), None)
            }
            Source::Log(path) => {
                let log = rows::Rows::read(path)?;
                let Some(ends) = ends(&trace, &log)? else {
                    return Ok(Loaded::Unusable("the jobs of the log are not those of the trace".to_owned()));
                };
                (Results::Ends(ends), nodes(&log)?)
            }
        };
        let Some((nodes, gpus)) = known.or(nodes.map(|nodes| (nodes, 8))) else {
            return Ok(Loaded::Unusable("the size of the cluster is not known".to_owned()));
        };
        let cluster = format!("{nodes}x{gpus}");
        let inventory = traces::load_cluster(&cluster)?;
        Ok(Loaded::ready(Task { trace, inventory, cluster, samples: None, results }))
    };
    Ok(Recipe { ours, load: Box::new(load) })
}

/// The end of each job. The log has no identifiers: jobs with the same submission, GPUs and run time are told apart by
/// their order. `None`: it has other jobs than the trace.
fn ends(trace: &Trace, log: &rows::Rows) -> Result<Option<Vec<(String, f64)>>, TraceError> {
    let columns = ["submit_s", "gpus", "duration_s", "finish_s"].map(|name| log.column(name));
    let [submit, gpus, duration, finish] = columns;
    let (submit, gpus, duration, finish) = (submit?, gpus?, duration?, finish?);
    let mut waiting: BTreeMap<[u64; 3], Vec<&str>> = BTreeMap::new();
    for job in trace.jobs.iter().rev() {
        let key = [job.submit.0, u64::from(job.gpu_milli), job.duration.0];
        waiting.entry(key).or_default().push(&job.id);
    }
    let mut ends = Vec::with_capacity(log.len());
    for row in 0..log.len() {
        let scaled = |column, unit: f64| log.number(row, column).map(|number| (number * unit).round() as u64);
        let key = [scaled(submit, MICROS as f64)?, scaled(gpus, 1000.0)?, scaled(duration, MICROS as f64)?];
        let Some(id) = waiting.get_mut(&key).and_then(Vec::pop) else { return Ok(None) };
        ends.push((id.to_owned(), log.number(row, finish)?));
    }
    Ok((ends.len() == trace.jobs.len()).then_some(ends))
}

/// Nodes of the cluster: one more than the highest number in the column `nodes`, such as `[{0: 8}, {1: 4}]`.
fn nodes(log: &rows::Rows) -> Result<Option<u32>, TraceError> {
    let column = log.column("nodes")?;
    let mut most = None;
    for row in 0..log.len() {
        let text = log.text(row, column);
        let numbers = text.split(['{', ',']).filter_map(|part| part.split_once(':')).map(|(node, _)| node.trim());
        most = most.max(numbers.filter_map(|node| node.parse::<u32>().ok()).max());
    }
    Ok(most.map(|node| node + 1))
}
