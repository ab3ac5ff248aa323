//! The table of FGD's publication (Weng et al., ATC 2023): six placers on the lists of openb, as its artifact prints it.
//!
//! `traces/openb2023/expected/analysis_{allo,frag}_discrete*`: a row for each list, placer and seed, and in the column `100`
//! the per cent of all GPU that was allocated (or fragmented) when the demand that had arrived was 100 % of the cluster.

use std::path::{Path, PathBuf};

use traces::TraceError;

use super::case::{Case, Filling, Loaded, Recipe, Results, Share, Shared, Task};
use super::{mappings, rows};
use crate::commands::saturate;

const FAMILY: &str = "openb";
const PEER: &str = "FGD's simulator";
const FOLDER: &str = "traces/openb2023";
const NODES: &str = "openb_node_list_gpu_node.csv";
const LISTS: &str = "openb_pod_list_";
/// How the table calls the placers, in its order.
const PLACERS: [&str; 6] = ["01-Random", "02-DotProd", "03-GpuClustering", "04-GpuPacking", "05-BestFit", "06-FGD"];
/// Columns that are compared.
const PERCENTS: [usize; 2] = [100, 130];
/// Seeds of ours, as many as the peer's.
const SEEDS: u64 = 10;
/// Seeds where means of ten say little: results of these depend on which nodes come first.
const NOISY: [&str; 2] = ["03-GpuClustering", "04-GpuPacking"];
const SEEDS_NOISY: u64 = 40;

/// The cases in `data`: each list with each placer, where the table is there.
pub(crate) fn cases(data: &Path) -> Vec<Case> {
    let folder = data.join(FOLDER);
    let (Some(allocated), Some(fragmented)) = (table(&folder, "allo"), table(&folder, "frag")) else {
        return Vec::new();
    };
    let tables = [(Shared::Allocated, allocated), (Shared::Fragmented, fragmented)];
    let lists = rows::files(&folder, ".csv").into_iter();
    let lists = lists.filter_map(|(name, path)| Some((name.strip_prefix(LISTS)?.to_owned(), path)));
    let mut cases = Vec::new();
    for (list, path) in lists {
        for placer in PLACERS {
            let recipe = recipe(&folder, &list, &path, placer, &tables);
            let name = recipe.as_ref().map_or(placer, |recipe| recipe.ours.policy.as_str());
            cases.push(Case { id: format!("{FAMILY}/{list}-{name}"), peer: PEER, recipe });
        }
    }
    cases
}

/// The table of allocated (`allo`) or fragmented (`frag`) GPU; a part of it may be what is there.
fn table(folder: &Path, what: &str) -> Option<PathBuf> {
    let head = format!("analysis_{what}_discrete");
    let mut files = rows::files(&folder.join("expected"), "").into_iter();
    files.find(|(name, _)| name.strip_prefix(&head).is_some_and(|rest| rest.starts_with('.'))).map(|(_, path)| path)
}

fn recipe(
    folder: &Path,
    list: &str,
    path: &Path,
    placer: &'static str,
    tables: &[(Shared, PathBuf); 2],
) -> Result<Recipe, String> {
    let ours = mappings::ours(FAMILY, "", placer.split_once('-').map_or(placer, |(_, name)| name))?;
    let (nodes, path, list, tables) = (folder.join(NODES), path.to_owned(), list.to_owned(), tables.clone());
    let seeds = if NOISY.contains(&placer) { SEEDS_NOISY } else { SEEDS };
    let load = move || {
        let workload = format!("{LISTS}{list}");
        let mut shares = Vec::new();
        for (of, table) in &tables {
            shares.extend(published(table, &workload, placer, *of)?);
        }
        if shares.iter().any(|share| share.values.is_empty()) {
            return Ok(Loaded::Unusable(format!("the table has no row of {list} with {placer}")));
        }
        let (trace, label) = saturate::load(&path.display().to_string())?;
        Ok(Loaded::ready(Task {
            trace,
            inventory: traces::load_cluster(&nodes.display().to_string())?,
            cluster: NODES.to_owned(),
            samples: None,
            results: Results::Filled(Filling { label, seeds, shares }),
        }))
    };
    Ok(Recipe { ours, load: Box::new(load) })
}

/// The values of a list and placer, one a seed, at each demand that is compared.
fn published(table: &Path, workload: &str, placer: &str, of: Shared) -> Result<Vec<Share>, TraceError> {
    let rows = rows::Rows::read(table)?;
    let (list, policy) = (rows.column("workload")?, rows.column("sc_policy")?);
    let wanted: Vec<usize> =
        (0..rows.len()).filter(|row| rows.text(*row, list) == workload && rows.text(*row, policy) == placer).collect();
    let share = |percent: usize| {
        let column = rows.column(&percent.to_string())?;
        let values = wanted.iter().map(|row| Ok(rows.number(*row, column)? / 100.0));
        Ok(Share { of, percent, values: values.collect::<Result<_, TraceError>>()? })
    };
    PERCENTS.into_iter().map(share).collect()
}
