//! The `[[variability]]` tables of a cluster file: how slow each GPU is for a class of applications.
//!
//! ```toml
//! [[variability]]
//! class = "A"
//! jobs = ["resnet50", "vgg19"]   # kinds or names of jobs; left out: all that no other class names
//! file = "scores.csv"            # beside this file: node, score, and gpu and class where they are told apart
//! # scores = [1.0, 0.94, 1.31]   # instead of a file: one a node, or one a GPU
//! bins = "auto"                  # or a number
//! ```

use std::path::Path;

use engine::variability::SCORE_MEDIAN_MILLI;
use engine::{Inventory, Variability};
use serde::Deserialize;
use toml::Spanned;

use super::bins::{BINS_MAX, Bins, bins};
use super::ledger::ClusterLedger;
use super::toml_file::Source;
use crate::bytes;
use crate::decimal::Flaw;
use crate::error::{TraceError, shown};
use crate::similar::nearest;
use crate::table::{Cells, CsvTable};

/// Most classes.
const CLASSES_MAX: usize = 64;
/// Lowest and highest score, in thousandths.
const SCORES_MILLI: std::ops::RangeInclusive<u64> = 100..=100_000;
const RANGE: &str = "a score is from 0.1 to 100: what a step takes there over what it takes on the median GPU";

/// A table as it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClassTable {
    class: Spanned<String>,
    jobs: Option<Spanned<Vec<String>>>,
    scores: Option<Spanned<Vec<f64>>>,
    file: Option<Spanned<String>>,
    bins: Option<Spanned<toml::Value>>,
}

/// Adds the classes to the cluster, whose nodes are known.
pub(super) fn add(
    source: &Source<'_>,
    inventory: &mut Inventory,
    tables: &[ClassTable],
    ledger: &mut ClusterLedger,
) -> Result<(), TraceError> {
    for table in tables {
        check_class(source, inventory, table)?;
        let mut found = match (&table.scores, &table.file) {
            (Some(scores), None) => inline(source, inventory, scores)?,
            (None, Some(file)) => from_file(source, inventory, table.class.get_ref(), file)?,
            _ => {
                let error =
                    source.error(&table.class.span(), "variability", "one of scores and file says how slow GPUs are");
                return Err(error.with_hint("give scores, one a node or one a GPU, or the name of a file"));
            }
        };
        let class = table.class.get_ref().clone();
        let missing = found.iter().flatten().filter(|score| score.is_none()).count();
        if missing > 0 {
            let cause = format!("GPU without a score for class {}: as the median", shown(&class));
            ledger.note_many(&cause, missing as u64);
        }
        let scores_milli: Vec<Vec<u32>> = found
            .iter_mut()
            .map(|of_node| of_node.iter().map(|score| score.unwrap_or(SCORE_MEDIAN_MILLI)).collect())
            .collect();
        let bins = bins(&scores_milli.concat(), how(source, table)?);
        let jobs = table.jobs.as_ref().map(|jobs| jobs.get_ref().clone());
        inventory.variability.push(Variability { class, jobs, scores_milli, bins });
    }
    Ok(())
}

fn check_class(source: &Source<'_>, inventory: &Inventory, table: &ClassTable) -> Result<(), TraceError> {
    let (known, name) = (&inventory.variability, table.class.get_ref());
    let fault = match () {
        () if name.trim().is_empty() => "the name is empty",
        () if known.iter().any(|other| other.class == *name) => "another class has this name",
        () if known.len() == CLASSES_MAX => "there are more than 64 classes",
        () if table.jobs.is_none() && known.iter().any(|other| other.jobs.is_none()) => {
            "another class takes all jobs that none names"
        }
        () => return Ok(()),
    };
    let error = source.error(&table.class.span(), "class", fault);
    Err(error.with_hint("give every class a name of its own, and jobs to all but one"))
}

fn how(source: &Source<'_>, table: &ClassTable) -> Result<Bins, TraceError> {
    let Some(value) = &table.bins else { return Ok(Bins::Auto) };
    let found = match value.get_ref() {
        toml::Value::String(word) if word == "auto" => Some(Bins::Auto),
        toml::Value::Integer(count) => {
            usize::try_from(*count).ok().filter(|count| (1..=BINS_MAX).contains(count)).map(Bins::Count)
        }
        _ => None,
    };
    found.ok_or_else(|| {
        let error = source.error(&value.span(), "bins", "neither \"auto\" nor a number from 1 to 64");
        error.with_hint("auto puts GPUs together whose scores hardly differ")
    })
}

/// Scores by node and GPU, as far as they are known.
type Found = Vec<Vec<Option<u32>>>;

fn unknown(inventory: &Inventory) -> Found {
    inventory.nodes.iter().map(|node| vec![None; node.gpus as usize]).collect()
}

/// One score a node, or one a GPU, in the order of the nodes.
fn inline(source: &Source<'_>, inventory: &Inventory, scores: &Spanned<Vec<f64>>) -> Result<Found, TraceError> {
    let (given, mut found) = (scores.get_ref(), unknown(inventory));
    let mut milli = Vec::with_capacity(given.len());
    for score in given {
        let rounded = (score * 1000.0).round();
        if !(*SCORES_MILLI.start() as f64..=*SCORES_MILLI.end() as f64).contains(&rounded) {
            let error = source.error(&scores.span(), "scores", format!("`{score}` is no score"));
            return Err(error.with_hint(RANGE));
        }
        milli.push(rounded as u32);
    }
    let (nodes, gpus) = (found.len(), inventory.gpus());
    if milli.len() == nodes {
        found.iter_mut().zip(milli).for_each(|(of_node, score)| of_node.fill(Some(score)));
    } else if milli.len() as u64 == gpus {
        found.iter_mut().flatten().zip(milli).for_each(|(of_gpu, score)| *of_gpu = Some(score));
    } else {
        let message = format!("{} scores for {nodes} nodes and {gpus} GPUs", milli.len());
        let error = source.error(&scores.span(), "scores", message);
        return Err(error.with_hint("give one score a node, or one a GPU, in the order of the pools"));
    }
    Ok(found)
}

/// The rows of a list that are about one class.
fn from_file(
    source: &Source<'_>,
    inventory: &Inventory,
    class: &str,
    file: &Spanned<String>,
) -> Result<Found, TraceError> {
    let folder = Path::new(source.file).parent().unwrap_or(Path::new(""));
    let path = folder.join(file.get_ref());
    if path.exists() && !path.is_file() {
        let error = source.error(&file.span(), "file", format!("`{}` is no file", shown(file.get_ref())));
        return Err(error.with_hint("name a list with the columns node and score"));
    }
    let name = path.display().to_string();
    let text = bytes::read_unpacked(&name)?;
    let mut table = CsvTable::open(&name, bytes::text(&name, &text)?)?;
    let known = ["node", "score", "gpu", "class"];
    table.header().check_needed("list of scores", &known[..2], &known)?;
    let columns = Columns(known.map(|column| table.header().find(column)));
    let nodes = inventory.nodes.iter().enumerate().map(|(at, node)| (node.name.as_str(), at)).collect();
    let mut rows = Rows { columns, nodes, found: unknown(inventory), whole: vec![None; inventory.nodes.len()] };
    let mut any = false;
    while let Some(cells) = table.next()? {
        if columns.0[3].is_none() || cells.text(columns.0[3]).trim() == class {
            rows.add(&cells)?;
            any = true;
        }
    }
    if !any {
        let error = TraceError::new(&name, format!("no row is about class `{}`", shown(class)));
        return Err(error.with_hint("the column class must name it, or be left out"));
    }
    Ok(rows.done())
}

/// Columns of a list of scores: node, score, and gpu and class where there are any.
#[derive(Clone, Copy)]
struct Columns([Option<usize>; 4]);

/// The rows so far.
struct Rows<'a> {
    columns: Columns,
    nodes: std::collections::HashMap<&'a str, usize>,
    found: Found,
    /// Scores of all GPUs of a node.
    whole: Vec<Option<u32>>,
}

impl Rows<'_> {
    fn add(&mut self, cells: &Cells<'_>) -> Result<(), TraceError> {
        let Columns([node, score, gpu, _]) = self.columns;
        let name = cells.word(node, "node")?;
        let at = *self.nodes.get(name).ok_or_else(|| {
            let error = cells.error("node", format!("the cluster has no node `{}`", shown(name)));
            match nearest(name, self.nodes.keys().copied()) {
                Some(near) => error.with_hint(format!("did you mean `{near}`?")),
                None => error.with_hint("nodes of a pool are called after it: train-0000, train-0001, ..."),
            }
        })?;
        let milli = cells.scaled(score, "score", 3)?.value;
        if !SCORES_MILLI.contains(&milli) {
            return Err(cells.flaw("score", Flaw::TooLarge, cells.text(score)).with_hint(RANGE));
        }
        let slot = if cells.is_blank(gpu) {
            &mut self.whole[at]
        } else {
            let (index, gpus) = (cells.count(gpu, "gpu")?, self.found[at].len());
            self.found[at].get_mut(index as usize).ok_or_else(|| {
                let error = cells.error("gpu", format!("the node has {gpus} GPUs, counted from 0"));
                error.with_hint("correct the number, or leave it blank for all GPUs of the node")
            })?
        };
        if slot.replace(milli as u32).is_some() {
            let error = cells.error("node", "it has a score already");
            return Err(error.with_hint("give each GPU, or each node, one score a class"));
        }
        Ok(())
    }

    /// A GPU's own score goes before that of its node.
    fn done(mut self) -> Found {
        for (of_node, whole) in self.found.iter_mut().zip(&self.whole) {
            for score in of_node {
                *score = score.or(*whole);
            }
        }
        self.found
    }
}
