//! What a table holds, in figures.

use std::collections::BTreeSet;

use serde::Serialize;

use super::entries::Spread;
use super::{ProfileKind, ThroughputTable};
use crate::trace::Ledger;

/// Version of [`ProfileInfo`] as JSON.
const INFO_SCHEMA: u32 = 1;

/// Figures of a table of throughput.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProfileInfo {
    /// Version of this object.
    pub schema: u32,
    /// Families of the files: `gavel`, `pollux`, `elasticflow`.
    pub kinds: Vec<&'static str>,
    /// Files that were read.
    pub files: Vec<String>,
    /// Files of the folders that are no profiles.
    pub skipped_files: Vec<String>,
    /// Names of the kinds of jobs, without batch sizes.
    pub job_names: Vec<String>,
    /// Kinds of jobs: names with batch sizes.
    pub job_types: u64,
    /// GPU models, in the order of the source.
    pub models: Vec<ModelInfo>,
    /// Rates of jobs that run alone.
    pub entries: u64,
    /// Rates of jobs beside another job.
    pub pairs: u64,
    /// Rates of 0 alone: the job cannot run so.
    pub cannot_run: u64,
    /// Rates of 0 beside another job.
    pub pairs_cannot_run: u64,
    /// Numbers of GPUs that were measured.
    pub gpu_counts: Vec<u32>,
    /// Batch sizes that were measured.
    pub batch_sizes: Vec<u32>,
    /// What the batch sizes count, by family.
    pub batch_size_counts: Vec<&'static str>,
    /// Rates in the sources, or pairs of rates.
    pub rows: u64,
    /// Rows left out, by cause.
    pub dropped: std::collections::BTreeMap<String, u64>,
    /// Rows kept with a changed or guessed value, by cause.
    pub changed: std::collections::BTreeMap<String, u64>,
    /// Columns of the sources that were not used.
    pub ignored_columns: Vec<String>,
}

/// Figures of one GPU model.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ModelInfo {
    /// Its name in the source.
    pub name: String,
    /// Rates alone on one node, or where the source does not tell nodes apart.
    pub one_node: u64,
    /// Rates alone on more than one node.
    pub several_nodes: u64,
    /// Rates beside another job.
    pub pairs: u64,
    /// Rates of 0 alone.
    pub cannot_run: u64,
}

impl ThroughputTable {
    /// What the table holds.
    pub fn describe(&self) -> ProfileInfo {
        let models = self.model_infos();
        let sum = |part: fn(&ModelInfo) -> u64| models.iter().map(part).sum::<u64>();
        let names: BTreeSet<&String> = self.job_types.iter().map(|kind| &kind.name).collect();
        let sizes: BTreeSet<u32> = self.job_types.iter().filter_map(|kind| kind.batch_size).collect();
        let gpus: BTreeSet<u32> = self.entries.iter().map(|(key, _)| key.gpus).collect();
        let zero_pairs = self.entries.iter().filter(|(key, rate)| key.beside != 0 && *rate <= 0.0).count();
        let Ledger { rows, dropped, changed, ignored_columns } = self.ledger.clone();
        let counts = |kind: &ProfileKind| kind.batch_size_counts();
        ProfileInfo {
            schema: INFO_SCHEMA,
            kinds: self.kinds.iter().map(|kind| kind.name()).collect(),
            files: self.files.clone(),
            skipped_files: self.skipped_files.clone(),
            job_names: names.into_iter().cloned().collect(),
            job_types: self.job_types.len() as u64,
            entries: sum(|model| model.one_node + model.several_nodes),
            pairs: sum(|model| model.pairs),
            cannot_run: sum(|model| model.cannot_run),
            models,
            pairs_cannot_run: zero_pairs as u64,
            gpu_counts: gpus.into_iter().collect(),
            batch_sizes: sizes.into_iter().collect(),
            batch_size_counts: self.kinds.iter().map(counts).collect::<BTreeSet<_>>().into_iter().collect(),
            rows,
            dropped,
            changed,
            ignored_columns,
        }
    }

    fn model_infos(&self) -> Vec<ModelInfo> {
        let named = |name: &String| ModelInfo { name: name.clone(), ..ModelInfo::default() };
        let mut models: Vec<ModelInfo> = self.models.iter().map(named).collect();
        for (key, rate) in &self.entries {
            let model = &mut models[key.model as usize];
            if key.beside != 0 {
                model.pairs += 1;
                continue;
            }
            model.cannot_run += u64::from(*rate <= 0.0);
            let several = match key.spread {
                Spread::OneNode | Spread::Unsaid => false,
                Spread::SeveralNodes => true,
                Spread::Nodes(nodes) => nodes > 1,
                Spread::Shape(shape) => self.shapes[shape as usize].len() > 1,
            };
            if several {
                model.several_nodes += 1;
            } else {
                model.one_node += 1;
            }
        }
        models
    }
}
