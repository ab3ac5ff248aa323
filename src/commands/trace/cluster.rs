//! The figures of a cluster as text.

use simulator::report::fmt;
use traces::ClusterInfo;

use crate::table;

pub(super) fn table(info: &ClusterInfo) -> String {
    let mut rows = vec![
        ("cluster", format!("{} ({})", info.source, info.kind)),
        ("nodes", fmt::thousands(info.nodes)),
        ("GPUs", fmt::thousands(info.gpus)),
    ];
    if info.nodes_without_gpus > 0 {
        rows.push(("without GPUs", format!("{} nodes", fmt::thousands(info.nodes_without_gpus))));
    }
    rows.push((
        "CPU",
        info.cpu_cores.map_or_else(|| "no limit".to_owned(), |cores| format!("{} cores", fmt::number(cores))),
    ));
    rows.push((
        "memory",
        info.memory_gib.map_or_else(|| "no limit".to_owned(), |gib| format!("{} GiB", fmt::number(gib))),
    ));
    for domain in &info.domains {
        let level = format!("{:?}", domain.level).to_lowercase();
        rows.push(("topology", format!("{} of level {level}", fmt::thousands(domain.domains))));
    }
    let mut text = table::facts(&rows) + &super::counts("taken", &info.ledger.notes);
    text += &super::ignored(&info.ledger.ignored_columns);
    let models = info.models.iter().map(|of| vec![of.model.clone(), fmt::thousands(of.nodes), fmt::thousands(of.gpus)]);
    text += &("\n".to_owned() + &table::figures(&["model", "nodes", "GPUs"], &models.collect::<Vec<_>>()));
    let sizes = info.node_sizes.iter().map(|of| vec![fmt::thousands(u64::from(of.gpus)), fmt::thousands(of.nodes)]);
    text += &("\n".to_owned() + &table::figures(&["GPUs a node", "nodes"], &sizes.collect::<Vec<_>>()));
    if info.pools.len() > 1 {
        let pools =
            info.pools.iter().map(|of| vec![of.pool.clone(), fmt::thousands(of.nodes), fmt::thousands(of.gpus)]);
        text += &("\n".to_owned() + &table::figures(&["pool", "nodes", "GPUs"], &pools.collect::<Vec<_>>()));
    }
    text
}
