//! Carries out what was found: through the journal, like what people ask for.

use std::sync::Arc;
use std::time::Duration;

use engine::{Core, JobId, NodeId, NodeState};
use tokio::runtime::Runtime;

use super::{Devices, Effect, Gpus, Judge, Verdict};
use crate::book::Book;
use crate::handle::{Down, Handle};
use crate::note::Audit;
use crate::world::Wish;

/// Longest reason, in characters.
const REASON_MAX: usize = 500;

/// What the thread that watches needs.
#[derive(Debug)]
pub struct Monitor {
    /// The way to the thread that schedules.
    pub handle: Handle,
    /// The node that has the GPUs.
    pub node: NodeId,
    /// For each GPU of the node by its index, the place of its board in the order of NVML.
    pub boards: Vec<u32>,
    /// What people see of them.
    pub devices: Arc<Devices>,
    /// Longest time between two looks.
    pub pause: Duration,
}

/// Watches until the GPUs or the server are gone.
pub fn watch(monitor: &Monitor, gpus: &mut impl Gpus, runtime: &Runtime) {
    let mut judge = Judge::default();
    while let Some(symptoms) = gpus.wait(monitor.pause) {
        for verdict in symptoms.iter().filter_map(|symptom| judge.judge(symptom)) {
            if runtime.block_on(monitor.carry_out(&verdict)).is_err() {
                return;
            }
        }
        // Somebody must notice the end of the server, though all is well.
        if runtime.block_on(monitor.handle.look(|_, _| ())).is_err() {
            return;
        }
    }
}

impl Monitor {
    async fn carry_out(&self, verdict: &Verdict) -> Result<(), Down> {
        let indices: Vec<u32> =
            (0..).zip(&self.boards).filter(|(_, board)| **board == verdict.board).map(|(index, _)| index).collect();
        for index in &indices {
            self.devices.change(*index, |device| match verdict.effect {
                Effect::Note => device.note = Some(verdict.text.clone()),
                _ => device.health.clone_from(&verdict.text),
            });
        }
        // A GPU that jobs cannot have concerns nobody.
        let (Some(first), false) = (indices.first().copied(), verdict.effect == Effect::Note) else { return Ok(()) };
        let node = self.node;
        let reason = format!("GPU {first}: {}", verdict.text);
        let reason = self.handle.look(move |core, book| with_what_was(core, book, node, reason)).await?;
        self.handle.ask(Wish::Drain { node, reason }, audit()).await?;
        if verdict.effect == Effect::DrainAndRequeue {
            let hit = self.handle.look(move |core, _| holders(core, node, &indices)).await?;
            for job in hit {
                self.handle.ask(Wish::Requeue(job), audit()).await?;
            }
        }
        Ok(())
    }
}

/// What an operator said of a node that takes no work already is kept beside what was found.
fn with_what_was(core: &Core, book: &Book, node: NodeId, found: String) -> String {
    let cluster = core.state().cluster();
    let before = book.drained(&cluster.spec(node).name).filter(|_| cluster.state(node) != NodeState::Up);
    let reason = match before {
        Some(before) => format!("{found}; before that, by {}: {}", before.by, before.reason),
        None => found,
    };
    reason.chars().take(REASON_MAX).collect()
}

/// Jobs with a run that holds one of these GPUs, in order.
fn holders(core: &Core, node: NodeId, indices: &[u32]) -> Vec<JobId> {
    let state = core.state();
    let holds = |job: &JobId| {
        let mut slices = state.job(*job).placement.iter().filter(|slice| slice.node == node);
        slices.any(|slice| slice.gpu_indices().any(|gpu| indices.contains(&gpu)))
    };
    let mut jobs: Vec<JobId> = state.live().iter().copied().filter(holds).collect();
    jobs.sort_unstable();
    jobs
}

fn audit() -> Audit {
    Audit { who: "health".to_owned(), role: "server".to_owned(), from: "server".to_owned(), ..Audit::default() }
}
