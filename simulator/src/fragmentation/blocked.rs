//! Who waits although enough GPUs are idle: no set of nodes has the room that the gang needs.

use engine::{Class, ClassId, Cluster, GpuRequest, JobId, Phase, Scan, State, TaskGroup, TaskRequest};
use policies::fragmentation::NodeRoom;

/// Whether the smallest gang of a class has a place now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Unknown,
    Some,
    None,
}

/// What is known of a class.
#[derive(Clone, Copy, Debug, Default)]
struct Lane {
    /// Its jobs that wait.
    waiting: u64,
    place: Place,
    /// Enough GPUs are idle for it, and it has no place.
    is_blocked: bool,
    /// Microseconds for which it was blocked while jobs of it waited.
    blocked: u64,
}

/// Follows all jobs that wait. Whether a gang has a place is a matter of its class, so that classes are looked at, not jobs.
#[derive(Debug, Default)]
pub(crate) struct Blocked {
    lanes: Vec<Lane>,
    /// Classes of which a job waits.
    active: Vec<ClassId>,
    /// By job that waits: how long its class had been blocked before.
    since: Vec<Option<u64>>,
    /// By job: it was blocked for some time.
    ever: Vec<bool>,
    classes: Vec<ClassId>,
    jobs: u64,
    /// Jobs x microseconds.
    sum: u128,
    version: Option<u64>,
    freed: u64,
}

impl Blocked {
    /// All stayed as it was for so many microseconds.
    pub(crate) fn advance(&mut self, span: u64) {
        for class in &self.active {
            let lane = &mut self.lanes[class.index()];
            if lane.is_blocked {
                lane.blocked += span;
                self.sum += u128::from(lane.waiting) * u128::from(span);
            }
        }
    }

    /// Catches up after a step.
    pub(crate) fn follow(&mut self, state: &State) {
        self.lanes.resize(state.classes(), Lane::default());
        for job in state.changed_in_step() {
            self.look(state, *job);
        }
        let cluster = state.cluster();
        let (moved, freed) = (self.version != Some(cluster.version()), self.freed != state.freed_epoch());
        for class in &self.active {
            let (of, lane) = (state.class(*class), &mut self.lanes[class.index()]);
            lane.place = match lane.place {
                Place::None if !freed => Place::None,
                Place::None => again(cluster, of, self.version),
                Place::Some if !moved => Place::Some,
                Place::Some | Place::Unknown => place(cluster, of),
            };
            lane.is_blocked = lane.place == Place::None && of.gpu_milli_min <= cluster.free_gpu_milli();
        }
        (self.version, self.freed) = (Some(cluster.version()), state.freed_epoch());
    }

    /// Jobs that were blocked for some time, and jobs x seconds.
    pub(crate) fn figures(&mut self) -> (u64, f64) {
        for at in 0..self.since.len() {
            self.leave(JobId::new(at));
        }
        (self.jobs, self.sum as f64 / 1e6)
    }

    fn look(&mut self, state: &State, id: JobId) {
        let job = state.job(id);
        if state.class(job.spec.class).gpu_milli_min == 0 {
            return;
        }
        if self.since.len() <= id.index() {
            self.since.resize(id.index() + 1, None);
            self.ever.resize(id.index() + 1, false);
            self.classes.resize(id.index() + 1, ClassId::new(0));
        }
        let waits = job.phase == Phase::Ready;
        if waits && self.since[id.index()].is_none() {
            self.enter(id, job.spec.class);
        } else if !waits {
            self.leave(id);
        }
    }

    fn enter(&mut self, id: JobId, class: ClassId) {
        let lane = &mut self.lanes[class.index()];
        if lane.waiting == 0 {
            (lane.place, lane.is_blocked) = (Place::Unknown, false);
            self.active.push(class);
        }
        lane.waiting += 1;
        (self.since[id.index()], self.classes[id.index()]) = (Some(lane.blocked), class);
    }

    fn leave(&mut self, id: JobId) {
        let Some(since) = self.since[id.index()].take() else { return };
        let class = self.classes[id.index()];
        let lane = &mut self.lanes[class.index()];
        lane.waiting -= 1;
        if lane.waiting == 0 {
            self.active.retain(|other| *other != class);
        }
        if lane.blocked > since && !std::mem::replace(&mut self.ever[id.index()], true) {
            self.jobs += 1;
        }
    }
}

/// Whether a class that had no place at `version` has one now.
fn again(cluster: &Cluster, class: &Class, version: Option<u64>) -> Place {
    let single = class.shape.groups.len() == 1 && class.shape.groups[0].tasks_min == 1;
    let touched = version.and_then(|version| cluster.touched_since(version)).filter(|_| single);
    let Some(mut touched) = touched else { return place(cluster, class) };
    let request = &class.shape.groups[0].request;
    if touched.any(|node| cluster.fits(node, request)) { Place::Some } else { Place::None }
}

/// Whether each group by itself has room for its tasks; topology is left aside.
fn place(cluster: &Cluster, class: &Class) -> Place {
    let mut groups = class.shape.groups.iter();
    if groups.all(|group| has_room(cluster, group)) { Place::Some } else { Place::None }
}

fn has_room(cluster: &Cluster, group: &TaskGroup) -> bool {
    let request = group.request;
    let tasks = u64::from(group.tasks_min);
    let mut nodes = cluster.by_free(request, Scan::MostFree, None);
    match request.gpus {
        GpuRequest::Milli(_) if tasks == 1 => {
            let whole = TaskRequest { gpus: GpuRequest::Whole(1), ..request };
            cluster.by_shared_room(request, None).next().is_some()
                || cluster.by_free(whole, Scan::MostFree, None).next().is_some()
        }
        _ if tasks == 1 => nodes.next().is_some(),
        // Without this a gang that does not fit would look at every node on which one task does.
        _ if cluster.slots(&request) < tasks => false,
        _ => {
            let mut left = tasks;
            nodes.any(|node| {
                left = left.saturating_sub(slots(&NodeRoom::of(cluster, node), &request));
                left == 0
            })
        }
    }
}

/// Tasks of this request that one node has room for.
fn slots(room: &NodeRoom, request: &TaskRequest) -> u64 {
    let by = |free: u32, need: u32| free.checked_div(need).map_or(u64::MAX, u64::from);
    let gpus = match request.gpus {
        GpuRequest::Whole(gpus) => by(room.whole_gpus(), gpus),
        GpuRequest::Milli(milli) => room.gpus.iter().map(|free| by(u32::from(*free), u32::from(milli))).sum(),
    };
    gpus.min(by(room.cpu_milli, request.cpu_milli)).min(by(room.memory_mib, request.memory_mib))
}
