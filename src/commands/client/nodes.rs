//! `nodes`, `drain`, `resume`.

use executor::api::answers::{Drain, NodeDone, Nodes};
use executor::api::client::encoded;

use super::Server;
use crate::cli::{DrainArgs, Format, NodesArgs, ResumeArgs};
use crate::error::Error;
use crate::{stdout, table};

/// Runs `nodes`.
pub(super) fn list(args: &NodesArgs) -> Result<(), Error> {
    let answer: Nodes = Server::new(&args.server)?.get("/v1/nodes")?;
    if args.output == Format::Json {
        return stdout::show_json(&answer);
    }
    let rows = answer.nodes.into_iter().map(|node| {
        let jobs: Vec<String> = node.jobs.iter().map(u32::to_string).collect();
        let model = if node.model.is_empty() { "-".to_owned() } else { node.model };
        let (gpus, free) = (node.gpus.to_string(), node.gpus_free.to_string());
        vec![node.node, node.state, model, gpus, free, jobs.join(","), node.reason.unwrap_or_default()]
    });
    let head = ["NODE", "STATE", "MODEL", "GPUS", "FREE", "JOBS", "REASON"];
    stdout::show(&table::words(&head, &rows.collect::<Vec<_>>()))
}

/// Runs `drain`.
pub(super) fn drain(args: DrainArgs) -> Result<(), Error> {
    let body = serde_json::to_vec(&Drain { reason: args.reason })?;
    let target = format!("/v1/nodes/{}/drain", encoded(&args.node));
    Server::new(&args.server)?.post::<NodeDone>(target, body).map(drop)
}

/// Runs `resume`.
pub(super) fn resume(args: &ResumeArgs) -> Result<(), Error> {
    let target = format!("/v1/nodes/{}/resume", encoded(&args.node));
    Server::new(&args.server)?.post::<NodeDone>(target, Vec::new()).map(drop)
}
