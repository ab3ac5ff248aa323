//! What a task is told through its environment.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::RangeInclusive;
use std::path::Path;

use engine::MILLI;

use crate::job_file::GpuBind;
use crate::launcher::{Gang, Gpu, Task};
use crate::runs::process::MARK;
use crate::runs::{Runs, TaskId, name};

/// Where the server listens, in the state folder.
const SOCKET: &str = "trainyard.sock";

/// All tasks of a local gang are on this machine, whatever its nodes are called.
const ADDRESS: &str = "127.0.0.1";

/// The environment of a task: what its job sets, then what Trainyard says, which wins.
///
/// # Errors
///
/// A name that no environment can hold.
pub(super) fn of_task(
    gang: &Gang,
    task: &Task,
    runs: &Runs,
    ports: &RangeInclusive<u16>,
) -> Result<BTreeMap<String, String>, String> {
    if let Some(wrong) = gang.job.env.iter().find(|(name, value)| !is_sound(name, value)) {
        return Err(format!(
            "the environment cannot hold a variable named `{}` with that value",
            wrong.0.escape_debug()
        ));
    }
    let mut env = gang.job.env.clone();
    let mut set = |name: &str, value: String| {
        env.insert(name.to_owned(), value);
    };
    let run = gang.run;
    set("TRAINYARD_JOB", run.job.0.to_string());
    set("TRAINYARD_RUN", format!("{}-{}", run.job.0, run.attempt));
    set("TRAINYARD_ATTEMPT", run.attempt.to_string());
    set("TRAINYARD_TASK", task.index.to_string());
    set("TRAINYARD_TASKS", gang.tasks.len().to_string());
    set("TRAINYARD_NODE", task.node.clone());
    set("TRAINYARD_CHECKPOINT", gang.checkpoint.clone().unwrap_or_default());
    set("TRAINYARD_CHECKPOINT_DIR", text(&runs.checkpoints(run.job)));
    set("TRAINYARD_SAVED_S", gang.saved.secs_f64().to_string());
    set("TRAINYARD_SERVER", format!("unix:{}", text(&runs.state().join(SOCKET))));
    set(MARK, text(&runs.task(TaskId { run, task: task.index })));
    let visible = visible(gang, task);
    set("CUDA_VISIBLE_DEVICES", names(visible.iter().copied()));
    set("TRAINYARD_GPUS", names(task.gpus.iter()));
    if gang.tasks.len() > 1 {
        for (name, value) in distributed(gang, task, ports) {
            set(name, value);
        }
        if let Some(ids) = own(&visible, task) {
            set("JAX_LOCAL_DEVICE_IDS", ids);
        }
        set("TRAINYARD_HOSTFILE", text(&runs.run(run).join(name::HOSTFILE)));
    }
    Ok(env)
}

/// A name with `=` would set another variable than it says.
fn is_sound(name: &str, value: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0')
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// The GPUs that a task sees.
///
/// torchrun shows all GPUs of a node to each of its processes, and programs written for it take the one of their
/// `LOCAL_RANK`; Slurm does the same unless `--gpus-per-task` binds them. So a gang with a GPU a task sees the GPUs of
/// its node. Tasks with several GPUs mostly start processes of their own, and see their own; so do those that share one.
fn visible<'a>(gang: &'a Gang, task: &'a Task) -> Vec<&'a Gpu> {
    if bind(gang) == GpuBind::Task {
        return task.gpus.iter().collect();
    }
    let mut seen: Vec<&Gpu> = Vec::new();
    for gpu in gang.tasks.iter().filter(|other| other.node == task.node).flat_map(|other| &other.gpus) {
        if seen.iter().all(|before| before.index != gpu.index) {
            seen.push(gpu);
        }
    }
    seen
}

fn bind(gang: &Gang) -> GpuBind {
    let one_each = gang.tasks.iter().all(|task| matches!(task.gpus.as_slice(), [gpu] if u32::from(gpu.milli) == MILLI));
    // CUDA shows a process one instance of a divided GPU at most.
    let divided = gang.tasks.iter().flat_map(|task| &task.gpus).any(Gpu::is_part);
    let usual = if one_each { GpuBind::Node } else { GpuBind::Task };
    if divided { GpuBind::Task } else { gang.job.gpu_bind.unwrap_or(usual) }
}

/// GPUs by their unique names, which stay the same when one is lost; empty hides all. Declared GPUs go by their index.
fn names<'a>(gpus: impl Iterator<Item = &'a Gpu>) -> String {
    let names = gpus.map(|gpu| gpu.uuid.clone().unwrap_or_else(|| gpu.index.to_string()));
    names.collect::<Vec<_>>().join(",")
}

/// The places of the GPUs of a task among those that it sees, where it sees others too.
fn own(visible: &[&Gpu], task: &Task) -> Option<String> {
    let place = |gpu: &Gpu| visible.iter().position(|seen| seen.index == gpu.index).map(|at| at.to_string());
    let places: Vec<String> = task.gpus.iter().filter_map(place).collect();
    (places.len() < visible.len()).then(|| places.join(","))
}

/// What torchrun, JAX and others expect of a gang with one process for each task. Source: the documentation of torchrun
/// ("Environment Variables") and of `jax.distributed.initialize`.
fn distributed(gang: &Gang, task: &Task, ports: &RangeInclusive<u16>) -> Vec<(&'static str, String)> {
    let nodes = nodes(gang);
    let node = nodes.iter().position(|(name, _)| *name == task.node).unwrap_or(0);
    let local_rank = gang.tasks.iter().filter(|other| other.node == task.node && other.index < task.index).count();
    let port = port(gang, ports);
    vec![
        ("MASTER_ADDR", ADDRESS.to_owned()),
        ("MASTER_PORT", port.to_string()),
        ("NNODES", nodes.len().to_string()),
        ("NODE_RANK", node.to_string()),
        ("GROUP_RANK", node.to_string()),
        ("WORLD_SIZE", gang.tasks.len().to_string()),
        ("RANK", task.index.to_string()),
        ("LOCAL_RANK", local_rank.to_string()),
        ("LOCAL_WORLD_SIZE", nodes[node].1.to_string()),
        ("JAX_COORDINATOR_ADDRESS", format!("{ADDRESS}:{port}")),
        ("JAX_NUM_PROCESSES", gang.tasks.len().to_string()),
        ("JAX_PROCESS_ID", task.index.to_string()),
    ]
}

/// Jobs of one number modulo the size of the range share a port; with 10,000 ports that takes very many jobs at once.
fn port(gang: &Gang, ports: &RangeInclusive<u16>) -> u32 {
    let (first, last) = (u32::from(*ports.start()), u32::from(*ports.end()));
    first + gang.run.job.0 % (last.saturating_sub(first) + 1)
}

/// Names of the nodes in the order of their first task, each with its number of tasks.
fn nodes(gang: &Gang) -> Vec<(&str, usize)> {
    let mut nodes: Vec<(&str, usize)> = Vec::new();
    for task in &gang.tasks {
        match nodes.iter_mut().find(|(name, _)| *name == task.node) {
            Some((_, tasks)) => *tasks += 1,
            None => nodes.push((&task.node, 1)),
        }
    }
    nodes
}

/// Hosts and their tasks, as `mpirun --hostfile` reads it: one host, since all nodes of a local gang are this machine.
pub(super) fn hostfile(gang: &Gang) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{ADDRESS} slots={}", gang.tasks.len());
    text
}
