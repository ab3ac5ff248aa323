//! The kinds of cluster files, and how one is told from the others.

use std::path::Path;

use engine::Inventory;

use super::ledger::ClusterLedger;
use super::{ClusterFile, counts, lists, network, toml_file};
use crate::error::{TraceError, shown};
use crate::header::Header;
use crate::input::{Input, Options};
use crate::similar::nearest;
use crate::source::Brackets;
use crate::table::CsvTable;

/// A kind of cluster file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Toml,
    Openb,
    Philly,
    Spot,
    Lingjun,
    Tiresias,
    Helios,
    Gavel,
    Shockwave,
    Machines,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Toml => "toml",
            Self::Openb => "openb",
            Self::Philly => "philly",
            Self::Spot => "spot",
            Self::Lingjun => "lingjun",
            Self::Tiresias => "tiresias",
            Self::Helios => "helios",
            Self::Gavel => "gavel",
            Self::Shockwave => "shockwave",
            Self::Machines => "swf-machines",
        }
    }

    /// Keys that may stand in the brackets behind the path.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Lingjun => &["gpus_per_node", "racks"],
            Self::Helios => &["gpus_per_node"],
            Self::Gavel => &["name", "spec", "gpus_per_node"],
            Self::Shockwave => &["gpus", "gpus_per_node"],
            Self::Toml | Self::Openb | Self::Philly | Self::Spot | Self::Tiresias | Self::Machines => &[],
        }
    }

    /// The kind of a list with this header.
    fn of_header(header: &Header) -> Option<Self> {
        let has = |names: &[&str]| names.iter().all(|name| header.find(name).is_some());
        let kind = match () {
            () if has(&["machineId"]) => Self::Philly,
            () if has(&["node_name", "gpu_capacity_num"]) || has(&["gpu_model", "gpu_capacity_num"]) => Self::Spot,
            () if has(&["ASW", "PSW"]) => Self::Lingjun,
            () if has(&["num_switch", "num_gpu_p_node"]) || has(&["num_node_p_switch", "num_gpu_p_node"]) => {
                Self::Tiresias
            }
            () if is_vcs(header) => Self::Helios,
            () if has(&["sn"]) || has(&["cpu_milli", "gpu"]) => Self::Openb,
            () => return None,
        };
        Some(kind)
    }
}

/// A column of names without a name, or called `vc`, and a number of nodes.
fn is_vcs(header: &Header) -> bool {
    let [first, second] = header.names.as_slice() else { return false };
    ["", "vc"].contains(&first.as_str()) && ["num", "nodes", "node_num"].contains(&second.as_str())
}

/// Whether the text of a file called `name` is a cluster, and no trace.
pub fn is_cluster(name: &str, text: &str) -> bool {
    match kind_by_shape(name, text) {
        Some(Kind::Toml) => text.contains("[[pool]]") || text.contains("[[model]]"),
        Some(_) => true,
        None => {
            !text.starts_with('{')
                && CsvTable::open(name, text).is_ok_and(|table| Kind::of_header(table.header()).is_some())
        }
    }
}

/// The kind of a file that is no comma-separated list.
fn kind_by_shape(name: &str, text: &str) -> Option<Kind> {
    if text.trim_start().starts_with('{') {
        let map = counts::object(text)?;
        return match () {
            () if counts::is_gavel(&map) => Some(Kind::Gavel),
            () if map.contains_key("gpu_ram") => Some(Kind::Shockwave),
            () => None,
        };
    }
    if counts::is_machines(text) {
        return Some(Kind::Machines);
    }
    is_toml(name, text).then_some(Kind::Toml)
}

/// A list has commas in its first line; TOML has a table, a key or a comment there.
fn is_toml(name: &str, text: &str) -> bool {
    let named = Path::new(name).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml"));
    let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("");
    named || first.starts_with(['[', '#']) || (first.contains('=') && !first.contains(','))
}

/// Reads a cluster of whatever kind.
pub(super) fn read(brackets: &Brackets<'_>, text: &str) -> Result<ClusterFile, TraceError> {
    let name = brackets.path;
    let mut ledger = ClusterLedger::default();
    let (kind, inventory) = match kind_by_shape(name, text) {
        Some(kind) => {
            let options = options(brackets, kind)?;
            (kind, read_shape(kind, &Input { file: name, text, options: &options }, &mut ledger)?)
        }
        None if text.trim_start().starts_with('{') => return Err(unknown_json(name, text)),
        None => {
            let table = CsvTable::open(name, text)?;
            let kind = Kind::of_header(table.header()).ok_or_else(|| unknown(table.header()))?;
            let options = options(brackets, kind)?;
            let input = Input { file: name, text, options: &options };
            (kind, read_list(kind, &input, table, &mut ledger)?)
        }
    };
    Ok(ClusterFile { source: name.to_owned(), kind: kind.name(), inventory, ledger })
}

fn read_shape(kind: Kind, input: &Input<'_>, ledger: &mut ClusterLedger) -> Result<Inventory, TraceError> {
    match kind {
        Kind::Gavel => counts::read_gavel(input, ledger),
        Kind::Shockwave => counts::read_shockwave(input, ledger),
        Kind::Machines => counts::read_machines(input, ledger),
        _ => toml_file::read(input.file, input.text, ledger),
    }
}

fn read_list(
    kind: Kind,
    input: &Input<'_>,
    table: CsvTable<'_>,
    ledger: &mut ClusterLedger,
) -> Result<Inventory, TraceError> {
    match kind {
        Kind::Philly => lists::read_philly(table, ledger),
        Kind::Spot => lists::read_spot(table, ledger),
        Kind::Lingjun => network::read_lingjun(input, table, ledger),
        Kind::Tiresias => network::read_tiresias(table, ledger),
        Kind::Helios => counts::read_vcs(input, table, ledger),
        _ => lists::read_openb(table, ledger),
    }
}

fn options(brackets: &Brackets<'_>, kind: Kind) -> Result<Options, TraceError> {
    let keys = kind.keys();
    if let Some((key, _)) = brackets.pairs().iter().find(|(key, _)| !keys.contains(&key.as_str())) {
        let all = if keys.is_empty() {
            format!("a cluster of the kind {} has no keys", kind.name())
        } else {
            format!("the keys of {} are {}", kind.name(), keys.join(", "))
        };
        let hint = match nearest(key, keys.iter().copied()) {
            Some(near) => format!("did you mean `{near}`? The{}", all.trim_start_matches("the")),
            None => all,
        };
        return Err(TraceError::new(brackets.path, "no such key").in_field(shown(key)).with_hint(hint));
    }
    Ok(Options::new(brackets.pairs().to_vec()))
}

fn unknown(header: &Header) -> TraceError {
    let error = header.error(format!("no known kind of cluster; found: {}", header.shown_names()));
    let trace = ["job_id", "num_gpus", "num_gpu", "pod_phase"].iter().any(|name| header.find(name).is_some());
    error.with_hint(if trace {
        "this is a trace; name it as TRACE, and give a cluster such as 60x8 here"
    } else {
        "give a TOML file, an openb node list (sn, cpu_milli, memory_mib, gpu, model), a Philly machine list (machineId, \
         number of GPUs, single GPU mem), or another of the kinds of the documentation"
    })
}

fn unknown_json(file: &str, text: &str) -> TraceError {
    match serde_json::from_str::<serde_json::Value>(text) {
        Err(error) => TraceError::new(file, format!("the JSON is broken: {error}"))
            .at_line(error.line() as u64)
            .with_hint("the file is cut off, or a comma or bracket is missing"),
        Ok(value) => {
            let keys = value.as_object().map(|map| map.keys().take(20).map(|key| shown(key)).collect::<Vec<_>>());
            let keys = keys.unwrap_or_default().join(", ");
            let error = TraceError::new(file, format!("no known kind of cluster; found the keys: {keys}"));
            error.with_hint(
                "JSON clusters are Gavel's, such as {\"name\": [\"36:36:36\"]}, and Shockwave's, with `gpu_ram`",
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_are_told_from_traces() {
        for text in [
            "sn,cpu_milli,memory_mib,gpu,model\n",
            "machineId, number of GPUs, single GPU mem\n",
            ",machineId,number of GPUs\n",
            "gpu_model,gpu_capacity_num,cpu_num,node_name\n",
            "ip,DSW,PSW,ASW\n",
            "num_switch,num_node_p_switch,num_gpu_p_node,num_cpu_p_node,mem_p_node\n",
            ",num\nvcA,2\n",
            "{\"philly\": [\"300:300:300\"]}",
            "{\"gpu_ram\": 16}",
            "0\tseth\t120\t2\t1\t1048576\n",
            "[[pool]]\nname = 'a'\n",
        ] {
            assert!(is_cluster("f", text), "{text}");
        }
        for text in [
            "job_id,submit_s,gpus,duration_s\n",
            "timestamp,duration,num_gpus,gpu_time,cluster\n",
            "name,cpu_milli,memory_mib,num_gpu,gpu_milli\n",
            "; MaxJobs = 5\n1 0 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n",
            "[columns]\njob_id = 'id'\n",
            "[{\"status\": \"Pass\"}]",
            "{\"k80\": {\"('A', 1)\": {\"null\": 1.0}}}",
            "date,vcA,total\n",
            "",
        ] {
            assert!(!is_cluster("f", text), "{text}");
        }
    }

    #[test]
    fn options_are_checked() {
        let text = "sn,cpu_milli,memory_mib,gpu,model\nn,1,1,1,T4\n";
        let error = super::super::read_cluster_file("n.csv[gpus_per_node=4]", text.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "n.csv: field `gpus_per_node`: no such key");
        assert_eq!(error.hint(), Some("a cluster of the kind openb has no keys"));
    }
}
