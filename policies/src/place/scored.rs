//! The node with the highest score: FGD and the five baselines of its publication (Weng et al., ATC 2023, section 6;
//! `hkust-adsl/kubernetes-scheduler-simulator`).
//!
//! Scores are whole numbers. Of equal ones the node that comes first in an order of the nodes wins; the order is drawn once
//! a seed. Scores are remembered by request and node, and made anew only for nodes that changed.

mod rules;
mod scores;

use engine::{Draft, GpuRequest, NodeId, Slice, TaskRequest, placement::BANK};

pub use self::rules::fgd as fgd_score;
use self::scores::Scores;
use super::{Spot, mix};
use crate::fragmentation::{Expected, GpuChoice, NodeRoom};

/// What the score is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// The least growth of fragmentation (FGD).
    Fgd,
    /// The least product of what is left and what is asked for.
    DotProduct,
    /// Tasks of a size together.
    GpuClustering,
    /// Shared GPUs, then used nodes, then empty ones.
    GpuPacking,
    /// The least CPU and GPU left over.
    BestFit,
    /// A fitting node by lot, on a fitting GPU by lot.
    Random,
}

/// A rule with what it needs besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scored {
    /// The rule.
    pub rule: Rule,
    /// Seed of the order of nodes, and of what is drawn by lot.
    pub seed: u64,
    /// Which tasks are to be expected; FGD alone asks.
    pub expected: Expected,
}

impl Scored {
    /// The rule with the workload that was declared.
    pub fn new(rule: Rule, seed: u64) -> Self {
        Self { rule, seed, expected: Expected::default() }
    }

    /// Takes room for one task on the best node. `false`, and nothing changed, when it fits nowhere.
    pub(super) fn take(self, draft: &mut Draft<'_>, request: &TaskRequest, spot: Spot) -> bool {
        let mut scores = draft.take_cache::<Scores>();
        let found = match self.rule {
            Rule::Random => self.by_lot(&mut scores, draft, request, spot),
            _ => scores
                .best(self, draft, request, spot.within)
                .map(|node| (node, self.gpu(&scores, draft, request, node))),
        };
        draft.put_cache(scores);
        let Some((node, choice)) = found else { return false };
        take_on(draft, node, request, choice)
    }

    /// Which GPU of the chosen node: FGD the one with the highest score, first on ties; the others the one with the least
    /// room that fits.
    fn gpu(self, scores: &Scores, draft: &Draft<'_>, request: &TaskRequest, node: NodeId) -> GpuChoice {
        match (self.rule, request.gpus) {
            (Rule::Fgd, GpuRequest::Milli(_)) => {
                let room = NodeRoom::of(draft.cluster(), node);
                rules::fgd(scores.workload(), &room, request).map_or(GpuChoice::Tightest, |(_, choice)| choice)
            }
            _ => GpuChoice::Tightest,
        }
    }

    /// One of the fitting nodes, and of its fitting GPUs, all alike likely: by a hash of seed, job, attempt and task.
    fn by_lot(
        self,
        scores: &mut Scores,
        draft: &Draft<'_>,
        request: &TaskRequest,
        spot: Spot,
    ) -> Option<(NodeId, GpuChoice)> {
        let job = draft.state().job(spot.job);
        let task = draft.open().len() as u64;
        let drawn = mix(self.seed ^ mix(u64::from(spot.job.0) << 32 | u64::from(job.attempt)) ^ task);
        let node = scores.nth(self, draft, request, spot.within, drawn)?;
        let GpuRequest::Milli(milli) = request.gpus else { return Some((node, GpuChoice::Tightest)) };
        let room = NodeRoom::of(draft.cluster(), node);
        let fitting = room.gpus.iter().filter(|free| **free >= milli).count() as u64;
        let nth = mix(drawn) % fitting.max(1);
        let gpus = room.gpus.iter().enumerate().filter(|(_, free)| **free >= milli);
        gpus.map(|(gpu, _)| gpu as u32).nth(nth as usize).map(|gpu| (node, GpuChoice::Gpu(gpu)))
    }
}

/// Takes room for one task on these GPUs of a node into the open placement. `false`, and nothing changed, when they are not free.
pub(crate) fn take_on(draft: &mut Draft<'_>, node: NodeId, request: &TaskRequest, choice: GpuChoice) -> bool {
    match (request.gpus, choice) {
        (GpuRequest::Milli(milli), GpuChoice::Gpu(gpu)) => draft.take_slice(Slice {
            node,
            bank: (gpu / BANK) as u16,
            milli,
            mask: 1 << (gpu % BANK),
            cpu_milli: request.cpu_milli,
            memory_mib: request.memory_mib,
        }),
        _ => draft.take(node, request),
    }
}
