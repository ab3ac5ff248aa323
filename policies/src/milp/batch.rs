//! Waiting jobs become a joint program, and its plan becomes wishes of a draft.

use engine::{Cluster, Draft, JobId, NodeId, NodeState, Reason, Shape, Solve, State};

use super::joint;
use super::solver::{Stopped, best};
use super::yard::{Ask, Placed, Plan, Rules, Source, Yard, YardNode};
use crate::fragmentation::{NodeRoom, Watched};
use crate::place::Scored;

/// What a job without GPUs is worth, in thousandths of a GPU: as much as one GPU.
const WITHOUT_GPUS: u64 = 1000;

/// What the program weighs: room for what is to come is worth a twentieth of room that is used now; a gang inside its
/// preferred domain a tenth of a GPU, each node beyond its first costs a twentieth.
pub(super) fn rules() -> Rules {
    Rules { frag_weight: 50, span_cost: 50, prefer_bonus: 100, ..Rules::default() }
}

/// The job as the program sees it; `None` for a gang that may grow, which is placed greedily.
pub(super) fn ask(state: &State, job: JobId) -> Option<Ask> {
    ask_of(&state.class_of(job).shape)
}

fn ask_of(shape: &Shape) -> Option<Ask> {
    if shape.groups.iter().any(|group| group.tasks_min != group.tasks_max) {
        return None;
    }
    let groups = shape.groups.iter().map(|group| (group.request, group.tasks_min)).collect();
    let value = if shape.gpu_milli() == 0 { WITHOUT_GPUS } else { shape.gpu_milli() };
    Some(Ask { value, groups, required: shape.required, preferred: shape.preferred })
}

/// The nodes where one of the jobs has room for a task.
pub(super) fn yard(cluster: &Cluster, asks: &[Ask]) -> Yard {
    let mut requests: Vec<_> = asks.iter().flat_map(|ask| ask.groups.iter().map(|(request, _)| *request)).collect();
    requests.sort_unstable();
    requests.dedup();
    let is_open = |node: &NodeId| {
        cluster.state(*node) == NodeState::Up && requests.iter().any(|request| cluster.fits(*node, request))
    };
    let nodes = (0..cluster.len()).map(NodeId::new).filter(is_open);
    let nodes = nodes.map(|id| YardNode { id, room: NodeRoom::of(cluster, id), domains: cluster.spec(id).domains });
    Yard { nodes: nodes.collect(), held: Vec::new() }
}

/// Starts the jobs that have a place in the plan. When a step does not hold, nothing changes.
pub(super) fn start(draft: &mut Draft<'_>, jobs: &[JobId], plan: &Plan) -> Result<Vec<JobId>, Reason> {
    let mark = draft.mark();
    let mut started = Vec::new();
    for (job, placed) in jobs.iter().zip(&plan.placed) {
        let Some(placed) = placed else { continue };
        if let Err(reason) = take(draft, placed).and_then(|()| draft.start(*job)) {
            draft.rollback(mark);
            return Err(reason);
        }
        started.push(*job);
    }
    Ok(started)
}

/// How the program of a plan ended.
pub(super) fn solved(plan: &Plan) -> Solve {
    let quality = &plan.quality;
    match quality.source {
        Source::Failed(_) => Solve::Failed,
        _ => answered(quality.gap, quality.objective as f64, quality.stopped),
    }
}

/// How a program ended that has an answer. Where that is worth nothing, no gap is a share of it.
pub(super) fn answered(gap: f64, objective: f64, stopped: Stopped) -> Solve {
    let gap_ppm = (gap.is_finite() && objective > 1e-6).then_some((gap * 1e6) as u64);
    Solve::Answered { gap_ppm, cut_off: stopped == Stopped::Limit }
}

/// What `place=milp` remembers.
#[derive(Debug, Default)]
struct Known(Watched);

/// Takes a gang into the open placement, by a program of this one job: on the nodes where least is fragmented, and on few
/// of them. `false`, and nothing changed, when the program finds no place, or the gang may grow.
pub(crate) fn place_gang(scored: Scored, draft: &mut Draft<'_>, shape: &Shape) -> bool {
    let Some(ask) = ask_of(shape) else { return false };
    let asks = [ask];
    let mut known = draft.take_cache::<Known>();
    known.0.follow(scored.expected, draft);
    let yard = yard(draft.cluster(), &asks);
    let plan = joint::plan(&yard, &asks, known.0.meter().workload(), &rules(), &mut *best());
    draft.put_cache(known);
    draft.note_solve(solved(&plan));
    let Some(Some(placed)) = plan.placed.first() else { return false };
    let mark = draft.mark();
    let taken = take(draft, placed);
    if taken.is_err() {
        draft.rollback(mark);
    }
    taken.is_ok()
}

/// Takes the slices of a gang, group by group, as the engine checks them. When one is not free, the caller rolls back.
fn take(draft: &mut Draft<'_>, placed: &Placed) -> Result<(), Reason> {
    let mut tasks: Vec<_> = placed.tasks.iter().collect();
    tasks.sort_by_key(|(group, _)| *group);
    let mut slices = tasks.into_iter().flat_map(|(_, slices)| slices);
    slices.try_for_each(|slice| draft.take_slice(*slice).then_some(()).ok_or(Reason::NotFree { node: slice.node }))
}
