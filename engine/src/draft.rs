//! The only pen that a policy has. It takes and returns GPUs in place, with an undo log.
//!
//! Gang atomicity, free GPUs and phases are checked here, once. What a policy does not start, preempt or reject
//! leaves no trace: GPUs that it took for nothing, or reserved, go back when the draft is committed.

mod cache;
mod commit;
mod gang;
mod migrate;
mod placed;
mod refuse;
mod stop;

use crate::cluster::Cluster;
use crate::eviction::Bill;
use crate::ids::{JobId, NodeId};
use crate::job::Phase;
use crate::oracle::Oracle;
use crate::placement::{Placement, Slice};
use crate::reason::Reason;
use crate::shape::TaskRequest;
use crate::state::{Memo, Plan, State};
use crate::terms::Amounts;
use crate::time::Time;

/// What the policy wishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Start a job on these GPUs.
    Start {
        /// The job.
        job: JobId,
        /// Its GPUs.
        placement: Placement,
    },
    /// Stop a run so that its GPUs can serve others.
    Preempt {
        /// The victim.
        job: JobId,
        /// For whom, and what it is expected to cost.
        bill: Bill,
    },
    /// Stop a run, and let the job go on elsewhere.
    Migrate {
        /// The job.
        job: JobId,
        /// Its GPUs from then on.
        placement: Placement,
        /// For whom, and what it is expected to cost.
        bill: Bill,
    },
    /// Turn a job away for good.
    Reject {
        /// The job.
        job: JobId,
        /// Why.
        reason: Reason,
    },
}

/// One step that can be undone.
#[derive(Clone, Debug)]
enum Step {
    /// A slice became held, for the open placement or a reservation.
    Took(Slice),
    /// A slice became free.
    Gave(Slice),
    /// The plan for a job changed from this.
    Planned(JobId, Plan),
    /// A decision was added.
    Decided,
    /// A decision was taken back; its place stays empty.
    Undecided(u32, Decision),
    /// The open placement became a decision; so many slices.
    Closed(usize),
    /// The open placement was what the job had: it stays.
    Stayed(Placement),
    /// A slice joined the open placement.
    Opened,
}

/// Reused memory of drafts.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    log: Vec<Step>,
    /// `None` where a decision was taken back: the places of the others stay what they are.
    decisions: Vec<Option<Decision>>,
    open: Placement,
    reserved: Vec<Slice>,
    /// What placers remember.
    caches: Vec<cache::Cache>,
}

/// A point to return to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark(usize);

/// A policy's view of the state, and what it wishes to do.
#[derive(Debug)]
pub struct Draft<'a> {
    state: &'a mut State,
    scratch: &'a mut Scratch,
    wake: Option<Time>,
    clairvoyant: bool,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(state: &'a mut State, scratch: &'a mut Scratch, clairvoyant: bool) -> Self {
        debug_assert!(scratch.log.is_empty() && scratch.decisions.is_empty());
        Self { state, scratch, wake: None, clairvoyant }
    }

    /// The instant of the decision.
    pub fn now(&self) -> Time {
        self.state.now
    }

    /// The state, with the GPUs as this draft has them.
    pub fn state(&self) -> &State {
        self.state
    }

    /// Nodes and what is free on them, as this draft has them.
    pub fn cluster(&self) -> &Cluster {
        &self.state.cluster
    }

    /// True durations, for a policy that declared that it needs them.
    pub fn oracle(&self) -> Option<Oracle<'_>> {
        self.clairvoyant.then_some(Oracle(self.state))
    }

    /// Whether `job` is ready and this draft has no plan for it yet.
    pub fn is_ready(&self, job: JobId) -> bool {
        self.state.job(job).phase == Phase::Ready && self.plan(job) == Plan::Nothing
    }

    /// Whether `job` is placed and this draft does not stop it.
    pub fn is_placed(&self, job: JobId) -> bool {
        self.state.job(job).is_placed() && self.plan(job) == Plan::Nothing
    }

    /// A point to which [`Draft::rollback`] can return.
    pub fn mark(&self) -> Mark {
        Mark(self.scratch.log.len())
    }

    /// Undoes everything since `mark`.
    pub fn rollback(&mut self, mark: Mark) {
        while self.scratch.log.len() > mark.0 {
            if let Some(step) = self.scratch.log.pop() {
                self.undo(step);
            }
        }
    }

    fn undo(&mut self, step: Step) {
        let scratch = &mut *self.scratch;
        match step {
            Step::Took(slice) => self.state.cluster.vacate(&slice),
            Step::Gave(slice) => self.state.cluster.occupy(&slice),
            Step::Planned(job, before) => {
                let plan = std::mem::replace(&mut self.state.plans[job.index()], before);
                self.account(job, plan, before);
            }
            Step::Decided => drop(scratch.decisions.pop()),
            Step::Undecided(at, decision) => scratch.decisions[at as usize] = Some(decision),
            Step::Closed(slices) => {
                if let Some(Some(Decision::Start { placement, .. } | Decision::Migrate { placement, .. })) =
                    scratch.decisions.last()
                {
                    debug_assert_eq!(placement.len(), slices);
                    scratch.open.clone_from(placement);
                }
            }
            Step::Stayed(placement) => scratch.open = placement,
            Step::Opened => drop(scratch.open.pop()),
        }
    }

    /// Takes room for one task on `node` into the open placement. `false`, and nothing changed, when it does not fit.
    pub fn take(&mut self, node: NodeId, request: &TaskRequest) -> bool {
        let from = self.scratch.open.len();
        if self.state.cluster.take(node, request, &mut self.scratch.open).is_none() {
            return false;
        }
        for at in from..self.scratch.open.len() {
            self.scratch.log.push(Step::Opened);
            self.scratch.log.push(Step::Took(self.scratch.open[at]));
        }
        true
    }

    /// Takes exactly this slice into the open placement: one task, or a part of one. `false`, and nothing changed, when it
    /// is not free.
    pub fn take_slice(&mut self, slice: Slice) -> bool {
        if !self.state.cluster.slice_is_free(&slice) {
            return false;
        }
        self.occupy(slice);
        self.scratch.open.push(slice);
        self.scratch.log.push(Step::Opened);
        true
    }

    /// The slices taken and not yet started.
    pub fn open(&self) -> &[Slice] {
        &self.scratch.open
    }

    /// Starts `job` on the open placement.
    pub fn start(&mut self, job: JobId) -> Result<(), Reason> {
        if !self.is_ready(job) {
            return Err(Reason::WrongPhase);
        }
        if !gang::is_gang(&self.state.cluster, &self.state.class_of(job).shape, &self.scratch.open) {
            return Err(Reason::WrongGang);
        }
        let placement = std::mem::take(&mut self.scratch.open);
        let slices = placement.len();
        self.decide(Decision::Start { job, placement });
        self.set_plan(job, Plan::Start);
        self.scratch.log.push(Step::Closed(slices));
        Ok(())
    }

    /// Starts `job` on exactly these slices, for policies that plan the whole cluster at once.
    pub fn start_at(&mut self, job: JobId, slices: &[Slice]) -> Result<(), Reason> {
        let mark = self.mark();
        let taken = slices.iter().try_for_each(|slice| self.take_exactly(*slice));
        taken.and_then(|()| self.start(job)).inspect_err(|_| self.rollback(mark))
    }

    fn take_exactly(&mut self, slice: Slice) -> Result<(), Reason> {
        if self.take_slice(slice) {
            return Ok(());
        }
        let node = slice.node;
        let up = self.state.cluster.state(node) == crate::cluster::NodeState::Up;
        Err(if up { Reason::NotFree { node } } else { Reason::NodeNotUp { node } })
    }

    /// Keeps room for `request` on `node` away from later placements of this draft, until [`Draft::unreserve`].
    ///
    /// Reservations are outside the undo log: make them when no what-if is open.
    pub fn reserve(&mut self, node: NodeId, request: &TaskRequest) -> bool {
        let mut slices = Placement::new();
        let taken = self.state.cluster.take(node, request, &mut slices).is_some();
        self.scratch.reserved.extend(slices);
        taken
    }

    /// Keeps the free room of the GPUs of `node` that are held in part away from later placements of this draft.
    pub fn reserve_shared(&mut self, node: NodeId) {
        for slice in self.state.cluster.shared_room(node) {
            self.state.cluster.occupy(&slice);
            self.scratch.reserved.push(slice);
        }
    }

    /// Gives all reservations back.
    pub fn unreserve(&mut self) {
        for slice in self.scratch.reserved.drain(..) {
            self.state.cluster.vacate(&slice);
        }
    }

    /// Turns a job away for good.
    pub fn reject(&mut self, job: JobId, reason: Reason) -> Result<(), Reason> {
        if !self.is_ready(job) {
            return Err(Reason::WrongPhase);
        }
        self.set_plan(job, Plan::Reject);
        self.decide(Decision::Reject { job, reason });
        Ok(())
    }

    fn decide(&mut self, decision: Decision) {
        self.scratch.decisions.push(Some(decision));
        self.scratch.log.push(Step::Decided);
    }

    /// Asks for a decision at `at` at the latest, even if nothing happens before.
    pub fn wake_at(&mut self, at: Time) {
        self.wake = Some(self.wake.map_or(at, |wake| wake.min(at)));
    }

    fn plan(&self, job: JobId) -> Plan {
        self.state.plans[job.index()]
    }

    fn set_plan(&mut self, job: JobId, plan: Plan) {
        let before = std::mem::replace(&mut self.state.plans[job.index()], plan);
        self.account(job, before, plan);
        self.scratch.log.push(Step::Planned(job, before));
    }

    /// What tenants have placed follows the plans of the draft.
    fn account(&mut self, job: JobId, from: Plan, to: Plan) {
        let tenant = self.state.tenant_of(job);
        let amounts = match (from, to) {
            (Plan::Start, _) | (_, Plan::Start) => Amounts::held(self.started_on(job)),
            (Plan::Move(at), _) | (_, Plan::Move(at)) => Amounts::held(self.landed_on(at)),
            _ => Amounts::held(&self.state.job(job).placement),
        };
        let counts = |plan: Plan| match plan {
            Plan::Start | Plan::Move(_) => true,
            Plan::Nothing => self.state.job(job).is_placed(),
            Plan::Preempt(_) | Plan::Vacated | Plan::Lifted | Plan::Reject => false,
        };
        match (counts(from), counts(to)) {
            (false, true) => self.state.tenants.add_placed(tenant, amounts),
            (true, false) => self.state.tenants.take_placed(tenant, amounts),
            _ => {}
        }
    }

    /// Notes something about a job, which [`State::memo`] tells from now on. Notes are not undone by a rollback.
    pub fn set_memo(&mut self, job: JobId, memo: Memo) {
        let memos = &mut self.state.memos;
        if memos.len() <= job.index() {
            memos.resize(job.index() + 1, Memo::default());
        }
        memos[job.index()] = memo;
    }

    /// What the policy notes beside its jobs: numbers in a meaning of its own, not undone by a rollback.
    pub fn board(&mut self) -> &mut Vec<u64> {
        &mut self.state.board
    }

    /// Counts a program that the policy had solved, or that failed. Not undone by a rollback.
    pub fn note_solve(&mut self, solve: crate::solves::Solve) {
        self.state.totals.solves.add(solve);
    }

    fn occupy(&mut self, slice: Slice) {
        self.state.cluster.occupy(&slice);
        self.scratch.log.push(Step::Took(slice));
    }

    fn give_back(&mut self, job: JobId) {
        for at in 0..self.placement(job).len() {
            let slice = self.placement(job)[at];
            self.state.cluster.vacate(&slice);
            self.scratch.log.push(Step::Gave(slice));
        }
    }
}
