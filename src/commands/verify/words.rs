//! Orders in words.

use engine::placement::BANK;
use engine::{Command, Inventory, RunId, Slice};

/// An order, or that there is none.
pub(in crate::commands) fn order(command: Option<&Command>, inventory: &Inventory) -> String {
    let Some(command) = command else { return "no order".to_owned() };
    match command {
        Command::Launch { run: id, placement, resume_from } => {
            let slices: Vec<String> = placement.iter().map(|slice| part(slice, inventory)).collect();
            format!("launch {} on {}, resuming from {resume_from}", run(*id), slices.join(" and "))
        }
        Command::Drain { run: id, grace } => format!("drain {} with a grace of {grace}", run(*id)),
        Command::Kill { run: id } => format!("kill {}", run(*id)),
        Command::Alarm { at, run: id, kind } => format!("alarm {kind:?} at {at} for {}", run(*id)),
        Command::Wake { at } => format!("wake at {at}"),
        Command::Close { job, outcome } => format!("close job {} as {}", job.0, outcome.name()),
    }
}

fn run(run: RunId) -> String {
    format!("job {} attempt {}", run.job.0, run.attempt)
}

/// A part of a node, such as `node-0001 GPUs 0,1,2`.
fn part(slice: &Slice, inventory: &Inventory) -> String {
    let node = inventory.nodes.get(slice.node.index()).map_or("an unknown node", |node| node.name.as_str());
    let first = u32::from(slice.bank) * BANK;
    let gpus: Vec<String> =
        (0..BANK).filter(|gpu| slice.mask >> gpu & 1 == 1).map(|gpu| (first + gpu).to_string()).collect();
    match gpus.len() {
        0 => format!("{node} without GPUs"),
        _ if slice.milli < 1000 => format!("{node} GPU {} in part ({} thousandths)", gpus.join(","), slice.milli),
        1 => format!("{node} GPU {}", gpus[0]),
        _ => format!("{node} GPUs {}", gpus.join(",")),
    }
}
