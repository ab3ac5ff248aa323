//! A cluster as a TOML file.
//!
//! ```toml
//! [[model]]                 # optional; when there is one, every pool's model must be among them
//! name = "A100"
//! memory_gib = 80           # of one GPU; unknown when left out
//! price_per_hour = 2.5      # of one GPU; unknown when left out
//!
//! [[pool]]
//! name = "train"            # nodes are called train-0000, train-0001, ...
//! nodes = 60
//! gpus = 8                  # of each node
//! model = "A100"            # "GPU" when left out
//! cpu = 128                 # cores of each node; unlimited when left out
//! memory_gib = 1024         # main memory of each node; unlimited when left out
//! nvlink_domain_nodes = 2   # nodes that share one fabric; none when left out
//! rack_nodes = 8            # nodes of a rack
//! zone_nodes = 32           # nodes of a zone
//! ```
//!
//! `[[variability]]` tables say how GPUs differ: module `scores`.
//!
//! Domains nest: a rack holds whole `NVLink` domains, a zone whole racks. They never cross pools; the last of a pool may
//! be smaller.

use std::collections::HashSet;
use std::ops::Range;

use engine::{DomainId, Domains, GpuModel, Inventory, Level, ModelId, PoolId, UNLIMITED};
use serde::Deserialize;
use toml::Spanned;

use super::MODEL_DEFAULT;
use super::builder::{Builder, Machine, NODE_GPUS_MAX, NODES_MAX, bare_model};
use super::ledger::ClusterLedger;
use super::scores::{self, ClassTable};
use crate::error::{TraceError, shown};
use crate::similar::nearest;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    pool: Vec<Pool>,
    #[serde(default)]
    model: Vec<Model>,
    #[serde(default)]
    variability: Vec<ClassTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Model {
    name: Spanned<String>,
    memory_gib: Option<Spanned<f64>>,
    price_per_hour: Option<Spanned<f64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pool {
    name: Spanned<String>,
    nodes: Spanned<i64>,
    gpus: Spanned<i64>,
    model: Option<Spanned<String>>,
    cpu: Option<Spanned<f64>>,
    memory_gib: Option<Spanned<f64>>,
    nvlink_domain_nodes: Option<Spanned<i64>>,
    rack_nodes: Option<Spanned<i64>>,
    zone_nodes: Option<Spanned<i64>>,
}

/// Reads the file.
pub(super) fn read(file: &str, text: &str, ledger: &mut ClusterLedger) -> Result<Inventory, TraceError> {
    let source = Source { file, text, shape: "TOML with [[pool]] and [[model]] tables" };
    let parsed: File = toml::from_str(text).map_err(|error| source.syntax(&error))?;
    let mut builder = Builder::new(file);
    for model in &parsed.model {
        source.add_model(&mut builder, model)?;
    }
    let mut names = HashSet::new();
    for pool in &parsed.pool {
        let name = pool.name.get_ref();
        if name.trim().is_empty() || !names.insert(name.clone()) {
            let message = if name.trim().is_empty() { "the name is empty" } else { "another pool has this name" };
            return Err(source
                .error(&pool.name.span(), "name", message)
                .with_hint("give every pool a name of its own"));
        }
        source.add_pool(&mut builder, pool, parsed.model.is_empty())?;
    }
    let Some(first) = parsed.pool.first() else {
        let error = TraceError::new(file, "the cluster has no pools");
        return Err(error.with_hint("add a [[pool]] table with name, nodes and gpus"));
    };
    if builder.inventory.gpus() == 0 {
        let error = source.error(&first.gpus.span(), "gpus", "the cluster has no GPUs: every pool has 0 a node");
        return Err(error.with_hint("a cluster needs at least one node with a GPU"));
    }
    let mut inventory = builder.finish()?;
    scores::add(&source, &mut inventory, &parsed.variability, ledger)?;
    Ok(inventory)
}

/// What is wrong with a TOML file that should be `shape`: line, key and a hint, as for clusters.
pub fn toml_error(file: &str, text: &str, shape: &str, error: &toml::de::Error) -> TraceError {
    Source { file, text, shape }.syntax(error)
}

/// The text, for lines in errors.
pub(super) struct Source<'a> {
    pub(super) file: &'a str,
    text: &'a str,
    /// What the file should be.
    shape: &'a str,
}

impl Source<'_> {
    pub(super) fn error(&self, span: &Range<usize>, field: &str, message: impl Into<String>) -> TraceError {
        TraceError::new(self.file, message).at_line(self.line(span.start)).in_field(field)
    }

    fn line(&self, offset: usize) -> u64 {
        let before = self.text.as_bytes().get(..offset).unwrap_or(self.text.as_bytes());
        before.split(|&byte| byte == b'\n').count() as u64
    }

    /// An error of the parser. Its text names what it expected in backticks, which makes "did you mean".
    fn syntax(&self, error: &toml::de::Error) -> TraceError {
        let message = error.message().lines().collect::<Vec<_>>().join("; ");
        let place = |message: String| match error.span() {
            Some(span) => TraceError::new(self.file, message).at_line(self.line(span.start)),
            None => TraceError::new(self.file, message),
        };
        let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
        match quoted.split_first() {
            Some((name, expected)) if message.starts_with("unknown field") => {
                let hint = match nearest(name, expected.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the keys here are {}", expected.join(", ")),
                };
                place("no such key".to_owned()).in_field(shown(name)).with_hint(hint)
            }
            Some((name, _)) if message.starts_with("missing field") => place("the key is missing".to_owned())
                .in_field(shown(name))
                .with_hint(format!("add a line `{name} = ...` to the table")),
            _ => {
                let plain = message
                    .replace("expected i64", "expected a whole number")
                    .replace("expected f64", "expected a number");
                let fault =
                    place(plain).with_hint("correct the value: numbers stand without quotes, names with quotes");
                match error.span().and_then(|span| self.key_at(span.start)) {
                    Some(key) => fault.in_field(key),
                    None => fault.with_hint(format!("the file must be {}", self.shape)),
                }
            }
        }
    }

    /// The key of the line at `offset`, where the line sets one.
    fn key_at(&self, offset: usize) -> Option<String> {
        let line = self.text.lines().nth(self.line(offset) as usize - 1)?;
        let (key, _) = line.split_once('=')?;
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        (!key.trim().is_empty() && key.trim().chars().all(word)).then(|| shown(key.trim()))
    }

    fn whole(&self, value: &Spanned<i64>, field: &str, range: Range<u64>) -> Result<u32, TraceError> {
        let number = *value.get_ref();
        u64::try_from(number).ok().filter(|number| range.contains(number)).map(|number| number as u32).ok_or_else(
            || {
                let message = format!("`{number}` is not from {} to {}", range.start, range.end - 1);
                let hint =
                    if number == 0 { "a cluster needs at least one node with a GPU" } else { "correct the number" };
                self.error(&value.span(), field, message).with_hint(hint)
            },
        )
    }

    /// `value` times `scale` as a whole number below [`UNLIMITED`].
    fn amount(&self, value: Option<&Spanned<f64>>, field: &str, scale: f64, default: u32) -> Result<u32, TraceError> {
        let Some(value) = value else { return Ok(default) };
        let amount = (*value.get_ref() * scale).round();
        if *value.get_ref() > 0.0 && amount < f64::from(UNLIMITED) {
            return Ok(amount as u32);
        }
        let message = format!("`{}` is not above 0 and small enough to count", value.get_ref());
        let hint = "leave the key out where the amount is unlimited or unknown";
        Err(self.error(&value.span(), field, message).with_hint(hint))
    }

    fn add_model(&self, builder: &mut Builder, model: &Model) -> Result<(), TraceError> {
        let name = model.name.get_ref();
        if name.trim().is_empty() || builder.known_model(name).is_some() {
            let message = if name.trim().is_empty() { "the name is empty" } else { "another model has this name" };
            return Err(self
                .error(&model.name.span(), "name", message)
                .with_hint("give every model a name of its own"));
        }
        let memory_mib = self.amount(model.memory_gib.as_ref(), "memory_gib", 1024.0, 0)?;
        if let Some(price) = model.price_per_hour.as_ref().filter(|price| !(0.0..1e12).contains(price.get_ref())) {
            let error = self.error(&price.span(), "price_per_hour", format!("`{}` is no price", price.get_ref()));
            return Err(error.with_hint("write a number of at least 0"));
        }
        let price_per_hour = model.price_per_hour.as_ref().map(|price| *price.get_ref());
        builder.model(name, || GpuModel { name: name.clone(), memory_mib, price_per_hour }).map(|_| ())
    }

    /// The model of a pool. `undeclared` models are fine only in a file that declares none.
    fn pool_model(&self, builder: &mut Builder, pool: &Pool, undeclared: bool) -> Result<ModelId, TraceError> {
        let Some(model) = &pool.model else {
            return builder.model(MODEL_DEFAULT, || bare_model(MODEL_DEFAULT));
        };
        let name = model.get_ref();
        if undeclared && !name.trim().is_empty() {
            return builder.model(name, || bare_model(name));
        }
        builder.known_model(name).ok_or_else(|| {
            let names: Vec<&str> = builder.inventory.models.iter().map(|model| model.name.as_str()).collect();
            let hint = match nearest(name, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if names.is_empty() => "name the model, or leave the key out".to_owned(),
                None => format!("add a [[model]] table, or use one of {}", names.join(", ")),
            };
            self.error(&model.span(), "model", format!("no model is called `{}`", shown(name))).with_hint(hint)
        })
    }

    fn add_pool(&self, builder: &mut Builder, pool: &Pool, undeclared: bool) -> Result<(), TraceError> {
        let nodes = self.whole(&pool.nodes, "nodes", 1..NODES_MAX + 1)?;
        let gpus = self.whole(&pool.gpus, "gpus", 0..NODE_GPUS_MAX + 1)?;
        let cpu_milli = self.amount(pool.cpu.as_ref(), "cpu", 1000.0, UNLIMITED)?;
        let memory_mib = self.amount(pool.memory_gib.as_ref(), "memory_gib", 1024.0, UNLIMITED)?;
        let model =
            if gpus == 0 && pool.model.is_none() { ModelId(0) } else { self.pool_model(builder, pool, undeclared)? };
        let sizes = self.domain_sizes(pool)?;
        let name = pool.name.get_ref();
        let id = PoolId::new(builder.inventory.pools.len());
        builder.inventory.pools.push(name.clone());
        let first = add_domains(builder, name, nodes, sizes);
        for node in 0..nodes {
            let domain = |level: usize| sizes[level].map(|size| DomainId::new(first[level] + (node / size) as usize));
            builder.push(Machine {
                name: format!("{name}-{node:04}"),
                gpus,
                model,
                cpu_milli,
                memory_mib,
                pool: id,
                domains: Domains([domain(0), domain(1), domain(2)]),
            })?;
        }
        Ok(())
    }

    /// Nodes of a domain by level; each must hold whole domains of the next smaller one.
    fn domain_sizes(&self, pool: &Pool) -> Result<[Option<u32>; 3], TraceError> {
        let given = [
            ("nvlink_domain_nodes", &pool.nvlink_domain_nodes),
            ("rack_nodes", &pool.rack_nodes),
            ("zone_nodes", &pool.zone_nodes),
        ];
        let mut sizes = [None; 3];
        let mut inner: Option<(&str, u32)> = None;
        for (slot, (field, value)) in sizes.iter_mut().zip(given) {
            let Some(value) = value else { continue };
            let size = self.whole(value, field, 1..NODES_MAX + 1)?;
            if let Some((inside, count)) = inner.filter(|(_, count)| size % count != 0) {
                let message = format!("`{size}` is not a multiple of {inside} `{count}`");
                let error = self.error(&value.span(), field, message);
                return Err(error.with_hint("domains nest: a larger one holds whole smaller ones"));
            }
            inner = Some((field, size));
            *slot = Some(size);
        }
        Ok(sizes)
    }
}

/// Adds the domains of a pool and returns the index of the first of each level.
fn add_domains(builder: &mut Builder, pool: &str, nodes: u32, sizes: [Option<u32>; 3]) -> [usize; 3] {
    let words = ["nvlink", "rack", "zone"];
    let mut first = [0; 3];
    for (i, level) in Level::ALL.into_iter().enumerate() {
        first[i] = builder.inventory.domains.len();
        let count = sizes[i].map_or(0, |size| nodes.div_ceil(size));
        let names = (0..count).map(|k| (format!("{pool}-{}-{k:04}", words[i]), level));
        builder.inventory.domains.extend(names);
    }
    first
}
