//! Lists with a machine a row: nodes of openb, and Philly's machines.
//!
//! An openb list has `sn`, `cpu_milli`, `memory_mib`, `gpu` (whole GPUs) and `model` (empty without GPUs). The memory
//! of the models and their prices are not in the list and stay unknown.
//! A Philly list has `machineId`, `number of GPUs` and, in the original, `single GPU mem` such as `12GB`. It names no
//! models, so they are called after their memory (`GPU-12GB`); CPU and memory of the machines are unlimited. The revised
//! list, made from telemetry, has an index column and no memory; the two contradict each other.
//! A list of Alibaba's spot trace 2026 (`node_info_df.csv`) has `node_name`, `gpu_model`, `gpu_capacity_num` (whole GPUs)
//! and `cpu_num` (vCPU), in any order; the memory of the nodes is not in it and is unlimited.
//! Machines without GPUs are nodes too, for jobs that ask for CPU only; they are counted.

use std::collections::HashMap;

use engine::{Domains, GpuModel, Inventory, ModelId, PoolId, UNLIMITED};

use super::MODEL_DEFAULT;
use super::builder::{Builder, Machine, NODE_GPUS_MAX, bare_model};
use super::ledger::ClusterLedger;
use crate::canonical::words::below_unlimited;
use crate::decimal::Flaw;
use crate::error::{TraceError, shown};
use crate::table::{Cells, CsvTable, Place};

const OPENB: [&str; 5] = ["sn", "cpu_milli", "memory_mib", "gpu", "model"];
const PHILLY: [&str; 2] = ["machineId", "number of GPUs"];
const PHILLY_MEMORY: &str = "single GPU mem";
const SPOT: [&str; 4] = ["node_name", "gpu_model", "gpu_capacity_num", "cpu_num"];

const NO_GPUS: &str = "node without GPUs: for jobs that ask for CPU only";

/// Machine names seen so far, with their place.
pub(super) type Names = HashMap<String, Place>;

/// A builder with one pool.
pub(super) fn builder(file: &str) -> Builder {
    let mut builder = Builder::new(file);
    builder.inventory.pools.push("default".to_owned());
    builder
}

/// Reads an openb node list.
pub(super) fn read_openb(mut table: CsvTable<'_>, ledger: &mut ClusterLedger) -> Result<Inventory, TraceError> {
    let header = table.header();
    header.check_needed("openb node list", &OPENB, &OPENB)?;
    ledger.ignored_columns = header.ignored(&OPENB);
    let at = OPENB.map(|name| header.find(name));
    let mut builder = builder(&header.file);
    let mut names = Names::new();
    while let Some(cells) = table.next()? {
        ledger.rows += 1;
        let name = name(&cells, at[0], OPENB[0], &mut names)?;
        let limited = |i: usize| {
            let value = cells.count(at[i], OPENB[i])?;
            below_unlimited(u64::from(value)).ok_or_else(|| cells.flaw(OPENB[i], Flaw::TooLarge, cells.text(at[i])))
        };
        let (cpu_milli, memory_mib) = (limited(1)?, limited(2)?);
        let gpus = gpus(&cells, at[3], OPENB[3])?;
        ledger.note_if(gpus == 0, NO_GPUS);
        let text = cells.text(at[4]).trim();
        if gpus > 0 && text.is_empty() {
            let error = cells.error("model", "a node with GPUs needs a model");
            return Err(error.with_hint("name the model of its GPUs, such as T4"));
        }
        let model = if gpus == 0 { ModelId(0) } else { builder.model(text, || bare_model(text))? };
        let (pool, domains) = (PoolId(0), Domains::default());
        builder.push(Machine { name, gpus, model, cpu_milli, memory_mib, pool, domains })?;
    }
    builder.finish()
}

/// Reads a Philly machine list.
pub(super) fn read_philly(mut table: CsvTable<'_>, ledger: &mut ClusterLedger) -> Result<Inventory, TraceError> {
    let header = table.header();
    header.check_needed("philly machine list", &PHILLY, &[PHILLY[0], PHILLY[1], PHILLY_MEMORY])?;
    let at = PHILLY.map(|name| header.find(name));
    let memory = header.find(PHILLY_MEMORY);
    ledger.ignored_columns = header.ignored(&[PHILLY[0], PHILLY[1], PHILLY_MEMORY]);
    let mut builder = builder(&header.file);
    let mut names = Names::new();
    while let Some(cells) = table.next()? {
        ledger.rows += 1;
        let name = name(&cells, at[0], PHILLY[0], &mut names)?;
        let gpus = gpus(&cells, at[1], PHILLY[1])?;
        ledger.note_if(gpus == 0, NO_GPUS);
        ledger.note_if(gpus > 0, "the list names no GPU model: called after the memory, or GPU");
        let gpu = philly_model(&cells, memory)?;
        let model_name = gpu.name.clone();
        let model = if gpus == 0 { ModelId(0) } else { builder.model(&model_name, || gpu)? };
        let (cpu_milli, memory_mib) = (UNLIMITED, UNLIMITED);
        let (pool, domains) = (PoolId(0), Domains::default());
        builder.push(Machine { name, gpus, model, cpu_milli, memory_mib, pool, domains })?;
    }
    builder.finish()
}

/// Reads a node list of the spot trace.
pub(super) fn read_spot(mut table: CsvTable<'_>, ledger: &mut ClusterLedger) -> Result<Inventory, TraceError> {
    let header = table.header();
    header.check_needed("spot node list", &SPOT, &SPOT)?;
    ledger.ignored_columns = header.ignored(&SPOT);
    let at = SPOT.map(|name| header.find(name));
    let mut builder = builder(&header.file);
    let mut names = Names::new();
    while let Some(cells) = table.next()? {
        ledger.rows += 1;
        let name = name(&cells, at[0], SPOT[0], &mut names)?;
        let gpus = gpus(&cells, at[2], SPOT[2])?;
        ledger.note_if(gpus == 0, NO_GPUS);
        let cpu = cells.scaled(at[3], SPOT[3], 3)?;
        let cpu_milli =
            below_unlimited(cpu.value).ok_or_else(|| cells.flaw(SPOT[3], Flaw::TooLarge, cells.text(at[3])))?;
        let model = if gpus == 0 {
            ModelId(0)
        } else {
            let text = cells.word(at[1], SPOT[1])?;
            builder.model(text, || bare_model(text))?
        };
        let (memory_mib, pool, domains) = (UNLIMITED, PoolId(0), Domains::default());
        builder.push(Machine { name, gpus, model, cpu_milli, memory_mib, pool, domains })?;
    }
    builder.finish()
}

fn philly_model(cells: &Cells<'_>, at: Option<usize>) -> Result<GpuModel, TraceError> {
    let text = cells.text(at).trim();
    if text.is_empty() {
        return Ok(bare_model(MODEL_DEFAULT));
    }
    let gib = text.strip_suffix("GB").and_then(|digits| digits.trim().parse::<u32>().ok()).filter(|gib| *gib <= 4096);
    let gib = gib.ok_or_else(|| {
        let message = format!("`{}` is not a memory size", shown(text));
        cells.error(PHILLY_MEMORY, message).with_hint("write whole gigabytes such as 12GB")
    })?;
    Ok(GpuModel { name: format!("GPU-{gib}GB"), memory_mib: gib * 1024, price_per_hour: None })
}

/// A name that no node before has.
pub(super) fn name(cells: &Cells<'_>, at: Option<usize>, field: &str, names: &mut Names) -> Result<String, TraceError> {
    let name = cells.text(at).trim().to_owned();
    if name.is_empty() {
        return Err(cells.flaw(field, Flaw::Empty, ""));
    }
    if let Some(first) = names.insert(name.clone(), cells.place) {
        let message = format!("`{}` is already the name of {first}", shown(&name));
        return Err(cells.error(field, message).with_hint("every node needs a name of its own"));
    }
    Ok(name)
}

/// GPUs of a node.
pub(super) fn gpus(cells: &Cells<'_>, at: Option<usize>, field: &str) -> Result<u32, TraceError> {
    let gpus = cells.count(at, field)?;
    if u64::from(gpus) > NODE_GPUS_MAX {
        return Err(cells.flaw(field, Flaw::TooLarge, cells.text(at)));
    }
    Ok(gpus)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clusters::read_cluster_bytes;

    fn error(text: &str) -> String {
        let error = read_cluster_bytes("nodes.csv", text.as_bytes()).unwrap_err();
        format!("{error} | {}", error.hint().unwrap_or_default())
    }

    #[test]
    fn openb_nodes() {
        let text =
            "sn,cpu_milli,memory_mib,gpu,model\nn0,32000,262144,0,\nn1,64000,1024,2,P100\nn2,1,1,8,G2\nn3,1,1,2,P100\n";
        let inventory = read_cluster_bytes("nodes.csv", text.as_bytes()).unwrap();
        assert_eq!(inventory.models.iter().map(|model| &*model.name).collect::<Vec<_>>(), ["P100", "G2"]);
        let nodes: Vec<_> =
            inventory.nodes.iter().map(|n| (&*n.name, n.gpus, n.model.0, n.cpu_milli, n.memory_mib)).collect();
        assert_eq!(
            nodes,
            [("n0", 0, 0, 32000, 262_144), ("n1", 2, 0, 64000, 1024), ("n2", 8, 1, 1, 1), ("n3", 2, 0, 1, 1)]
        );
    }

    #[test]
    fn philly_machines() {
        let text = "machineId, number of GPUs, single GPU mem\nm0,2, 12GB\nm1,8, 24GB\nm2,2, 12GB\n";
        let inventory = read_cluster_bytes("machines", text.as_bytes()).unwrap();
        let models: Vec<_> = inventory.models.iter().map(|model| (&*model.name, model.memory_mib)).collect();
        assert_eq!(models, [("GPU-12GB", 12 * 1024), ("GPU-24GB", 24 * 1024)]);
        assert_eq!((inventory.nodes.len(), inventory.gpus()), (3, 12));
        assert_eq!(inventory.nodes[0].cpu_milli, UNLIMITED);
        let inventory = read_cluster_bytes("m.csv", b",machineId,number of GPUs\n0,m0,8\n1,m1,0\n").unwrap();
        assert_eq!((inventory.gpus(), &*inventory.models[0].name), (8, "GPU"));
    }

    #[test]
    fn spot_nodes() {
        let text = "gpu_model,gpu_capacity_num,cpu_num,node_name\nA10,1,128,0\nGPU-series-1,4,192,1\nA10,0,96.5,2\n";
        let inventory = read_cluster_bytes("n.csv", text.as_bytes()).unwrap();
        let nodes: Vec<_> = inventory.nodes.iter().map(|n| (&*n.name, n.gpus, n.model.0, n.cpu_milli)).collect();
        assert_eq!(nodes, [("0", 1, 0, 128_000), ("1", 4, 1, 192_000), ("2", 0, 0, 96_500)]);
        assert_eq!(inventory.models[1].name, "GPU-series-1");
        assert_eq!(
            error("gpu_model,gpu_capacity_num,cpu_num,node_name\n,1,128,0\n"),
            "nodes.csv:2: field `gpu_model`: the value is empty | every row needs a value for `gpu_model`"
        );
    }

    #[test]
    fn errors() {
        let header = "sn,cpu_milli,memory_mib,gpu,model\n";
        assert_eq!(
            error(&format!("{header}n0,1,1,2,\n")),
            "nodes.csv:2: field `model`: a node with GPUs needs a model | name the model of its GPUs, such as T4"
        );
        assert_eq!(
            error(&format!("{header}n0,1,1,-2,T4\n")),
            "nodes.csv:2: field `gpu`: `-2` is negative | the least is 0; correct the value, or leave the row out"
        );
        assert_eq!(
            error(&format!("{header}n0,1,1,2,T4\n\nn0,1,1,2,T4\n")),
            "nodes.csv:4: field `sn`: `n0` is already the name of line 2 | every node needs a name of its own"
        );
        let one = "a cluster needs at least one node with a GPU";
        assert_eq!(error(&format!("{header}n0,1,1,0,\n")), format!("nodes.csv: the cluster has no GPUs | {one}"));
        assert_eq!(error(header), format!("nodes.csv: the cluster has no nodes | {one}"));
        assert_eq!(
            error("sn,cpu_milli,memory_mib,gpus,model\n"),
            "nodes.csv:1: required column `gpu` is missing; found: sn, cpu_milli, memory_mib, gpus, model; needed: sn, \
             cpu_milli, memory_mib, gpu, model | is `gpus` meant to be `gpu`? Then rename it"
        );
        assert_eq!(
            error("machineId,number of GPUs,single GPU mem\nm0,2,many\n"),
            "nodes.csv:2: field `single GPU mem`: `many` is not a memory size | write whole gigabytes such as 12GB"
        );
        assert_eq!(
            error("job_id,submit_s,gpus,duration_s\n"),
            "nodes.csv:1: no known kind of cluster; found: job_id, submit_s, gpus, duration_s | this is a trace; name it as \
             TRACE, and give a cluster such as 60x8 here"
        );
        let many = (0..65).map(|i| format!("n{i},1,1,1,M{i}\n")).collect::<Vec<_>>().concat();
        assert_eq!(
            error(&format!("{header}{many}")),
            "nodes.csv: `M64` would be GPU model 65, and 64 is the most | give like models one name"
        );
    }
}
