//! Clusters of which the network is known.
//!
//! `topo.csv` of Alibaba's Lingjun dataset 2023 (Crux, SIGCOMM 2024;
//! <https://github.com/alibaba/alibaba-lingjun-dataset-2023>, Apache-2.0): one row a host, with `ip` (a hash) and the
//! switches it hangs on: `ASW` (top of rack: our rack), `PSW` (aggregation: our zone), `DSW` (core: our pool, since the
//! tree has no higher level). GPUs are not in the file: 8 a host unless `[gpus_per_node=N]` says otherwise. Names of ASWs
//! occur below several PSWs. By default one name is one switch, and the layers then do not nest; `[racks=nested]` takes
//! them as different switches called `PSW/ASW`.
//!
//! Tiresias' cluster files (NSDI 2019; <https://github.com/SymbioticLab/Tiresias>, Apache-2.0): one row with `num_switch`,
//! `num_node_p_switch`, `num_gpu_p_node`, `num_cpu_p_node` (cores), `mem_p_node` (GB). A switch is a rack. They name no
//! GPU model.

use std::collections::BTreeMap;

use engine::{DomainId, Domains, Inventory, Level, PoolId, UNLIMITED};

use super::MODEL_DEFAULT;
use super::builder::{Builder, Machine, NODE_GPUS_MAX, NODES_MAX, bare_model};
use super::ledger::ClusterLedger;
use super::lists::{Names, name};
use crate::error::TraceError;
use crate::input::Input;
use crate::table::{Cells, CsvTable};

const TOPO: [&str; 4] = ["ip", "DSW", "PSW", "ASW"];
const SPEC: [&str; 5] = ["num_switch", "num_node_p_switch", "num_gpu_p_node", "num_cpu_p_node", "mem_p_node"];

/// GPUs of each node by the option, or `default`, which is then noted for every node by the caller.
pub(super) fn gpus_per_node(input: &Input<'_>, default: u32) -> Result<(u32, bool), TraceError> {
    match input.count_option("gpus_per_node")? {
        Some(count) if u64::from(count) > NODE_GPUS_MAX => {
            Err(input.bad_option("gpus_per_node", &format!("at most {NODE_GPUS_MAX}")))
        }
        Some(count) => Ok((count, false)),
        None => Ok((default, true)),
    }
}

/// The note about GPUs that the file does not have.
pub(super) fn note_gpus(ledger: &mut ClusterLedger, gpus: u32, nodes: usize) {
    ledger.note_many(&format!("GPUs of a node are not in the file: {gpus} taken"), nodes as u64);
}

/// What a name of an ASW means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Racks {
    /// One name is one switch.
    Named,
    /// A switch below each PSW.
    Nested,
}

/// Domains by level and name.
type Places = BTreeMap<(Level, String), DomainId>;

/// Reads a Lingjun topology.
pub(super) fn read_lingjun(
    input: &Input<'_>,
    mut table: CsvTable<'_>,
    ledger: &mut ClusterLedger,
) -> Result<Inventory, TraceError> {
    let racks = match input.options.get("racks") {
        None | Some("named") => Racks::Named,
        Some("nested") => Racks::Nested,
        Some(_) => return Err(input.bad_option("racks", "named or nested")),
    };
    let (gpus, is_guess) = gpus_per_node(input, 8)?;
    table.header().check_needed("Lingjun topology", &TOPO, &TOPO)?;
    ledger.ignored_columns = table.header().ignored(&TOPO);
    let at = TOPO.map(|name| table.header().find(name));
    let mut builder = Builder::new(input.file);
    let model = builder.model(MODEL_DEFAULT, || bare_model(MODEL_DEFAULT))?;
    let (mut names, mut places, mut above) = (Names::new(), Places::new(), BTreeMap::<String, Vec<String>>::new());
    while let Some(cells) = table.next()? {
        ledger.rows += 1;
        let name = name(&cells, at[0], TOPO[0], &mut names)?;
        let switch = |i: usize| cells.word(at[i], TOPO[i]);
        let (dsw, psw, asw) = (switch(1)?, switch(2)?, switch(3)?);
        let zones = above.entry(asw.to_owned()).or_default();
        if !zones.iter().any(|zone| zone == psw) {
            zones.push(psw.to_owned());
        }
        let rack = if racks == Racks::Nested { format!("{psw}/{asw}") } else { asw.to_owned() };
        let rack = place(&mut builder, &mut places, Level::Rack, rack);
        let zone = place(&mut builder, &mut places, Level::Zone, psw.to_owned());
        let pool = pool(&mut builder, dsw);
        let (cpu_milli, memory_mib, domains) = (UNLIMITED, UNLIMITED, Domains([None, Some(rack), Some(zone)]));
        builder.push(Machine { name, gpus, model, cpu_milli, memory_mib, pool, domains })?;
    }
    if is_guess {
        note_gpus(ledger, gpus, builder.inventory.nodes.len());
    }
    let shared = above.values().filter(|zones| zones.len() > 1).count() as u64;
    if shared > 0 {
        let cause = match racks {
            Racks::Named => "ASW below several PSWs: one rack, so that racks cross zones; [racks=nested] parts them",
            Racks::Nested => "ASW below several PSWs: a rack below each of them",
        };
        ledger.note_many(cause, shared);
    }
    builder.finish()
}

/// The domain of a name, made when it is new.
fn place(builder: &mut Builder, places: &mut Places, level: Level, name: String) -> DomainId {
    let domains = &mut builder.inventory.domains;
    *places.entry((level, name)).or_insert_with_key(|(level, name)| {
        domains.push((name.clone(), *level));
        DomainId::new(domains.len() - 1)
    })
}

/// The pool of a name, made when it is new.
pub(super) fn pool(builder: &mut Builder, name: &str) -> PoolId {
    let pools = &mut builder.inventory.pools;
    let at = pools.iter().position(|pool| pool == name).unwrap_or_else(|| {
        pools.push(name.to_owned());
        pools.len() - 1
    });
    PoolId::new(at)
}

/// The numbers of a Tiresias file.
struct Spec {
    switches: u32,
    nodes: u32,
    gpus: u32,
    cpu_milli: u32,
    memory_mib: u32,
}

/// Reads a Tiresias cluster file.
pub(super) fn read_tiresias(mut table: CsvTable<'_>, ledger: &mut ClusterLedger) -> Result<Inventory, TraceError> {
    let header = table.header();
    header.check_needed("Tiresias cluster", &SPEC, &SPEC)?;
    ledger.ignored_columns = header.ignored(&SPEC);
    let file = header.file.clone();
    let at = SPEC.map(|name| header.find(name));
    let Some(cells) = table.next()? else {
        let error = TraceError::new(file, "the cluster has no row with numbers");
        return Err(error.with_hint("give one row below the header"));
    };
    let spec = Spec::of(&cells, at)?;
    if let Some(cells) = table.next()? {
        let error = cells.error(SPEC[0], "there is a second row");
        return Err(error.with_hint("a Tiresias cluster is one row; write a TOML file for unequal nodes"));
    }
    ledger.rows = 1;
    ledger.note("the file names no GPU model: called GPU");
    spec.build(Builder::new(&file))
}

impl Spec {
    fn of(cells: &Cells<'_>, at: [Option<usize>; SPEC.len()]) -> Result<Self, TraceError> {
        let number = |i: usize, least: u64, most: u64| {
            let value = cells.count(at[i], SPEC[i])?;
            if (least..=most).contains(&u64::from(value)) {
                return Ok(value);
            }
            let error = cells.error(SPEC[i], format!("`{value}` is not from {least} to {most}"));
            Err(error.with_hint("a cluster needs at least one node with a GPU"))
        };
        Ok(Self {
            switches: number(0, 1, NODES_MAX)?,
            nodes: number(1, 1, NODES_MAX)?,
            gpus: number(2, 1, NODE_GPUS_MAX)?,
            cpu_milli: number(3, 0, 4_000_000)? * 1000,
            memory_mib: number(4, 0, 4_000_000)? * 1024,
        })
    }

    fn build(&self, mut builder: Builder) -> Result<Inventory, TraceError> {
        let model = builder.model(MODEL_DEFAULT, || bare_model(MODEL_DEFAULT))?;
        let pool = pool(&mut builder, "default");
        for switch in 0..self.switches {
            let rack = DomainId::new(builder.inventory.domains.len());
            builder.inventory.domains.push((format!("switch-{switch}"), Level::Rack));
            for node in 0..self.nodes {
                builder.push(Machine {
                    name: format!("switch-{switch}-node-{node}"),
                    gpus: self.gpus,
                    model,
                    cpu_milli: self.cpu_milli,
                    memory_mib: self.memory_mib,
                    pool,
                    domains: Domains([None, Some(rack), None]),
                })?;
            }
        }
        builder.finish()
    }
}

#[cfg(test)]
mod tests {
    use crate::clusters::{ClusterFile, read_cluster_file};

    fn read(text: &str, options: &str) -> ClusterFile {
        read_cluster_file(&format!("c.csv{options}"), text.as_bytes()).unwrap()
    }

    fn error(text: &str, options: &str) -> String {
        let error = read_cluster_file(&format!("c.csv{options}"), text.as_bytes()).unwrap_err();
        format!("{error} | {}", error.hint().unwrap_or_default())
    }

    const TOPO: &str = "ip,DSW,PSW,ASW\na,G6,P1,S1\nb,G6,P1,S2\nc,G6,P2,S1\nd,G7,P3,S3\n";

    #[test]
    fn lingjun_layers() {
        let file = read(TOPO, "");
        let inventory = &file.inventory;
        assert_eq!((file.kind, inventory.nodes.len(), inventory.gpus()), ("lingjun", 4, 32));
        assert_eq!(inventory.pools, ["G6", "G7"]);
        let names: Vec<&str> = inventory.domains.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["S1", "P1", "S2", "P2", "S3", "P3"]);
        assert_eq!(
            file.ledger.lines(),
            [
                "ASW below several PSWs: one rack, so that racks cross zones; [racks=nested] parts them (1)",
                "GPUs of a node are not in the file: 8 taken (4)"
            ]
        );
        let nested = read(TOPO, "[racks=nested,gpus_per_node=4]");
        assert_eq!((nested.inventory.domains.len(), nested.inventory.gpus()), (7, 16));
        assert_eq!(nested.ledger.lines(), ["ASW below several PSWs: a rack below each of them (1)"]);
    }

    #[test]
    fn tiresias_switches_are_racks() {
        let file = read("num_switch,num_node_p_switch,num_gpu_p_node,num_cpu_p_node,mem_p_node\n2,3,8,128,256", "");
        let inventory = &file.inventory;
        assert_eq!(
            (file.kind, inventory.nodes.len(), inventory.gpus(), inventory.domains.len()),
            ("tiresias", 6, 48, 2)
        );
        assert_eq!(inventory.nodes[3].name, "switch-1-node-0");
        assert_eq!((inventory.nodes[0].cpu_milli, inventory.nodes[0].memory_mib), (128_000, 256 * 1024));
    }

    #[test]
    fn errors() {
        assert_eq!(
            error(TOPO, "[zzz=4]"),
            "c.csv: field `zzz`: no such key | the keys of lingjun are gpus_per_node, racks"
        );
        assert_eq!(
            error(TOPO, "[gpus_per_nod=4]"),
            "c.csv: field `gpus_per_nod`: no such key | did you mean `gpus_per_node`? The keys of lingjun are gpus_per_node, racks"
        );
        assert_eq!(
            error(TOPO, "[gpus_per_node=0]"),
            "c.csv: field `gpus_per_node`: `0` is not a whole number of at least 1 | write gpus_per_node=VALUE with a whole \
             number of at least 1"
        );
        assert_eq!(
            error("ip,DSW,PSW,ASW\na,G6,,S1\n", ""),
            "c.csv:2: field `PSW`: the value is empty | every row needs a value for `PSW`"
        );
        assert_eq!(
            error("ip,DSW,PSW,ASW\na,G6,P,S1\na,G6,P,S1\n", ""),
            "c.csv:3: field `ip`: `a` is already the name of line 2 | every node needs a name of its own"
        );
        let header = "num_switch,num_node_p_switch,num_gpu_p_node,num_cpu_p_node,mem_p_node";
        assert_eq!(
            error(&format!("{header}\n0,3,8,128,256\n"), ""),
            "c.csv:2: field `num_switch`: `0` is not from 1 to 1000000 | a cluster needs at least one node with a GPU"
        );
        assert_eq!(
            error(&format!("{header}\n1,3,8,128,256\n1,3,8,128,256\n"), ""),
            "c.csv:3: field `num_switch`: there is a second row | a Tiresias cluster is one row; write a TOML file for \
             unequal nodes"
        );
        assert_eq!(
            error(&format!("{header}\n"), ""),
            "c.csv: the cluster has no row with numbers | give one row below the header"
        );
    }
}
