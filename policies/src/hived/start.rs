//! A guaranteed start: seats in the cells of the virtual cluster, and whoever is in the way goes.

use engine::{Bill, ClassId, Cluster, Draft, JobId, Level, NodeId, NodeState, Shape, Slice, TaskRequest, Within};

use super::cells::{CellId, Forest};
use super::contracts::Vc;
use super::seats::{Ground, Seats};
use super::{GUARANTEED, Hive, ask};

impl Hive {
    /// Whether the cells of a virtual cluster could hold the gang if all nodes were up and nobody else was there.
    pub(super) fn can_hold(&mut self, draft: &Draft<'_>, vc: Vc, class: ClassId) -> bool {
        if let Some(known) = self.holds.get(&(vc, class)) {
            return *known;
        }
        let mut seats = Seats::new(&self.forest);
        seats.match_slots(&self.forest, &self.contracts);
        let shape = &draft.state().class(class).shape;
        let cluster = draft.cluster();
        let found = choices(cluster, shape).into_iter().any(|within| {
            let ground = Ground { usable: &|node| cluster.is_within(node, within), scavenged: &|_| 0 };
            seat_all(&self.forest, &mut seats, vc, shape, &ground).is_some()
        });
        self.holds.insert((vc, class), found);
        found
    }

    /// Starts a job of a virtual cluster if that has room, on cells that opportunistic jobs may have to leave.
    pub(super) fn start(&mut self, draft: &mut Draft<'_>, job: JobId, vc: Vc) -> bool {
        let shape = draft.state().class_of(job).shape.clone();
        choices(draft.cluster(), &shape).into_iter().any(|within| self.start_within(draft, job, vc, &shape, within))
    }

    fn start_within(
        &mut self,
        draft: &mut Draft<'_>,
        job: JobId,
        vc: Vc,
        shape: &Shape,
        within: Option<Within>,
    ) -> bool {
        let (forest, cluster) = (&self.forest, draft.cluster());
        let usable = |node| cluster.state(node) == NodeState::Up && cluster.is_within(node, within);
        let ground = Ground { usable: &usable, scavenged: &|cell| ask::held(forest, cluster, cell) };
        let Some(seats) = seat_all(forest, &mut self.seats, vc, shape, &ground) else { return false };
        let mark = draft.mark();
        let taken = ask::tasks(shape).zip(&seats).all(|(request, seat)| self.take(draft, job, *seat, request));
        if taken && take_rest(draft, shape, within) && draft.start(job).is_ok() {
            draft.set_memo(job, [GUARANTEED, 0, 0, 0]);
            self.seated.insert(job, seats);
            return true;
        }
        draft.rollback(mark);
        for seat in seats {
            self.seats.rise(&self.forest, seat);
        }
        false
    }

    /// Takes the first GPUs of a seat. Who holds them opportunistically goes; then, as long as CPU or memory are short, the
    /// opportunistic jobs of the node, the last submitted first.
    fn take(&self, draft: &mut Draft<'_>, job: JobId, seat: CellId, request: &TaskRequest) -> bool {
        let slices = ask::slices(&self.forest, seat, request);
        let node = self.forest.nodes_of(seat)[0];
        let in_the_way = |draft: &Draft<'_>, other: &JobId| {
            let held = &draft.state().job(*other).placement;
            draft.is_placed(*other) && held.iter().any(|held| slices.iter().any(|slice| slice.overlaps(held)))
        };
        for other in self.scavengers[node.index()].iter().rev() {
            if in_the_way(draft, other) {
                evict(draft, *other, job);
            }
        }
        for other in self.scavengers[node.index()].iter().rev() {
            if slices.iter().all(|slice| draft.cluster().slice_is_free(slice)) {
                break;
            }
            if draft.is_placed(*other) {
                evict(draft, *other, job);
            }
        }
        slices.into_iter().all(|slice: Slice| draft.take_slice(slice))
    }
}

fn evict(draft: &mut Draft<'_>, victim: JobId, by: JobId) {
    let _stopped = draft.preempt_for(victim, Bill { by: Some(by), predicted: 0 });
}

/// Where the gang may be, the best first: preferred domains, then required ones or anywhere.
fn choices(cluster: &Cluster, shape: &Shape) -> Vec<Option<Within>> {
    let all = |level: Level| cluster.domains(level, 0).map(Some);
    let preferred = shape.preferred.filter(|preferred| shape.required.is_none_or(|required| *preferred <= required));
    let mut choices: Vec<Option<Within>> = preferred.into_iter().flat_map(all).collect();
    match shape.required {
        Some(level) => choices.extend(all(level)),
        None => choices.push(None),
    }
    choices
}

/// Seats for all tasks of the smallest gang, or none at all.
fn seat_all(forest: &Forest, seats: &mut Seats, vc: Vc, shape: &Shape, ground: &Ground<'_>) -> Option<Vec<CellId>> {
    let mut found = Vec::new();
    let mut last: Option<(&TaskRequest, Vec<Option<u32>>)> = None;
    for request in ask::tasks(shape) {
        let levels = match last.take() {
            Some((same, levels)) if same == request => levels,
            _ => ask::levels(forest, request),
        };
        let Some(seat) = seats.seat(forest, vc, &levels, ground) else {
            for seat in found {
                seats.rise(forest, seat);
            }
            return None;
        };
        found.push(seat);
        last = Some((request, levels));
    }
    Some(found)
}

/// Tasks without GPUs go to the nodes of the others, else to the first node with room.
fn take_rest(draft: &mut Draft<'_>, shape: &Shape, within: Option<Within>) -> bool {
    for group in shape.groups.iter().filter(|group| group.request.gpus.count() == 0) {
        for _ in 0..group.tasks_min {
            let nodes: Vec<NodeId> = draft.open().iter().map(|slice| slice.node).collect();
            let near = nodes.into_iter().find(|node| draft.cluster().fits(*node, &group.request));
            let found = near.or_else(|| draft.cluster().next_fit(&group.request, 0, within));
            if !found.is_some_and(|node| draft.take(node, &group.request)) {
                return false;
            }
        }
    }
    true
}
