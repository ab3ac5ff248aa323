//! Placement and scalability profiles of Pollux (Qiao et al., OSDI 2021) and Sia (Jayaram Subramanya et al., SOSP 2023).
//!
//! `<app>_placements-<cluster>.csv`: `placement` (one digit a node: its GPUs; `44` is four on each of two), `local_bsz`
//! (samples a step on each GPU), `step_time` (seconds a step, with the synchronization), `sync_time` (seconds, not
//! used). `<app>_scalability-<cluster>.csv`: `num_nodes`, `num_replicas` (GPUs) instead of the placement. Upstream the
//! files lie in a folder `<app>` and are called `placements-<cluster>.csv`; those without a cluster are equal to those
//! of `aws`. The rate is 1 / `step_time`.
//!
//! The kind of job is the application, the GPU model is the cluster, as Sia's simulator calls them: `aws` (4x T4),
//! `azure` (8x V100), `dgx` and `dgx-ext` (8x A100 40 GB, with few and with more batch sizes), `rtx` (8x RTX 2080 Ti),
//! `quad` (4x Quadro RTX 6000). Placements that are rotations of each other are the same.
//!
//! In a pipeline-parallel profile (`gpt_pmp`) `step_time` is that of one stage and micro-batch, below `sync_time`: such a
//! file has no rates of whole steps, and its rows are dropped and counted. Some files (`dgx-ext`) measure a setting
//! twice: the first is kept, the others are counted.
//!
//! Upstream: <https://github.com/petuum/adaptdl> (branch osdi21-artifact, Apache-2.0) and
//! <https://github.com/siasosp23/artifacts> (no licence of its own).

use super::ThroughputTable;
use super::columns::{at_least_one, number};
use super::entries::{Key, Spread};
use super::files::stem_and_folder;
use crate::error::{TraceError, shown};
use crate::header::Header;
use crate::table::{Cells, Table};
use crate::trace::JobType;

/// Columns of both kinds of files.
const NEEDED: [&str; 2] = ["local_bsz", "step_time"];
/// Columns of scalability profiles.
const COUNTS: [&str; 2] = ["num_nodes", "num_replicas"];
/// Columns that are used.
const USED: [&str; 6] = ["placement", "num_nodes", "num_replicas", "local_bsz", "step_time", "sync_time"];
/// The cluster of files that do not name one.
const CLUSTER_DEFAULT: &str = "aws";

/// Whether a text is such a profile.
pub(super) fn fits(text: &str) -> bool {
    let header = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
    let has = |name: &str| header.split(',').any(|column| column.trim() == name);
    NEEDED.iter().all(|name| has(name)) && (has("placement") || COUNTS.iter().all(|name| has(name)))
}

/// Reads a profile.
pub(super) fn read(table: &mut ThroughputTable, file: &str, text: &str) -> Result<(), TraceError> {
    let (app, cluster) = names(file)?;
    let mut rows = Table::open(file, text)?;
    let columns = Columns::find(rows.header());
    for name in rows.header().ignored(&USED) {
        if !table.ledger.ignored_columns.contains(&name) {
            table.ledger.ignored_columns.push(name);
        }
    }
    let (mut read, mut one_stage) = (Vec::new(), false);
    while let Some(cells) = rows.next()? {
        let row = columns.row(&cells)?;
        one_stage |= row.sync_time > row.step_time;
        read.push(row);
    }
    let model = table.add_model(&cluster).0;
    for row in read {
        table.ledger.rows += 1;
        if one_stage {
            table.ledger.drop_row("step time of one pipeline stage, not of a whole step");
            continue;
        }
        let kind = JobType { name: app.clone(), batch_size: Some(row.batch_size), batch_mode: None };
        let spread = match &row.gang {
            Gang::Shape(shape) => table.add_shape(shape),
            Gang::Nodes(nodes) => Spread::Nodes(*nodes),
        };
        let job_type = table.add_job_type(kind).0;
        table.add(Key { job_type, model, gpus: row.gpus, spread, beside: 0 }, 1.0 / row.step_time);
    }
    Ok(())
}

/// Application and cluster, from the name of the file or of its folder.
fn names(file: &str) -> Result<(String, String), TraceError> {
    let (stem, folder) = stem_and_folder(file);
    for kind in ["placements", "scalability"] {
        let Some((before, after)) = stem.rsplit_once(kind) else { continue };
        let app = match before.strip_suffix('_') {
            Some(app) => Some(app.to_owned()),
            None => folder.clone().filter(|_| before.is_empty()),
        };
        let cluster = if after.is_empty() { Some(CLUSTER_DEFAULT) } else { after.strip_prefix('-') };
        if let (Some(app), Some(cluster)) = (app, cluster)
            && !app.is_empty()
            && !cluster.is_empty()
        {
            return Ok((app, cluster.to_owned()));
        }
    }
    let error = TraceError::new(file, "the name of the file does not say which application and cluster it measures");
    Err(error.with_hint(
        "call it APP_placements-CLUSTER.csv or APP_scalability-CLUSTER.csv, such as bert_placements-aws.csv",
    ))
}

/// What a row says about the gang.
enum Gang {
    Shape(Vec<u32>),
    Nodes(u32),
}

struct Row {
    gang: Gang,
    gpus: u32,
    batch_size: u32,
    step_time: f64,
    sync_time: f64,
}

struct Columns {
    placement: Option<usize>,
    num_nodes: Option<usize>,
    num_replicas: Option<usize>,
    local_bsz: Option<usize>,
    step_time: Option<usize>,
    sync_time: Option<usize>,
}

impl Columns {
    fn find(header: &Header) -> Self {
        Self {
            placement: header.find("placement"),
            num_nodes: header.find("num_nodes"),
            num_replicas: header.find("num_replicas"),
            local_bsz: header.find("local_bsz"),
            step_time: header.find("step_time"),
            sync_time: header.find("sync_time"),
        }
    }

    fn row(&self, cells: &Cells<'_>) -> Result<Row, TraceError> {
        let (gang, gpus) = if self.placement.is_some() { self.shape(cells)? } else { self.counts(cells)? };
        let batch_size = at_least_one(cells, self.local_bsz, "local_bsz")?;
        let step_time = number(cells, self.step_time, "step_time")?;
        if !(1.0 / step_time).is_finite() {
            let error =
                cells.error("step_time", format!("`{}` is no time of a step", shown(cells.text(self.step_time))));
            return Err(error.with_hint("write seconds a step, above 0"));
        }
        let sync_time = if self.sync_time.is_some() { number(cells, self.sync_time, "sync_time")? } else { 0.0 };
        Ok(Row { gang, gpus, batch_size, step_time, sync_time })
    }

    fn shape(&self, cells: &Cells<'_>) -> Result<(Gang, u32), TraceError> {
        let text = cells.word(self.placement, "placement")?;
        let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(10).filter(|gpus| *gpus > 0)).collect();
        let Some(shape) = digits else {
            let error = cells.error("placement", format!("`{}` is not a row of digits from 1 to 9", shown(text)));
            return Err(error.with_hint("write the GPUs on each node, such as 44 for four on each of two nodes"));
        };
        let gpus = shape.iter().sum();
        Ok((Gang::Shape(shape), gpus))
    }

    fn counts(&self, cells: &Cells<'_>) -> Result<(Gang, u32), TraceError> {
        let nodes = at_least_one(cells, self.num_nodes, "num_nodes")?;
        let gpus = at_least_one(cells, self.num_replicas, "num_replicas")?;
        if gpus < nodes {
            let error = cells.error("num_replicas", format!("{gpus} GPUs cannot be on {nodes} nodes"));
            return Err(error.with_hint("every node has at least one GPU of the gang; are the columns swapped?"));
        }
        Ok((Gang::Nodes(nodes), gpus))
    }
}
