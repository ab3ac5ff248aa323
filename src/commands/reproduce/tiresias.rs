//! Cases of Tiresias' simulator: `tiresias/jobs/<case>-<scheme>-<policy>.csv`.
//!
//! A case `n<NODES>g<GPUS>` is the list of 60 jobs on so many nodes; `p<HEX>` is the slice of Philly whose virtual
//! cluster begins so. The scheme `count` knows no nodes: one node with all GPUs is the same.

use std::path::{Path, PathBuf};

use traces::TraceError;

use super::case::{Case, Loaded, Recipe, Results, Task};
use super::{mappings, philly, rows};

const FAMILY: &str = "tiresias";
const PEER: &str = "Tiresias' simulator";
/// Services of jobs in GPU-seconds, one a line under a header.
const SAMPLES_FILE: &str = "yarn-gput1000.csv";

/// The cases in `data`.
pub(crate) fn cases(data: &Path) -> Vec<Case> {
    let folder = data.join("cases/tiresias");
    rows::files(&folder.join("jobs"), ".csv").into_iter().map(|(name, path)| case(data, &name, path)).collect()
}

fn case(data: &Path, name: &str, path: PathBuf) -> Case {
    Case { id: format!("{FAMILY}/{name}"), peer: PEER, recipe: recipe(data, name, path) }
}

/// A name taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Name<'a> {
    jobs: Jobs<'a>,
    scheme: &'a str,
    policy: &'a str,
}

/// Which jobs on which nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Jobs<'a> {
    /// The 60 jobs, on (nodes, GPUs of each).
    Sixty(u32, u32),
    /// The slice of Philly whose virtual cluster begins so.
    Philly(&'a str),
}

fn parse(name: &str) -> Option<Name<'_>> {
    let mut parts = name.splitn(3, '-');
    let (case, scheme, policy) = (parts.next()?, parts.next()?, parts.next()?);
    let vc = case.strip_prefix('p').filter(|vc| !vc.is_empty() && vc.chars().all(|c| c.is_ascii_hexdigit()));
    let jobs = vc.map(Jobs::Philly).or_else(|| sixty(case))?;
    Some(Name { jobs, scheme, policy })
}

/// The case `n<NODES>g<GPUS>`.
fn sixty(case: &str) -> Option<Jobs<'_>> {
    let (nodes, gpus) = case.strip_prefix('n')?.split_once('g')?;
    let number = |text: &str| text.parse().ok().filter(|number| *number > 0);
    Some(Jobs::Sixty(number(nodes)?, number(gpus)?))
}

fn recipe(data: &Path, name: &str, path: PathBuf) -> Result<Recipe, String> {
    let Name { jobs, scheme, policy } = parse(name).ok_or("its name is not CASE-SCHEME-POLICY")?;
    let ours = mappings::ours(FAMILY, scheme, policy)?;
    let by_count = scheme == "count";
    let (trace, size) = match jobs {
        Jobs::Sixty(nodes, gpus) => (data.join("cases/tiresias/trace_60job.csv"), Some((nodes, gpus))),
        Jobs::Philly(vc) => (philly::slice(data, vc)?, philly::size(vc)),
    };
    let samples = ours.policy.contains(mappings::SAMPLES).then(|| samples(data)).transpose()?;
    let group = name.split('-').next().unwrap_or(name).to_owned();
    let load = move || {
        let ends = rows::Rows::read(&path)?.pairs("job_id", "finish_s")?;
        let trace = traces::load(&trace.display().to_string())?;
        let samples = samples.as_deref().map(values).transpose()?;
        if ends.len() != trace.jobs.len() {
            let (found, all) = (ends.len(), trace.jobs.len());
            return Ok(Loaded::Unusable(format!("the peer's result has {found} of {all} jobs")));
        }
        let Some((nodes, gpus)) = size.map_or_else(|| size_by_peak(&path, &group), |size| Ok(Some(size)))? else {
            return Ok(Loaded::Unusable("the size of the cluster is not known".to_owned()));
        };
        let cluster = if by_count { format!("1x{}", nodes * gpus) } else { format!("{nodes}x{gpus}") };
        let inventory = traces::load_cluster(&cluster)?;
        Ok(Loaded::ready(Task { trace, inventory, cluster, samples, results: Results::Ends(ends) }))
    };
    Ok(Recipe { ours, load: Box::new(load) })
}

/// The file with the services, from which the peer's `gittins` makes its index.
fn samples(data: &Path) -> Result<PathBuf, String> {
    let places = ["cases/tiresias", "traces/tiresias"].map(|folder| data.join(folder).join(SAMPLES_FILE));
    places.into_iter().find(|path| path.is_file()).ok_or_else(|| format!("there is no traces/tiresias/{SAMPLES_FILE}"))
}

/// The first column of a file, joined by `+`.
fn values(path: &Path) -> Result<String, TraceError> {
    let rows = rows::Rows::read(path)?;
    let Some(column) = rows.first() else { return Ok(String::new()) };
    let value = |row| rows.number(row, column).map(|value| value.to_string());
    Ok((0..rows.len()).map(value).collect::<Result<Vec<_>, _>>()?.join("+"))
}

/// The nodes of 8 GPUs that the most GPUs ever in use need, over the results of the same case in which nobody was
/// preempted. In a cluster that had a queue this is its size.
fn size_by_peak(path: &Path, group: &str) -> Result<Option<(u32, u32)>, TraceError> {
    let folder = path.parent().unwrap_or(path);
    let mut most = 0;
    for (name, path) in rows::files(folder, ".csv") {
        if name.split('-').next() == Some(group) {
            most = most.max(peak(&rows::Rows::read(&path)?)?);
        }
    }
    Ok((most > 0).then(|| (most.div_ceil(8), 8)))
}

/// Most GPUs in use at once; 0 where somebody was preempted.
fn peak(rows: &rows::Rows) -> Result<u32, TraceError> {
    let columns = ["gpus", "first_start_s", "finish_s", "preempts"].map(|name| rows.column(name));
    let [gpus, start, end, preempts] = columns;
    let (gpus, start, end, preempts) = (gpus?, start?, end?, preempts?);
    let mut changes = Vec::new();
    for row in 0..rows.len() {
        if rows.number(row, preempts)? > 0.0 {
            return Ok(0);
        }
        let held = rows.number(row, gpus)?;
        changes.push((rows.number(row, start)?, held));
        changes.push((rows.number(row, end)?, -held));
    }
    changes.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let (mut held, mut most) = (0.0, 0.0_f64);
    for (_, change) in changes {
        held += change;
        most = most.max(held);
    }
    Ok(most as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let name = parse("n32g4-count-dlas-gpu-gittins").unwrap();
        assert_eq!(name, Name { jobs: Jobs::Sixty(32, 4), scheme: "count", policy: "dlas-gpu-gittins" });
        assert_eq!(parse("p0e-yarn-fifo").unwrap().jobs, Jobs::Philly("0e"));
        for name in ["n0g8-count-fifo", "n8-count-fifo", "p-count-fifo", "px-count-fifo", "n1g8-fifo"] {
            assert_eq!(parse(name), None, "{name}");
        }
    }
}
