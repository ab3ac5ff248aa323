//! The figures of a table of throughput as text.

use simulator::report::fmt;
use traces::profiles::{ModelInfo, ProfileInfo};

use crate::table;

pub(super) fn table(info: &ProfileInfo) -> String {
    let numbers = |values: &[u32]| values.iter().map(u32::to_string).collect::<Vec<_>>();
    let mut rows = vec![
        ("throughput", format!("{} ({})", super::listed(&info.files, 3), info.kinds.join(", "))),
        ("jobs", super::listed(&info.job_names, 12)),
        ("job types", format!("{}, with their batch sizes", fmt::thousands(info.job_types))),
        (
            "rates",
            format!("{} alone, of which {} are 0", fmt::thousands(info.entries), fmt::thousands(info.cannot_run)),
        ),
        (
            "co-location",
            format!("{} rates, of which {} are 0", fmt::thousands(info.pairs), fmt::thousands(info.pairs_cannot_run)),
        ),
        ("GPUs", super::listed(&numbers(&info.gpu_counts), 16)),
        ("batch sizes", super::listed(&numbers(&info.batch_sizes), 16)),
        ("they count", info.batch_size_counts.join("; ")),
        ("rows read", fmt::thousands(info.rows)),
    ];
    if !info.skipped_files.is_empty() {
        rows.push(("no profiles", super::listed(&info.skipped_files, 6)));
    }
    let row = |of: &ModelInfo| {
        let counts = [of.one_node, of.several_nodes, of.pairs, of.cannot_run];
        std::iter::once(of.name.clone()).chain(counts.map(fmt::thousands)).collect()
    };
    let models: Vec<Vec<String>> = info.models.iter().map(row).collect();
    table::facts(&rows)
        + &super::counts("rows left out", &info.dropped)
        + &super::counts("rows changed", &info.changed)
        + &super::ignored(&info.ignored_columns)
        + "\n"
        + &table::figures(&["model", "on one node", "on several", "co-located", "cannot run"], &models)
}
