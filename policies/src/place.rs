//! Where a gang goes.

mod consolidate;
mod scored;
mod skew;
mod variable;

use engine::placement::nodes_spanned;
use engine::{ClassId, Draft, GpuRequest, JobId, Level, ModelSet, NodeId, Scan, Shape, TaskGroup, TaskRequest, Within};

pub(crate) use self::scored::take_on;
pub use self::scored::{Rule, Scored, fgd_score};
pub use self::skew::Skewed;
pub use self::variable::Variable;

/// A rule that picks nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placer {
    /// The fitting node with the fewest free GPUs, then the lowest id.
    BestFit,
    /// The fitting node with the most free GPUs, then the lowest id.
    WorstFit,
    /// The fitting node with the lowest id.
    FirstFit,
    /// The fewest nodes, then the fewest racks.
    Pack,
    /// The fewest nodes, then the tightest level of the topology, then its fullest domain.
    Consolidate,
    /// Consolidated where the job is of a model with skewed tensors, else where nodes are fullest (Tiresias).
    Skew(Skewed),
    /// By how slow GPUs are for the application of the job (PAL).
    Variable(Variable),
    /// A node of its own for each task where possible, the one with the most free GPUs first.
    Spread,
    /// A fitting node by lot, by a hash of seed, job, attempt and task.
    Random {
        /// The seed.
        seed: u64,
    },
    /// The node with the highest score (FGD and the baselines of its publication).
    Scored(Scored),
    /// A gang by an integer program, one task as FGD does.
    Milp(Scored),
}

/// What a placer knows about the task that it places.
#[derive(Clone, Copy, Debug)]
struct Spot {
    job: JobId,
    within: Option<Within>,
    /// Tasks of the group that are still to be placed, this one included.
    left: u32,
}

/// Takes the gang of `job` into the open placement. `false`, and nothing changed, when there is no room.
///
/// Greedy, group by group and task by task. A required domain is the tightest that has room, a preferred one is tried first.
pub fn place(placer: Placer, draft: &mut Draft<'_>, job: JobId) -> bool {
    place_on(placer, draft, job, ModelSet::ANY)
}

/// Whether the gang of `job` has room now. Nothing changes.
pub(crate) fn fits(placer: Placer, draft: &mut Draft<'_>, job: JobId) -> bool {
    let mark = draft.mark();
    let fits = place(placer, draft, job);
    draft.rollback(mark);
    fits
}

/// [`place`] on nodes of some models only.
pub(crate) fn place_on(placer: Placer, draft: &mut Draft<'_>, job: JobId, models: ModelSet) -> bool {
    let placer = placer.of_job(draft, job);
    let class = draft.state().job(job).spec.class;
    let entry = draft.state().class(class);
    if entry.gpu_milli_min > draft.cluster().free_gpu_milli() {
        return false;
    }
    let plain = entry.shape.preferred.is_none() && !matches!(placer, Placer::Variable(_));
    if let Some(request) = entry.shape.single().filter(|_| plain).copied() {
        let spot = Spot { job, within: None, left: 1 };
        let request = TaskRequest { models: request.models.and(models), ..request };
        return placer.take(draft, &request, spot);
    }
    if place_gang(placer, draft, job, class, models) {
        return true;
    }
    // Several groups are packed greedily, which can miss what fits. First fit in falling size is what says that a gang
    // can run on the empty cluster at all: with it as the last resort, every such gang starts at some time.
    let several = draft.state().class(class).shape.groups.len() > 1;
    several && placer != Placer::FirstFit && place_gang(Placer::FirstFit, draft, job, class, models)
}

fn place_gang(placer: Placer, draft: &mut Draft<'_>, job: JobId, class: ClassId, models: ModelSet) -> bool {
    let shape = draft.state().class(class).shape.on(models);
    let short = |group: &TaskGroup| draft.cluster().slots(&group.request) < u64::from(group.tasks_min);
    if shape.groups.iter().any(short) {
        return false;
    }
    if let Placer::Milp(scored) = placer
        && crate::milp::place_gang(scored, draft, &shape)
    {
        return true;
    }
    if placer == Placer::Consolidate {
        return consolidate::consolidate(draft, job, &shape);
    }
    if placer == Placer::Pack && shape.required.is_none() && shape.preferred.is_none() {
        return place_on_fewest(draft, job, &shape);
    }
    for level in [shape.preferred, shape.required].into_iter().flatten() {
        if shape.required.is_some_and(|required| level > required) {
            continue;
        }
        for within in domains(draft, level, &shape, None) {
            if place_within(placer, draft, job, &shape, Some(within)) {
                return true;
            }
        }
    }
    shape.required.is_none() && place_within(placer, draft, job, &shape, None)
}

/// The fewest nodes, inside one rack if one has a way with as few.
fn place_on_fewest(draft: &mut Draft<'_>, job: JobId, shape: &Shape) -> bool {
    let racks = domains(draft, Level::Rack, shape, None).into_iter().map(Some);
    let mut best: Option<(usize, Option<Within>)> = None;
    for within in racks.chain([None]) {
        let mark = draft.mark();
        if place_within(Placer::Pack, draft, job, shape, within) {
            let nodes = nodes_spanned(draft.open());
            if best.is_none_or(|(fewest, _)| nodes < fewest) {
                best = Some((nodes, within));
            }
            draft.rollback(mark);
        }
    }
    best.is_some_and(|(_, within)| place_within(Placer::Pack, draft, job, shape, within))
}

fn place_within(placer: Placer, draft: &mut Draft<'_>, job: JobId, shape: &Shape, within: Option<Within>) -> bool {
    if let Placer::Variable(rule) = placer {
        let fits = rule.gang(draft, job, shape, within);
        if fits {
            grow(placer, draft, job, shape, within);
        }
        return fits;
    }
    let mark = draft.mark();
    for group in &shape.groups {
        for placed in 0..group.tasks_min {
            if !place_task(placer, draft, Spot { job, within, left: group.tasks_min - placed }, group) {
                draft.rollback(mark);
                return false;
            }
        }
    }
    grow(placer, draft, job, shape, within);
    true
}

/// Only when the whole gang has its least, groups grow.
fn grow(placer: Placer, draft: &mut Draft<'_>, job: JobId, shape: &Shape, within: Option<Within>) {
    for group in &shape.groups {
        let more = group.tasks_max - group.tasks_min;
        let _placed = (0..more)
            .take_while(|placed| place_task(placer, draft, Spot { job, within, left: more - placed }, group))
            .count();
    }
}

fn place_task(placer: Placer, draft: &mut Draft<'_>, spot: Spot, group: &TaskGroup) -> bool {
    if let Placer::Variable(_) = placer {
        return variable::one_more(draft, spot, group);
    }
    placer.take(draft, &group.request, spot)
}

/// Domains of `level` with as many GPUs free as the gang needs, the tightest first; of those that cross domains of the
/// level that it requires, or of `bound`, none.
fn domains(draft: &Draft<'_>, level: Level, shape: &Shape, bound: Option<Level>) -> Vec<Within> {
    let cluster = draft.cluster();
    let inside = |within: &Within| {
        [shape.required, bound].into_iter().flatten().all(|around| cluster.is_inside(*within, around.max(level)))
    };
    cluster.domains(level, shape.gpu_milli_min()).filter(inside).collect()
}

impl Placer {
    /// Takes room for one task into the open placement. `false`, and nothing changed, when there is none.
    fn take(self, draft: &mut Draft<'_>, request: &TaskRequest, spot: Spot) -> bool {
        if let Self::Scored(scored) | Self::Milp(scored) = self {
            return scored.take(draft, request, spot);
        }
        self.node(draft, request, spot).is_some_and(|node| draft.take(node, request))
    }

    fn node(self, draft: &Draft<'_>, request: &TaskRequest, spot: Spot) -> Option<NodeId> {
        let (cluster, within) = (draft.cluster(), spot.within);
        match self {
            Self::BestFit | Self::Skew(_) | Self::Variable(_) | Self::Scored(_) | Self::Milp(_) => {
                tightest(draft, request, within)
            }
            Self::WorstFit => cluster.by_free(*request, Scan::MostFree, within).next(),
            Self::FirstFit => cluster.next_fit(request, 0, within),
            Self::Pack | Self::Consolidate => pack(draft, request, spot).or_else(|| tightest(draft, request, within)),
            Self::Spread => spread(draft, request, within),
            Self::Random { seed } => random(draft, request, spot, seed),
        }
    }
}

/// The tightest GPU that is shared and has room, else the fullest node that fits.
fn tightest(draft: &Draft<'_>, request: &TaskRequest, within: Option<Within>) -> Option<NodeId> {
    let shared = match request.gpus {
        GpuRequest::Milli(_) => draft.cluster().by_shared_room(*request, within).next(),
        GpuRequest::Whole(_) => None,
    };
    shared.or_else(|| draft.cluster().by_free(*request, Scan::FewestFree, within).next())
}

/// The node of the task before, until it is full; then the tightest node that holds all tasks that are left, else the one
/// that holds most of them.
fn pack(draft: &Draft<'_>, request: &TaskRequest, spot: Spot) -> Option<NodeId> {
    let last = draft.open().last().map(|slice| slice.node);
    if let Some(node) = last.filter(|node| draft.cluster().fits(*node, request)) {
        return Some(node);
    }
    let GpuRequest::Whole(gpus) = request.gpus else { return None };
    if spot.left < 2 {
        return None;
    }
    let all = TaskRequest {
        gpus: GpuRequest::Whole(gpus.saturating_mul(spot.left)),
        cpu_milli: request.cpu_milli.saturating_mul(spot.left),
        memory_mib: request.memory_mib.saturating_mul(spot.left),
        models: request.models,
    };
    let cluster = draft.cluster();
    let holds_all = cluster.by_free(all, Scan::FewestFree, spot.within).next();
    holds_all.or_else(|| cluster.by_free(*request, Scan::MostFree, spot.within).next())
}

fn spread(draft: &Draft<'_>, request: &TaskRequest, within: Option<Within>) -> Option<NodeId> {
    let mut roomy = draft.cluster().by_free(*request, Scan::MostFree, within);
    let used = |node: &NodeId| draft.open().iter().any(|slice| slice.node == *node);
    let first = roomy.next()?;
    if used(&first) { roomy.find(|node| !used(node)).or(Some(first)) } else { Some(first) }
}

/// Draws until a node fits; after as many misses as are likely on a nearly full cluster it draws from a list.
fn random(draft: &Draft<'_>, request: &TaskRequest, spot: Spot, seed: u64) -> Option<NodeId> {
    let cluster = draft.cluster();
    let task = draft.open().len() as u64;
    let job = draft.state().job(spot.job);
    let base = mix(seed ^ mix(u64::from(spot.job.0) << 32 | u64::from(job.attempt)) ^ task);
    for draw in 0..16 {
        let node = NodeId::new((mix(base ^ draw << 56) % cluster.len().max(1) as u64) as usize);
        if !cluster.is_empty() && cluster.is_within(node, spot.within) && cluster.fits(node, request) {
            return Some(node);
        }
    }
    let fitting: Vec<NodeId> = cluster.by_free(*request, Scan::FewestFree, spot.within).collect();
    let pick = mix(base ^ 16 << 56) % fitting.len().max(1) as u64;
    fitting.get(pick as usize).copied()
}

/// `SplitMix64`'s finaliser (Steele et al., OOPSLA 2014): chance without a generator.
pub(crate) fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}
