//! Clusters that are only counts.
//!
//! Gavel's `cluster_specs.json` (OSDI 2020; <https://github.com/stanford-futuredata/gavel>, MIT): an object whose values are
//! lists of texts `V100:P100:K80` with numbers of GPUs. `[name=KEY]` and `[spec=TEXT]` choose where there are several. GPUs
//! of a node are not in the file; Gavel's scripts take 1 of each type unless told otherwise, and so do we;
//! `[gpus_per_node=N]` or `[gpus_per_node=A:B:C]` sets it.
//!
//! Shockwave's configurations (NSDI 2023; <https://github.com/uw-mad-dash/shockwave>, MIT): parameters of its planner, of
//! which only `gpu_ram` (GB, of its V100 GPUs) describes the cluster. The number of GPUs is in the name of the file, such as
//! `scale_128gpus.json`, or in `[gpus=N]`; the names of its reproduction scripts go with them. GPUs of a node as for Gavel.
//!
//! Helios' and Lucid's `vc_config.csv` (SC 2021, ASPLOS 2023): the name of a virtual cluster (first column, without a name)
//! and `num`, its nodes. Virtual clusters become pools. Nodes have 8 GPUs unless `[gpus_per_node=N]` says otherwise.
//!
//! Alea's `*.swf.machines` (<https://github.com/aleasimulator/alea>): no header; id, name, nodes, CPUs of a node, speed,
//! memory of a node (KB), between tabs or blanks; the meanings are inferred. These clusters have no GPUs, and the jobs of
//! their logs ask for processors: each CPU is taken as a GPU of the model `CPU`.

use engine::{Domains, GpuModel, Inventory, PoolId, UNLIMITED};
use serde_json::{Map, Value};

use super::MODEL_DEFAULT;
use super::builder::{Builder, Machine, NODE_GPUS_MAX, NODES_MAX, bare_model};
use super::ledger::ClusterLedger;
use super::lists::{Names, name};
use super::network::{gpus_per_node, note_gpus, pool};
use crate::error::{TraceError, shown};
use crate::input::Input;
use crate::table::{Cells, CsvTable, Dialect, Names as Columns, Table};

/// The GPU types of Gavel, in the order of its specs.
const GAVEL: [&str; 3] = ["v100", "p100", "k80"];
/// The model of the CPUs that stand for GPUs.
const CPU_MODEL: &str = "CPU";

/// Nodes that are all alike.
struct Kin<'a> {
    prefix: &'a str,
    nodes: u32,
    gpus: u32,
    cpu_milli: u32,
    memory_mib: u32,
    pool: PoolId,
}

fn push_kin(builder: &mut Builder, kin: &Kin<'_>, model: engine::ModelId) -> Result<(), TraceError> {
    let Kin { prefix, nodes, gpus, cpu_milli, memory_mib, pool } = *kin;
    for node in 0..nodes {
        let (name, domains) = (format!("{prefix}-{node:04}"), Domains::default());
        builder.push(Machine { name, gpus, model, cpu_milli, memory_mib, pool, domains })?;
    }
    Ok(())
}

/// Nodes of `each` GPUs for `gpus` of them; the last has the rest.
fn push_gpus(
    builder: &mut Builder,
    model: GpuModel,
    (gpus, each): (u32, u32),
    ledger: &mut ClusterLedger,
) -> Result<(), TraceError> {
    let pool = pool(builder, "default");
    let prefix = model.name.clone();
    let id = builder.model(&prefix, || model)?;
    let kin =
        Kin { prefix: &prefix, nodes: gpus / each, gpus: each, cpu_milli: UNLIMITED, memory_mib: UNLIMITED, pool };
    push_kin(builder, &kin, id)?;
    if gpus % each > 0 {
        ledger.note("the GPUs of a model do not fill its nodes: the last node is smaller");
        let prefix = format!("{prefix}-rest");
        push_kin(builder, &Kin { prefix: &prefix, nodes: 1, gpus: gpus % each, ..kin }, id)?;
    }
    Ok(())
}

/// The object of a JSON file.
pub(super) fn object(text: &str) -> Option<Map<String, Value>> {
    match serde_json::from_str(text) {
        Ok(Value::Object(map)) => Some(map),
        _ => None,
    }
}

/// Whether the object is one of Gavel's: lists of texts with colons.
pub(super) fn is_gavel(map: &Map<String, Value>) -> bool {
    let is_spec = |value: &Value| value.as_str().is_some_and(|text| text.contains(':'));
    !map.is_empty()
        && map
            .values()
            .all(|value| value.as_array().is_some_and(|specs| !specs.is_empty() && specs.iter().all(is_spec)))
}

/// Reads Gavel's cluster specs.
pub(super) fn read_gavel(input: &Input<'_>, ledger: &mut ClusterLedger) -> Result<Inventory, TraceError> {
    let map = object(input.text).unwrap_or_default();
    let names: Vec<&str> = map.keys().map(String::as_str).collect();
    let name = choice(input, "name", &names)?;
    let specs: Vec<&str> = map[name].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let spec = choice(input, "spec", &specs)?;
    let counts = triple(spec).ok_or_else(|| {
        let error = TraceError::new(input.file, format!("`{}` is not of the form V100:P100:K80", shown(spec)));
        error.in_field(shown(name)).with_hint("write three numbers of GPUs, such as 36:36:36")
    })?;
    let each = match input.options.get("gpus_per_node") {
        Some(text) if text.contains(':') => triple(text)
            .filter(|counts| counts.iter().all(|count| (1..=NODE_GPUS_MAX).contains(&u64::from(*count))))
            .ok_or_else(|| input.bad_option("gpus_per_node", "one number or three, such as 4:4:8"))?,
        _ => {
            let (each, is_guess) = gpus_per_node(input, 1)?;
            if is_guess {
                note_gpus(ledger, each, counts.iter().sum::<u32>() as usize);
            }
            [each; 3]
        }
    };
    let mut builder = Builder::new(input.file);
    for ((model, count), each) in GAVEL.into_iter().zip(counts).zip(each).filter(|((_, count), _)| *count > 0) {
        push_gpus(&mut builder, bare_model(model), (count, each), ledger)?;
    }
    builder.finish()
}

/// The one of `known` that the option names; the only one without it.
fn choice<'a>(input: &Input<'a>, key: &str, known: &[&'a str]) -> Result<&'a str, TraceError>
where
{
    let listed = || known.iter().take(20).map(|name| shown(name)).collect::<Vec<_>>().join(", ");
    match (input.options.get(key), known) {
        (Some(name), _) => known
            .iter()
            .find(|known| **known == name)
            .copied()
            .ok_or_else(|| input.bad_option(key, &format!("one of {}", listed()))),
        (None, [only]) => Ok(only),
        (None, _) => {
            let error = TraceError::new(input.file, format!("the file has several clusters: {}", listed()));
            Err(error.with_hint(format!("choose one: {}[{key}=...]", input.file)))
        }
    }
}

/// Three numbers between colons, none above the most GPUs that count.
fn triple(text: &str) -> Option<[u32; 3]> {
    let numbers: Vec<u32> = text.split(':').map(|part| part.trim().parse().ok()).collect::<Option<_>>()?;
    let numbers: [u32; 3] = numbers.try_into().ok()?;
    numbers.iter().all(|number| *number <= 10_000_000).then_some(numbers)
}

/// Reads a Shockwave configuration.
pub(super) fn read_shockwave(input: &Input<'_>, ledger: &mut ClusterLedger) -> Result<Inventory, TraceError> {
    let map = object(input.text).unwrap_or_default();
    let ram = map.get("gpu_ram").and_then(Value::as_u64).and_then(|gb| u32::try_from(gb).ok()).filter(|gb| *gb <= 4096);
    let Some(memory_mib) = ram.map(|gb| gb * 1024) else {
        let error = TraceError::new(input.file, "`gpu_ram` is no number of GB").in_field("gpu_ram");
        return Err(error.with_hint("write whole gigabytes such as 16"));
    };
    ledger.ignored_columns = map.keys().filter(|key| *key != "gpu_ram").cloned().collect();
    let gpus = match input.count_option("gpus")? {
        Some(gpus) => gpus,
        None => match named_gpus(input.file) {
            Some(gpus) => {
                ledger.note("the number of GPUs is not in the file: taken from its name");
                gpus
            }
            None => {
                let error = TraceError::new(input.file, "neither the file nor its name says how many GPUs there are");
                return Err(error.with_hint(format!("write {}[gpus=64]", input.file)));
            }
        },
    };
    let (each, is_guess) = gpus_per_node(input, 1)?;
    if is_guess {
        note_gpus(ledger, each, gpus as usize);
    }
    ledger.note("the file names no GPU model: v100, as in the paper");
    let mut builder = Builder::new(input.file);
    push_gpus(&mut builder, GpuModel { memory_mib, ..bare_model(GAVEL[0]) }, (gpus, each), ledger)?;
    builder.finish()
}

/// The number before `gpus` in the name of a file.
fn named_gpus(file: &str) -> Option<u32> {
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    let before = &name[..name.find("gpus")?];
    let digits = before.rfind(|c: char| !c.is_ascii_digit()).map_or(before, |at| {
        let width = before[at..].chars().next().map_or(1, char::len_utf8);
        &before[at + width..]
    });
    digits.parse().ok().filter(|gpus| *gpus > 0)
}

/// Reads the nodes of virtual clusters.
pub(super) fn read_vcs(
    input: &Input<'_>,
    mut table: CsvTable<'_>,
    ledger: &mut ClusterLedger,
) -> Result<Inventory, TraceError> {
    let (gpus, is_guess) = gpus_per_node(input, 8)?;
    let mut builder = Builder::new(input.file);
    let model = builder.model(MODEL_DEFAULT, || bare_model(MODEL_DEFAULT))?;
    let mut names = Names::new();
    while let Some(cells) = table.next()? {
        ledger.rows += 1;
        let prefix = name(&cells, Some(0), "vc", &mut names)?;
        let nodes = nodes(&cells, 1, "num")?;
        ledger.note_if(nodes == 0, "virtual cluster without nodes");
        let pool = pool(&mut builder, &prefix);
        let kin = Kin { prefix: &prefix, nodes, gpus, cpu_milli: UNLIMITED, memory_mib: UNLIMITED, pool };
        push_kin(&mut builder, &kin, model)?;
    }
    if is_guess {
        note_gpus(ledger, gpus, builder.inventory.nodes.len());
    }
    builder.finish()
}

fn nodes(cells: &Cells<'_>, at: usize, field: &str) -> Result<u32, TraceError> {
    let nodes = cells.count(Some(at), field)?;
    if u64::from(nodes) <= NODES_MAX {
        return Ok(nodes);
    }
    Err(cells.error(field, format!("`{nodes}` is more than {NODES_MAX}")).with_hint("give a smaller cluster"))
}

/// Columns of a machine file.
const MACHINES: [&str; 6] = ["id", "name", "nodes", "cpus", "speed", "memory"];
const BLANKS: Dialect = Dialect { delimiter: b' ', comment: Some(b';'), names: Columns::Given(&MACHINES) };

/// Whether the text has the shape of a machine file.
pub(super) fn is_machines(text: &str) -> bool {
    let is_row = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let number = |i: usize| fields[i].parse::<f64>().is_ok_and(f64::is_finite);
        fields.len() == 6 && !number(1) && [0, 2, 3, 4, 5].into_iter().all(number)
    };
    let mut lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with(';')).take(5).peekable();
    lines.peek().is_some() && lines.all(is_row)
}

/// Reads a machine file.
pub(super) fn read_machines(input: &Input<'_>, ledger: &mut ClusterLedger) -> Result<Inventory, TraceError> {
    let mut table = Table::with_dialect(input.file, input.text, BLANKS)?;
    let mut builder = Builder::new(input.file);
    let pool = pool(&mut builder, "default");
    let model = builder.model(CPU_MODEL, || bare_model(CPU_MODEL))?;
    let mut names = Names::new();
    while let Some(cells) = table.next()? {
        ledger.rows += 1;
        let prefix = name(&cells, Some(1), MACHINES[1], &mut names)?;
        let nodes = nodes(&cells, 2, MACHINES[2])?;
        let gpus = super::lists::gpus(&cells, Some(3), MACHINES[3])?;
        let memory = cells.count(Some(5), MACHINES[5])? / 1024;
        let kin = Kin { prefix: &prefix, nodes, gpus, cpu_milli: UNLIMITED, memory_mib: memory, pool };
        push_kin(&mut builder, &kin, model)?;
    }
    ledger.ignored_columns = vec!["id".to_owned(), "speed".to_owned()];
    ledger.note_many("CPUs taken as GPUs of the model CPU, nodes", builder.inventory.nodes.len() as u64);
    builder.finish()
}

#[cfg(test)]
mod tests;
