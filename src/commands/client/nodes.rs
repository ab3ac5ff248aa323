//! `nodes`, `drain`, `resume`.

use executor::api::answers::{Drain, NodeDone, Nodes};
use executor::api::client::encoded;

use super::Server;
use super::watch::{List, watch};
use crate::cli::{DrainArgs, Format, NodesArgs, ResumeArgs};
use crate::error::Error;
use crate::stdout;

/// Runs `nodes`.
pub(super) fn list(args: &NodesArgs) -> Result<(), Error> {
    let server = Server::new(&args.server)?;
    let look = || server.get::<Nodes>("/v1/nodes");
    if args.watch {
        return watch(&server, || Ok(table(look()?))).map(|never| match never {});
    }
    let answer = look()?;
    if args.output == Format::Json {
        return stdout::show_json(&answer);
    }
    stdout::show(&table(answer).text())
}

fn table(answer: Nodes) -> List {
    let rows = answer.nodes.into_iter().map(|node| {
        let jobs: Vec<String> = node.jobs.iter().map(u32::to_string).collect();
        let model = if node.model.is_empty() { "-".to_owned() } else { node.model };
        let (gpus, free) = (node.gpus.to_string(), node.gpus_free.to_string());
        vec![node.node, node.state, model, gpus, free, jobs.join(","), node.reason.unwrap_or_default()]
    });
    let head = vec!["NODE", "STATE", "MODEL", "GPUS", "FREE", "JOBS", "REASON"];
    List { head, rows: rows.collect(), clock: None }
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
