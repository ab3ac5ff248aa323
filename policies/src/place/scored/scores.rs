//! Scores that were made, by request and node. A cache: all of it follows from the cluster and the workload.

use std::collections::BTreeMap;

use engine::{Draft, NodeId, TaskRequest, Within};

use super::{Rule, Scored, rules};
use crate::fragmentation::{NodeRoom, Told, Workload};
use crate::place::mix;

/// A node that does not fit.
const NONE: u64 = 0;
/// Requests whose scores are kept.
const ROWS_MAX: usize = 4096;

/// Scores that were made.
#[derive(Debug, Default)]
pub(super) struct Scores {
    of: Option<Scored>,
    workload: Workload,
    told: Told,
    /// By node: its place in the order of the seed, counted from the end, so that the first has the most.
    ranks: Vec<u32>,
    /// Node by place counted so.
    order: Vec<u32>,
    /// Versions of nodes as last seen, and of the cluster.
    seen: Vec<u64>,
    version: u64,
    /// Nodes that changed, in order; a request has read up to some place.
    changed: Vec<u32>,
    first_change: u64,
    requests: BTreeMap<TaskRequest, Row>,
}

/// The scores of one request.
#[derive(Debug, Default)]
struct Row {
    /// By node: score + 2^31 above, rank below; [`NONE`] where it does not fit.
    keys: Vec<u64>,
    /// Up to which change it is up to date.
    read: u64,
}

impl Scores {
    /// The workload for which scores were made.
    pub(super) fn workload(&self) -> &Workload {
        &self.workload
    }

    /// The node with the highest score.
    pub(super) fn best(
        &mut self,
        scored: Scored,
        draft: &Draft<'_>,
        request: &TaskRequest,
        within: Option<Within>,
    ) -> Option<NodeId> {
        let keys = self.row(scored, draft, request);
        let best = if within.is_none() {
            keys.iter().copied().max()
        } else {
            let inside = |at: &usize| draft.cluster().is_within(NodeId::new(*at), within);
            (0..keys.len()).filter(inside).map(|at| keys[at]).max()
        };
        let rank = best.filter(|key| *key != NONE)? as u32;
        Some(NodeId::new(self.order[rank as usize] as usize))
    }

    /// Of the n fitting nodes by id, that at `drawn` mod n.
    pub(super) fn nth(
        &mut self,
        scored: Scored,
        draft: &Draft<'_>,
        request: &TaskRequest,
        within: Option<Within>,
        drawn: u64,
    ) -> Option<NodeId> {
        let keys = self.row(scored, draft, request);
        let inside = |at: &usize| keys[*at] != NONE && draft.cluster().is_within(NodeId::new(*at), within);
        let count = (0..keys.len()).filter(inside).count() as u64;
        let nth = drawn.checked_rem(count)?;
        (0..keys.len()).filter(inside).nth(nth as usize).map(NodeId::new)
    }

    /// The keys of all nodes for a request, up to date.
    fn row(&mut self, scored: Scored, draft: &Draft<'_>, request: &TaskRequest) -> &[u64] {
        self.follow(scored, draft);
        let cluster = draft.cluster();
        let end = self.first_change + self.changed.len() as u64;
        if self.requests.len() >= ROWS_MAX && !self.requests.contains_key(request) {
            self.requests.clear();
        }
        let row = self.requests.entry(*request).or_default();
        let unread = end - row.read;
        let all = row.keys.is_empty() || row.read < self.first_change || unread >= cluster.len() as u64;
        row.keys.resize(cluster.len(), NONE);
        let from = row.read.saturating_sub(self.first_change) as usize;
        let news = if all { 0..cluster.len() } else { from..self.changed.len() };
        let (workload, ranks, changed) = (&self.workload, &self.ranks, &self.changed);
        for at in news {
            let at = if all { at } else { changed[at] as usize };
            let node = NodeId::new(at);
            row.keys[at] = if cluster.fits(node, request) {
                let room = NodeRoom::of(cluster, node);
                let score = rules::score(scored.rule, workload, &room, cluster.held(node), request);
                key(score, ranks[at])
            } else {
                NONE
            };
        }
        row.read = end;
        &row.keys
    }

    /// Sees which nodes have changed, and whether other tasks are to be expected.
    fn follow(&mut self, scored: Scored, draft: &Draft<'_>) {
        let cluster = draft.cluster();
        if self.of != Some(scored) || self.ranks.len() != cluster.len() {
            *self = Self { of: Some(scored), ..Self::default() };
            self.draw_order(scored.seed, cluster.len());
            self.seen = cluster.versions().to_vec();
            self.version = cluster.version();
            self.follow_workload(scored, draft);
            return;
        }
        self.follow_workload(scored, draft);
        if self.version == cluster.version() {
            return;
        }
        self.version = cluster.version();
        for (at, (seen, version)) in self.seen.iter_mut().zip(cluster.versions()).enumerate() {
            if seen != version {
                *seen = *version;
                self.changed.push(at as u32);
            }
        }
        // Who has not read as many as there are nodes makes all scores anew, which costs no more.
        let keep = cluster.len().max(64);
        if self.changed.len() > 2 * keep {
            let drop = self.changed.len() - keep;
            self.changed.drain(..drop);
            self.first_change += drop as u64;
        }
    }

    /// FGD alone looks at the workload. Scores stand while it is the same, whoever tells it.
    fn follow_workload(&mut self, scored: Scored, draft: &Draft<'_>) {
        if scored.rule != Rule::Fgd {
            return;
        }
        if let Some(workload) = self.told.news(scored.expected, draft.state())
            && workload != self.workload
        {
            self.workload = workload;
            self.requests.clear();
        }
    }

    /// The order of the nodes: by a hash of seed and node.
    fn draw_order(&mut self, seed: u64, nodes: usize) {
        let mut order: Vec<(u64, u32)> = (0..nodes as u32).map(|at| (mix(seed ^ mix(u64::from(at))), at)).collect();
        order.sort_unstable_by(|a, b| b.cmp(a));
        self.order = order.into_iter().map(|(_, at)| at).collect();
        self.ranks = vec![0; nodes];
        for (rank, at) in self.order.iter().enumerate() {
            self.ranks[*at as usize] = rank as u32;
        }
    }
}

/// Higher for a higher score, then for a higher rank; never [`NONE`].
fn key(score: i64, rank: u32) -> u64 {
    let score = (score + (1 << 31)).clamp(1, i64::from(u32::MAX)) as u64;
    score << 32 | u64::from(rank)
}
