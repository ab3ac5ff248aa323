//! `HiveD` (OSDI 2020): tenants share a cluster and lose nothing by it against one of their own.
//!
//! A quota is turned into cells, a virtual cluster. A job of a virtual cluster gets seats in its cells as if they were a
//! cluster of their own; only then the cells are bound to physical ones. Jobs without a claim to cells use what is free, and
//! go when the owner comes. Notes: the memo of a job says how it was started, the board has the bound cells.

mod ask;
mod buddies;
mod cells;
mod contracts;
mod seats;
mod start;

use std::collections::{BTreeMap, BTreeSet};

use engine::{ClassId, Draft, JobId, Needs, NodeId, Policy, Reason, Resource, TenantId, Time};

pub(crate) use self::cells::Top;
use self::cells::{CellId, Forest};
use self::contracts::{Contracts, REST, Vc, vc_of};
use self::seats::Seats;
use crate::place::{Placer, place};
use crate::ready::{Filing, LaneKey, Ready};

/// Who runs on cells that are not in use, until their owner comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opportunistic {
    /// Jobs of priority below 0 alone.
    Negative,
    /// Also those for which their virtual cluster has no room now.
    Beyond,
}

/// What happens behind a job for which its virtual cluster has no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inside {
    /// Nobody of the virtual cluster passes.
    Fifo,
    /// Jobs of other classes may.
    Skip,
}

/// The rules.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) top: Top,
    pub(crate) opportunistic: Opportunistic,
    pub(crate) inside: Inside,
}

/// How a job was started, as its memo says.
const GUARANTEED: u64 = 1;
const SCAVENGER: u64 = 2;

/// The policy.
#[derive(Debug)]
pub(crate) struct Hived {
    rules: Rules,
    /// Where opportunistic jobs go.
    placer: Placer,
    hive: Option<Hive>,
    ready: Ready,
    seen: u64,
    /// Lanes that still may start something on cells in this decision.
    lanes: Vec<u32>,
}

/// What is known of the cluster and of the jobs that are placed.
#[derive(Debug)]
struct Hive {
    forest: Forest,
    contracts: Contracts,
    seats: Seats,
    /// Seats of guaranteed jobs.
    seated: BTreeMap<JobId, Vec<CellId>>,
    /// Opportunistic jobs on each node, and where each is.
    scavengers: Vec<BTreeSet<JobId>>,
    roams: BTreeMap<JobId, Vec<NodeId>>,
    /// Whether a virtual cluster can ever hold a class.
    holds: BTreeMap<(Vc, ClassId), bool>,
}

/// What a waiting job is to the policy; the bucket of its lane.
const CLAIM: u8 = 0;
const NEGATIVE: u8 = 1;
const NO_GPUS: u8 = 2;

/// What came of the try to start a job on the cells of its virtual cluster.
enum Attempt {
    Started,
    /// They could never hold it.
    TooLarge(Reason),
    NoRoom(Reason),
}

struct ByVc;

impl Filing for ByVc {
    fn lane(&self, draft: &Draft<'_>, job: JobId) -> LaneKey {
        let spec = &draft.state().job(job).spec;
        let bucket = match (draft.state().class_of(job).gpu_milli, spec.preemptible) {
            (0, _) => NO_GPUS,
            (_, true) if spec.priority < 0 => NEGATIVE,
            _ => CLAIM,
        };
        let vc = TenantId(vc_of(draft.state().tenants(), spec.tenant));
        LaneKey { class: spec.class, tenant: vc, bucket, stage: u8::from(spec.preemptible), ..LaneKey::default() }
    }
}

impl Policy for Hived {
    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn decide(&mut self, _now: Time, draft: &mut Draft<'_>) {
        self.catch_up(draft);
        self.ready.sync(draft, &ByVc);
        self.lanes.clear();
        self.lanes.extend_from_slice(self.ready.active());
        let oversized = self.guaranteed(draft);
        self.opportunistic(draft, &oversized);
        if let Some(hive) = &self.hive {
            let notes = hive.seats.bound.iter();
            let notes =
                notes.flat_map(|(id, bound)| [u64::from(*id), u64::from(bound.vc) << 32 | u64::from(bound.slot)]);
            let board = draft.board();
            board.clear();
            board.extend(notes);
        }
    }
}

impl Hived {
    /// A policy of these rules.
    pub(crate) fn new(rules: Rules, placer: Placer) -> Self {
        Self { rules, placer, hive: None, ready: Ready::default(), seen: 0, lanes: Vec::new() }
    }

    fn catch_up(&mut self, draft: &Draft<'_>) {
        let changes = draft.state().changes_since(self.seen);
        self.seen = changes.end;
        let hive = match (&mut self.hive, changes.anew) {
            (Some(hive), false) => {
                changes.jobs.for_each(|job| hive.refile(draft, job));
                hive
            }
            (hive, _) => hive.insert(Hive::new(draft, self.rules.top)),
        };
        hive.seats.release_empty(&hive.forest);
        let changed = hive.contracts.sync(draft.state().tenants(), &hive.forest);
        if changed || hive.seats.has_homeless() {
            hive.seats.match_slots(&hive.forest, &hive.contracts);
        }
        if changed {
            hive.holds.clear();
            self.ready = Ready::default();
        }
    }

    /// Starts jobs on the cells of their virtual clusters, in each in the order of priority and arrival. Returns the lanes whose
    /// jobs no cells of their virtual cluster can ever hold.
    fn guaranteed(&mut self, draft: &mut Draft<'_>) -> Vec<u32> {
        let mut oversized = Vec::new();
        let mut alone = draft.state().live().is_empty();
        let ready = &self.ready;
        let mut open: Vec<u32> =
            self.lanes.iter().copied().filter(|lane| ready.lane(*lane).key.bucket == CLAIM).collect();
        while let Some((lane, job)) = self.first(&open) {
            let key = self.ready.lane(lane).key;
            match self.attempt(draft, job, key) {
                Attempt::Started => {
                    self.ready.remove(job);
                    alone = false;
                }
                Attempt::TooLarge(reason) if key.stage == 1 => {
                    oversized.push(lane);
                    open.retain(|other| *other != lane);
                    draft.refuse_class(key.class, reason);
                }
                Attempt::TooLarge(reason) => {
                    self.ready.remove(job);
                    let _rejected = draft.reject(job, reason);
                }
                Attempt::NoRoom(_) if alone && self.start_alone(draft, job, key.stage) => alone = false,
                Attempt::NoRoom(reason) => {
                    draft.refuse_class(key.class, reason);
                    draft.refuse(job, reason);
                    self.drop_behind(draft, job, key, &mut open);
                }
            }
        }
        oversized
    }

    /// Takes those out of the round that cannot pass a job for which its virtual cluster has no room.
    fn drop_behind(&self, draft: &mut Draft<'_>, job: JobId, key: LaneKey, open: &mut Vec<u32>) {
        let inside = self.rules.inside;
        if inside == Inside::Fifo {
            refuse_vc(draft, key.tenant.0, job);
        }
        open.retain(|other| {
            let other = self.ready.lane(*other).key;
            other.tenant != key.tenant || inside == Inside::Skip && other.class != key.class
        });
    }

    fn attempt(&mut self, draft: &mut Draft<'_>, job: JobId, key: LaneKey) -> Attempt {
        let vc = key.tenant.0;
        let Some(hive) = &mut self.hive else { return Attempt::NoRoom(Reason::NotTried) };
        if !hive.can_hold(draft, vc, key.class) {
            Attempt::TooLarge(hive.shortage(draft, vc, key.class))
        } else if hive.start(draft, job, vc) {
            Attempt::Started
        } else {
            Attempt::NoRoom(hive.shortage(draft, vc, key.class))
        }
    }

    /// The last resort where nothing runs and the cells do not do: nodes are down, or tasks without GPUs have no room beside the
    /// others. A job that may be preempted has no claim then.
    fn start_alone(&mut self, draft: &mut Draft<'_>, job: JobId, preemptible: u8) -> bool {
        let started = place(self.placer, draft, job) && draft.start(job).is_ok();
        if started {
            self.ready.remove(job);
            draft.set_memo(job, [if preemptible == 1 { SCAVENGER } else { 0 }, 0, 0, 0]);
        }
        started
    }

    /// The first job of all lanes, and its lane.
    fn first(&self, lanes: &[u32]) -> Option<(u32, JobId)> {
        let heads = lanes.iter().filter_map(|lane| self.ready.lane(*lane).head().map(|head| (head, *lane)));
        heads.min().map(|((_, job), lane)| (lane, job))
    }

    /// Starts jobs without a claim wherever there is room.
    fn opportunistic(&mut self, draft: &mut Draft<'_>, oversized: &[u32]) {
        let (ready, rule) = (&self.ready, self.rules.opportunistic);
        let may = |lane: &u32| {
            let key = ready.lane(*lane).key;
            let beyond = rule == Opportunistic::Beyond && key.stage == 1;
            key.bucket != CLAIM || beyond || oversized.contains(lane)
        };
        let mut open: Vec<u32> = self.lanes.iter().copied().filter(may).collect();
        while let Some((lane, job)) = self.first(&open) {
            let key = self.ready.lane(lane).key;
            if place(self.placer, draft, job) && draft.start(job).is_ok() {
                self.ready.remove(job);
                draft.set_memo(job, [if key.stage == 1 { SCAVENGER } else { 0 }, 0, 0, 0]);
                continue;
            }
            let reason = draft.shortage(key.class);
            draft.refuse_class(key.class, reason);
            draft.refuse(job, reason);
            let ready = &self.ready;
            open.retain(|other| ready.lane(*other).key.class != key.class);
        }
    }
}

/// Says that the jobs of a virtual cluster wait behind its first.
fn refuse_vc(draft: &mut Draft<'_>, vc: Vc, head: JobId) {
    let reason = Reason::BehindHead { head };
    if vc != REST {
        draft.refuse_tenant(TenantId(vc), reason);
        return;
    }
    for at in (0..draft.state().tenants().len()).map(TenantId::new) {
        let tenants = draft.state().tenants();
        if tenants.get(at).parent.is_none() && vc_of(tenants, at) == REST {
            draft.refuse_tenant(at, reason);
        }
    }
}

impl Hive {
    /// From the notes of earlier decisions and the jobs that are placed.
    fn new(draft: &Draft<'_>, top: Top) -> Self {
        let forest = Forest::new(draft.cluster().inventory(), top);
        let mut seats = Seats::new(&forest);
        for note in draft.state().board().chunks_exact(2) {
            seats.restore(&forest, note[0] as CellId, (note[1] >> 32) as Vc, note[1] as u32);
        }
        let mut hive = Self {
            forest,
            contracts: Contracts::default(),
            seats,
            seated: BTreeMap::new(),
            scavengers: vec![BTreeSet::new(); draft.cluster().len()],
            roams: BTreeMap::new(),
            holds: BTreeMap::new(),
        };
        for job in draft.state().live() {
            hive.refile(draft, *job);
        }
        hive
    }

    /// Takes in that a job was placed, or no longer is.
    fn refile(&mut self, draft: &Draft<'_>, id: JobId) {
        let placed = draft.state().job(id).is_placed();
        if placed && self.seated.contains_key(&id) {
            // It sat down when it was started.
            return;
        }
        for seat in self.seated.remove(&id).unwrap_or_default() {
            self.seats.rise(&self.forest, seat);
        }
        for node in self.roams.remove(&id).unwrap_or_default() {
            self.scavengers[node.index()].remove(&id);
        }
        let job = draft.state().job(id);
        match draft.state().memo(id)[0] {
            GUARANTEED if job.is_placed() => {
                let seats = ask::seats(&self.forest, &draft.state().class_of(id).shape, &job.placement);
                for seat in &seats {
                    self.seats.sit(&self.forest, *seat);
                }
                self.seated.insert(id, seats);
            }
            SCAVENGER if job.is_placed() => {
                let nodes: Vec<NodeId> = job.placement.iter().map(|slice| slice.node).collect();
                for node in &nodes {
                    self.scavengers[node.index()].insert(id);
                }
                self.roams.insert(id, nodes);
            }
            _ => {}
        }
    }

    /// Why a virtual cluster has no room: too few GPUs, or none where they are needed.
    fn shortage(&self, draft: &Draft<'_>, vc: Vc, class: ClassId) -> Reason {
        let need = draft.state().class(class).gpu_milli_min;
        let left = self.seats.left(&self.forest, vc) * 1000;
        if need > left {
            return Reason::QuotasExhausted { resource: Resource::Gpu, need, left };
        }
        draft.shortage(class)
    }
}
