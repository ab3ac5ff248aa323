//! `nodes`, `drain`, `resume`.

use executor::api::answers::{Drain, NodeDone, Nodes};
use executor::api::client::encoded;
use executor::health::DeviceView;

use super::Server;
use crate::cli::{DrainArgs, Format, NodesArgs, ResumeArgs, ServerArgs};
use crate::error::Error;
use crate::{stdout, table};

/// Runs `nodes`.
pub(super) fn list(args: &NodesArgs) -> Result<(), Error> {
    let answer: Nodes = Server::new(&args.server)?.get("/v1/nodes")?;
    if args.output == Format::Json {
        return stdout::show_json(&answer);
    }
    let devices: Vec<Vec<String>> = answer.nodes.iter().flat_map(|node| &node.devices).map(device).collect();
    let rows = answer.nodes.into_iter().map(|node| {
        let jobs: Vec<String> = node.jobs.iter().map(u32::to_string).collect();
        let model = if node.model.is_empty() { "-".to_owned() } else { node.model };
        let (gpus, free) = (node.gpus.to_string(), node.gpus_free.to_string());
        vec![node.node, node.state, model, gpus, free, jobs.join(","), node.reason.unwrap_or_default()]
    });
    let head = ["NODE", "STATE", "MODEL", "GPUS", "FREE", "JOBS", "REASON"];
    stdout::show(&table::words(&head, &rows.collect::<Vec<_>>()))?;
    if devices.is_empty() {
        return Ok(());
    }
    stdout::show(&format!(
        "\n{}",
        table::words(&["GPU", "UUID", "MODEL", "MEMORY", "DRIVER", "HEALTH", "NOTE"], &devices)
    ))
}

fn device(device: &DeviceView) -> Vec<String> {
    let DeviceView { index, uuid, model, memory_mib, driver, health, note } = device.clone();
    vec![index.to_string(), uuid, model, format!("{memory_mib} MiB"), driver, health, note.unwrap_or_default()]
}

/// Runs `drain`.
pub(super) fn drain(args: DrainArgs) -> Result<(), Error> {
    let body = serde_json::to_vec(&Drain { reason: args.reason })?;
    change(&args.server, &args.node, "drain", args.dry_run, body)
}

/// Runs `resume`.
pub(super) fn resume(args: &ResumeArgs) -> Result<(), Error> {
    change(&args.server, &args.node, "resume", args.dry_run, Vec::new())
}

fn change(server: &ServerArgs, node: &str, verb: &str, dry_run: bool, body: Vec<u8>) -> Result<(), Error> {
    let query = if dry_run { "?dry_run=true" } else { "" };
    let done: NodeDone = Server::new(server)?.post(format!("/v1/nodes/{}/{verb}{query}", encoded(node)), body)?;
    done.would.map_or(Ok(()), |would| stdout::show(&(would + "\n")))
}
