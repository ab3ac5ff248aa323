//! All nodes over time, and the earliest place of a gang in them.

use std::collections::BTreeMap;

use engine::{DomainId, Draft, Level, NodeId, NodeState, Shape, Span, TaskRequest, Time, UNLIMITED};
use smallvec::SmallVec;

use super::timeline::{Room, Stretch, Timeline};
use crate::place::Placer;

/// Nodes of the tasks of a gang, the least of each group in the order of the shape.
pub(super) type Nodes = SmallVec<[NodeId; 2]>;

/// Where and when a gang could run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) start: Time,
    pub(super) nodes: Nodes,
}

/// A gang that looks for room.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) shape: &'a Shape,
    pub(super) span: Span,
    pub(super) placer: Placer,
}

/// What is free on every node, from now on.
#[derive(Debug, Default)]
pub(super) struct Profile {
    nodes: Vec<Timeline>,
    /// What each node has when it is empty.
    sizes: Vec<Room>,
    /// Nodes of each domain, by level.
    domains: [BTreeMap<DomainId, Vec<NodeId>>; 3],
    all: Vec<NodeId>,
}

impl Profile {
    /// An empty cluster.
    pub(super) fn new(draft: &Draft<'_>) -> Self {
        let mut profile = Self::default();
        let amount = |value: u32| if value == UNLIMITED { i64::MAX / 4 } else { i64::from(value) };
        for index in 0..draft.cluster().len() {
            let node = NodeId::new(index);
            let spec = draft.cluster().spec(node);
            let size = Room {
                gpus: i64::from(spec.gpus),
                cpu_milli: amount(spec.cpu_milli),
                memory_mib: amount(spec.memory_mib),
            };
            profile.sizes.push(size);
            profile.nodes.push(Timeline::new(size));
            profile.all.push(node);
            for level in Level::ALL {
                if let Some(domain) = spec.domains.at(level) {
                    profile.domains[level as usize].entry(domain).or_default().push(node);
                }
            }
        }
        profile
    }

    pub(super) fn node(&mut self, node: NodeId) -> &mut Timeline {
        &mut self.nodes[node.index()]
    }

    /// Whether more is promised on a node than there is.
    pub(super) fn is_overdrawn(&self, node: NodeId, now: Time) -> bool {
        self.nodes[node.index()].is_overdrawn(now)
    }

    pub(super) fn all(&self) -> &[NodeId] {
        &self.all
    }

    /// The least room of a node in a stretch.
    pub(super) fn least(&self, node: NodeId, stretch: Stretch) -> Room {
        self.nodes[node.index()].least(stretch)
    }

    /// Takes the room of a plan, or with `Timeline::give` gives it back.
    pub(super) fn change(
        &mut self,
        now: Time,
        wanted: Wanted<'_>,
        plan: &Plan,
        change: impl Fn(&mut Timeline, Time, Stretch, Room),
    ) {
        let stretch = Stretch::new(plan.start, wanted.span);
        for (request, node) in requests(wanted.shape).zip(&plan.nodes) {
            change(&mut self.nodes[node.index()], now, stretch, Room::of(request));
        }
    }

    /// The earliest plan before `before`; a gang of one task looks only at `among`.
    pub(super) fn earliest(
        &self,
        draft: &Draft<'_>,
        wanted: Wanted<'_>,
        among: &[NodeId],
        before: Time,
    ) -> Option<Plan> {
        if let Some(request) = wanted.shape.single() {
            let plan = self.earliest_task(draft, wanted, request, among)?;
            return (plan.start < before).then(|| self.preferred(draft, wanted, plan));
        }
        let Some(level) = wanted.shape.required else {
            let plan = self.earliest_gang(draft, wanted, &self.all, before)?;
            return Some(self.preferred(draft, wanted, plan));
        };
        let mut best: Option<Plan> = None;
        for nodes in self.domains[level as usize].values() {
            let before = best.as_ref().map_or(before, |plan| plan.start);
            best = self.earliest_gang(draft, wanted, nodes, before).or(best);
        }
        best.map(|plan| self.preferred(draft, wanted, plan))
    }

    fn earliest_task(
        &self,
        draft: &Draft<'_>,
        wanted: Wanted<'_>,
        request: &TaskRequest,
        among: &[NodeId],
    ) -> Option<Plan> {
        let (now, need) = (draft.now(), Room::of(request));
        let mut best: Option<((Time, i64, NodeId), NodeId)> = None;
        for &node in among.iter().filter(|node| allows(draft, **node, request)) {
            let Some((start, least)) = self.nodes[node.index()].earliest(now, wanted.span, need) else { continue };
            let key = (start, preference(wanted.placer, least), node);
            if best.is_none_or(|(known, _)| key < known) {
                best = Some((key, node));
            }
        }
        best.map(|((start, ..), node)| Plan { start, nodes: SmallVec::from_slice(&[node]) })
    }

    /// The earliest time at which each group has enough slots on `nodes`, and a greedy packing works.
    fn earliest_gang(&self, draft: &Draft<'_>, wanted: Wanted<'_>, nodes: &[NodeId], before: Time) -> Option<Plan> {
        let groups = &wanted.shape.groups;
        // (time, group, slots more or fewer); the end of a range of starts counts from the next instant on.
        let mut turns: Vec<(Time, usize, i64)> = Vec::new();
        for (at, group) in groups.iter().enumerate() {
            let need = Room::of(&group.request);
            for &node in nodes.iter().filter(|node| allows(draft, **node, &group.request)) {
                let line = &self.nodes[node.index()];
                for count in 1..=self.sizes[node.index()].slots(need, i64::from(group.tasks_min)) {
                    line.starts(draft.now(), wanted.span, need.times(count), |first, last| {
                        turns.push((first, at, 1));
                        if last != Time::NEVER {
                            turns.push((Time(last.0 + 1), at, -1));
                        }
                    });
                }
            }
        }
        turns.sort_unstable();
        let mut slots: SmallVec<[i64; 4]> = SmallVec::from_elem(0, groups.len());
        let mut turns = turns.into_iter().peekable();
        while let Some((start, group, by)) = turns.next() {
            slots[group] += by;
            if start >= before {
                return None;
            }
            if turns.peek().is_some_and(|(next, ..)| *next == start) {
                continue;
            }
            let enough = groups.iter().zip(&slots).all(|(group, slots)| *slots >= i64::from(group.tasks_min));
            if enough && let Some(plan) = self.packed(draft, wanted, nodes, start) {
                return Some(plan);
            }
        }
        None
    }

    /// A greedy packing of the gang on `nodes` from `start` on; first fit where the placer's way fails.
    pub(super) fn packed(&self, draft: &Draft<'_>, wanted: Wanted<'_>, nodes: &[NodeId], start: Time) -> Option<Plan> {
        let stretch = Stretch::new(start, wanted.span);
        let room: Vec<(NodeId, Room)> = nodes.iter().map(|node| (*node, self.least(*node, stretch))).collect();
        let packed = pack(draft, wanted, room.clone(), wanted.placer);
        let packed = packed.or_else(|| pack(draft, wanted, room, Placer::FirstFit));
        packed.map(|nodes| Plan { start, nodes })
    }

    /// The same start inside one domain of the preferred level, the one with the least room that works.
    fn preferred(&self, draft: &Draft<'_>, wanted: Wanted<'_>, plan: Plan) -> Plan {
        let Some(level) = wanted.shape.preferred else { return plan };
        if wanted.shape.required.is_some_and(|required| level >= required) {
            return plan;
        }
        let stretch = Stretch::new(plan.start, wanted.span);
        let mut domains: Vec<(i64, &Vec<NodeId>)> = self.domains[level as usize]
            .values()
            .map(|nodes| (nodes.iter().map(|node| self.least(*node, stretch).gpus.max(0)).sum(), nodes))
            .collect();
        domains.sort_by_key(|(gpus, _)| *gpus);
        let inside = domains.iter().find_map(|(_, nodes)| self.packed(draft, wanted, nodes, plan.start));
        inside.unwrap_or(plan)
    }
}

/// The requests of the smallest gang, task by task, in the order of its groups.
pub(super) fn requests(shape: &Shape) -> impl Iterator<Item = &TaskRequest> {
    shape.groups.iter().flat_map(|group| (0..group.tasks_min).map(move |_| &group.request))
}

/// Whether the node is up and of an allowed model.
fn allows(draft: &Draft<'_>, node: NodeId, request: &TaskRequest) -> bool {
    let cluster = draft.cluster();
    cluster.state(node) == NodeState::Up
        && (request.gpus.count() == 0 || request.models.contains(cluster.spec(node).model))
}

/// Smaller is better; ties go to the lowest node.
fn preference(placer: Placer, least: Room) -> i64 {
    match placer {
        Placer::WorstFit | Placer::Spread => -least.gpus,
        Placer::FirstFit => 0,
        _ => least.gpus,
    }
}

fn pack(draft: &Draft<'_>, wanted: Wanted<'_>, mut room: Vec<(NodeId, Room)>, placer: Placer) -> Option<Nodes> {
    let mut nodes = Nodes::new();
    for request in requests(wanted.shape) {
        let need = Room::of(request);
        let fits = |(node, room): &&mut (NodeId, Room)| room.holds(need) && allows(draft, *node, request);
        let (node, left) =
            room.iter_mut().filter(fits).min_by_key(|(node, room)| (preference(placer, *room), *node))?;
        *left = left.minus(need);
        nodes.push(*node);
    }
    Some(nodes)
}
