//! The policy `milp`: greedy while that strands nothing, a program where it would.
//!
//! Each decision goes through the waiting jobs in order, higher priorities first, and everybody may pass. A batch is placed
//! greedily (the program of a single task is solved by looking at each node, which is what the placer does). What then
//! does not fit is what programs are for: the batch is placed again, jointly; a job that still does not fit may get a place
//! by moves of running jobs, if the price of the moves is less than the gain; and when starts have stranded much, running
//! jobs change places to undo it. What the solver says is carried out through the draft, which checks each step; if that
//! fails, the greedy plan stands.

use engine::{ClassId, Draft, JobId, Needs, NodeId, Policy, Solve, TaskRequest, Time, Triggers};

use super::repack::{Exchange, Exchanger, Idle, Repack, Residents, Scene, carry_out};
use super::rules::Rules;
use super::solver::{Answer, Solver};
use super::yard::{self, Ask, Source};
use super::{batch, joint};
use crate::fragmentation::Watched;
use crate::place::{mix, place};
use crate::ready::{Filing, LaneKey, Ready};

/// Places of the board: what starts have stranded since the last tidying, in thousandths of a GPU.
const STRANDED: usize = 0;
/// Searches that were in vain lately.
const IN_VAIN: usize = 1;
/// From here on two places a class: the epoch in which it could not be placed, and when to look for moves again.
const CLASSES: usize = 2;
/// After each search for moves that found none a class waits twice as long, up to 2 to this power of epochs.
const PATIENCE_MAX: u64 = 8;
/// Nodes of a block, at most.
const BLOCK_NODES: usize = 16;

/// In one decision it looks for moves in vain at most so often, and solves at most so many programs in vain.
const LOOKS_MAX: u32 = 8;
const PROGRAMS_MAX: u32 = 2;

/// Placement by programs.
pub struct Milp {
    rules: Rules,
    solver: Box<dyn Solver>,
    ready: Ready,
    residents: Residents,
    watched: Watched,
    exchanger: Exchanger,
}

impl std::fmt::Debug for Milp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Milp").field("rules", &self.rules).field("solver", &self.solver.name()).finish_non_exhaustive()
    }
}

/// Jobs of a class wait in one line.
struct ByClass;

impl Filing for ByClass {
    fn lane(&self, draft: &Draft<'_>, job: JobId) -> LaneKey {
        LaneKey { class: draft.state().job(job).spec.class, ..LaneKey::default() }
    }
}

/// One decision.
struct Turn {
    moves_left: u32,
    /// How often it may look for moves in vain.
    looks_left: u32,
    /// Programs that it may solve in vain.
    programs_left: u32,
    /// Classes that did not fit in this decision.
    failed: Vec<ClassId>,
}

impl Turn {
    /// Whether it may look for moves, now and in the long run.
    fn may_look(&self, draft: &mut Draft<'_>) -> bool {
        self.moves_left > 0
            && self.looks_left > 0
            && self.programs_left > 0
            && Allowance::of(draft).spent < Allowance::SPENT_MAX
    }
}

impl Policy for Milp {
    fn needs(&self) -> Needs {
        Needs { oracle: false, triggers: Triggers::FREED.and(Triggers::ARRIVED), usage_half_life: None }
    }

    fn decide(&mut self, _now: Time, draft: &mut Draft<'_>) {
        self.ready.sync(draft, &ByClass);
        if self.watched.follow(self.rules.expected, draft) {
            self.exchanger.forget();
        }
        let before = self.watched.meter().sum();
        let mut turn = Turn {
            moves_left: self.rules.repack.map_or(0, |repack| repack.moves_max),
            looks_left: LOOKS_MAX,
            programs_left: PROGRAMS_MAX,
            failed: Vec::new(),
        };
        while self.start_batch(draft, &mut turn) {}
        if let Some(repack) = self.rules.repack {
            self.note_stranded(draft, before);
            self.residents.sync(draft);
            self.exchanger.touch(self.residents.take_changed());
            self.make_room(draft, repack, &mut turn);
            self.tidy_up(draft, repack, &mut turn);
        }
        let epoch = draft.state().freed_epoch();
        for class in turn.failed {
            *failed_at(draft, class) = epoch;
            let reason = draft.shortage(class);
            draft.refuse_class(class, reason);
        }
    }
}

impl Milp {
    /// A policy by these rules with this solver.
    pub fn new(rules: Rules, solver: Box<dyn Solver>) -> Self {
        Self {
            rules,
            solver,
            ready: Ready::default(),
            residents: Residents::default(),
            watched: Watched::default(),
            exchanger: Exchanger::default(),
        }
    }

    /// The first jobs that wait, of all classes that may fit, all of one priority, in order of arrival.
    fn batch(&self, draft: &mut Draft<'_>, turn: &Turn) -> Vec<JobId> {
        let epoch = draft.state().freed_epoch();
        let mut jobs: Vec<(u64, JobId)> = Vec::new();
        for lane in self.ready.active() {
            let lane = self.ready.lane(*lane);
            let class = lane.key.class;
            if *failed_at(draft, class) != epoch && !turn.failed.contains(&class) {
                jobs.extend(lane.jobs.iter().take(self.rules.batch));
            }
        }
        jobs.sort_unstable();
        jobs.truncate(self.rules.batch);
        let first = jobs.first().map(|(rank, _)| *rank);
        jobs.into_iter().take_while(|(rank, _)| Some(*rank) == first).map(|(_, job)| job).collect()
    }

    /// Starts what it can of the first jobs. `false` when there is nothing left to try.
    fn start_batch(&mut self, draft: &mut Draft<'_>, turn: &mut Turn) -> bool {
        let batch = self.batch(draft, turn);
        let mark = draft.mark();
        let (mut started, mut failed) = self.start_greedily(draft, &batch, &[]);
        // A better plan places others in place of some: there must be some, others, and room that is left over.
        let may_gain = !started.is_empty() && !failed.is_empty() && draft.cluster().free_gpu_milli() > 0;
        if may_gain {
            draft.rollback(mark);
            let planned = self.start_jointly(draft, &batch).unwrap_or_default();
            let (more, still) = self.start_greedily(draft, &batch, &planned);
            started = planned;
            started.extend(more);
            failed = still;
        }
        for job in started {
            self.ready.remove(job);
        }
        turn.failed.extend(failed);
        !batch.is_empty()
    }

    /// Starts the jobs that have room, one after the other, and those of classes that had none not. The jobs that were
    /// started, and the classes without room.
    fn start_greedily(&self, draft: &mut Draft<'_>, batch: &[JobId], done: &[JobId]) -> (Vec<JobId>, Vec<ClassId>) {
        let (mut started, mut failed) = (Vec::new(), Vec::new());
        for job in batch.iter().filter(|job| !done.contains(job)) {
            let class = draft.state().job(*job).spec.class;
            if failed.contains(&class) {
                continue;
            }
            if place(self.rules.greedy, draft, *job) && draft.start(*job).is_ok() {
                started.push(*job);
            } else {
                failed.push(class);
            }
        }
        (started, failed)
    }

    /// Starts the jobs for which a joint program finds places, if its plan is better than its own greedy one.
    fn start_jointly(&mut self, draft: &mut Draft<'_>, batch: &[JobId]) -> Option<Vec<JobId>> {
        let (jobs, asks): (Vec<JobId>, Vec<Ask>) =
            batch.iter().filter_map(|job| Some((*job, batch::ask(draft.state(), *job)?))).unzip();
        let yard = batch::yard(draft.cluster(), &asks);
        let limits = self.rules.limits;
        let rules = yard::Rules { limits, ..batch::rules() };
        let plan = joint::plan(&yard, &asks, self.watched.meter().workload(), &rules, &mut *self.solver);
        let started = match plan.quality.source {
            Source::Program => batch::start(draft, &jobs, &plan).ok(),
            Source::Greedy | Source::Failed(_) => None,
        };
        let is_lost = plan.quality.source == Source::Program && started.is_none();
        draft.note_solve(if is_lost { Solve::Failed } else { batch::solved(&plan) });
        started
    }

    /// Adds up what starts have stranded.
    fn note_stranded(&mut self, draft: &mut Draft<'_>, before: u64) {
        self.watched.follow(self.rules.expected, draft);
        let grown = self.watched.meter().sum().saturating_sub(before);
        *board(draft, STRANDED) += grown / self.watched.meter().workload().total().max(1);
    }

    /// Makes room for the first of each class that does not fit, while moves are left.
    fn make_room(&mut self, draft: &mut Draft<'_>, repack: Repack, turn: &mut Turn) {
        let mut at = 0;
        while at < turn.failed.len() && turn.may_look(draft) {
            let class = turn.failed[at];
            let request = draft.state().class(class).shape.single().copied().filter(|request| request.gpus.milli() > 0);
            let (Some(job), Some(request), true) = (self.head_of(class), request, is_due(draft, class)) else {
                at += 1;
                continue;
            };
            let nodes = self.part(draft, u64::from(job.0));
            let waiting = Some((request, request.gpus.milli() as f64));
            let found = self.search(draft, repack, turn, &nodes, waiting);
            let settled = self.settle(draft, turn, found, Some(job));
            put_off(draft, class, !settled);
            at += usize::from(!settled);
        }
    }

    /// Lets running jobs change places where starts have stranded much.
    fn tidy_up(&mut self, draft: &mut Draft<'_>, repack: Repack, turn: &mut Turn) {
        let (sum, total) = (self.watched.meter().sum(), self.watched.meter().workload().total());
        let much = self.rules.strand_milli.max(1);
        let tight = 2 * sum >= draft.cluster().free_gpu_milli() * total;
        if *board(draft, STRANDED) < much || !tight || !turn.may_look(draft) {
            return;
        }
        *board(draft, STRANDED) = 0;
        let nodes = self.part(draft, draft.state().jobs().len() as u64);
        let found = self.search(draft, repack, turn, &nodes, None);
        self.settle(draft, turn, found, None);
    }

    fn search(
        &mut self,
        draft: &Draft<'_>,
        repack: Repack,
        turn: &Turn,
        nodes: &[NodeId],
        waiting: Option<(TaskRequest, f64)>,
    ) -> Found {
        let rules = Repack { moves_max: turn.moves_left, ..repack };
        let workload = self.watched.meter().workload();
        let block_nodes = self.block_nodes();
        let scene = Scene { rules, workload, residents: &self.residents, nodes, block_nodes, waiting };
        self.exchanger.search(draft, &scene, &mut *self.solver)
    }
}

/// What a search found.
type Found = Result<Exchange, Idle>;

impl Milp {
    /// The nodes that one re-packing looks at: all, or a part of their blocks by lot where they are many (Narayanan et al.,
    /// SOSP 2021: problems split at random are solved almost as well).
    fn part(&self, draft: &Draft<'_>, drawn: u64) -> Vec<NodeId> {
        let nodes = draft.cluster().len();
        let parts = nodes.div_ceil(self.rules.nodes_max.max(1)).max(1) as u64;
        let (turn, block_nodes) = (mix(drawn) % parts, self.block_nodes());
        let chosen = |node: &usize| parts == 1 || mix((node / block_nodes) as u64 ^ mix(drawn)) % parts == turn;
        (0..nodes).filter(chosen).map(NodeId::new).collect()
    }

    /// Nodes of a block: fewer than a part, so that parts can differ.
    fn block_nodes(&self) -> usize {
        (self.rules.nodes_max / BLOCK_NODES).clamp(1, BLOCK_NODES)
    }

    fn head_of(&self, class: ClassId) -> Option<JobId> {
        let lanes = self.ready.active().iter().map(|lane| self.ready.lane(*lane));
        lanes.filter(|lane| lane.key.class == class).filter_map(crate::ready::Lane::head).min().map(|(_, job)| job)
    }

    /// Carries out what was found and counts it. Whether anything was moved or started.
    fn settle(&mut self, draft: &mut Draft<'_>, turn: &mut Turn, found: Found, waiting: Option<JobId>) -> bool {
        let price = self.rules.repack.map(|repack| repack.price).unwrap_or_default();
        let (solve, done) = match found {
            Ok(exchange) => match carry_out(draft, &exchange, waiting, self.watched.meter().workload(), price) {
                Ok(done) => (Some(answered(&exchange.answer)), Some(done)),
                Err(_) => (Some(Solve::Failed), None),
            },
            Err(Idle::NoChain) => (None, None),
            Err(Idle::NotWorth(answer)) => (Some(answered(&answer)), None),
            Err(Idle::Failed) => (Some(Solve::Failed), None),
        };
        let is_solved = solve.is_some();
        if let Some(solve) = solve {
            draft.note_solve(solve);
        }
        let Some(done) = done else {
            turn.looks_left -= 1;
            if is_solved {
                turn.programs_left -= 1;
                Allowance::spend(draft);
            }
            return false;
        };
        turn.moves_left = turn.moves_left.saturating_sub(done.moves);
        if let Some(job) = waiting.filter(|_| done.started) {
            self.ready.remove(job);
        }
        self.watched.follow(self.rules.expected, draft);
        done.moves > 0 || done.started
    }
}

fn answered(answer: &Answer) -> Solve {
    batch::answered(answer.gap, answer.objective, answer.stopped)
}

/// Programs that were solved in vain, of all classes together. Each counts until as many epochs have passed as
/// [`Allowance::EPOCHS`], one after the other. Epochs end when something becomes free.
struct Allowance {
    spent: u64,
    since: u64,
}

impl Allowance {
    /// No search while so many count.
    const SPENT_MAX: u64 = 64;
    /// After so many epochs one counts no more.
    const EPOCHS: u64 = 64;

    fn of(draft: &mut Draft<'_>) -> Self {
        let epoch = draft.state().freed_epoch();
        let noted = *board(draft, IN_VAIN);
        let (spent, since) = (noted & 0xff, noted >> 8);
        let over = epoch.saturating_sub(since) / Self::EPOCHS;
        if over >= spent {
            Self { spent: 0, since: epoch }
        } else {
            Self { spent: spent - over, since: since + over * Self::EPOCHS }
        }
    }

    fn spend(draft: &mut Draft<'_>) {
        let Self { spent, since } = Self::of(draft);
        *board(draft, IN_VAIN) = since << 8 | (spent + 1);
    }
}

/// When a class could not be placed.
fn failed_at<'a>(draft: &'a mut Draft<'_>, class: ClassId) -> &'a mut u64 {
    board(draft, CLASSES + 2 * class.index())
}

/// Whether it is time to look for moves for a class.
fn is_due(draft: &mut Draft<'_>, class: ClassId) -> bool {
    let epoch = draft.state().freed_epoch();
    epoch >= *board(draft, CLASSES + 2 * class.index() + 1) >> 8
}

/// Notes whether a search found nothing. Epochs end when something becomes free.
fn put_off(draft: &mut Draft<'_>, class: ClassId, in_vain: bool) {
    let epoch = draft.state().freed_epoch();
    let noted = board(draft, CLASSES + 2 * class.index() + 1);
    let patience = if in_vain { ((*noted & 0xff) + 1).min(PATIENCE_MAX) } else { 0 };
    *noted = (epoch + u64::from(in_vain) * (1 << patience)) << 8 | patience;
}

/// One place of the board, which is 0 before it is written.
fn board<'a>(draft: &'a mut Draft<'_>, at: usize) -> &'a mut u64 {
    let board = draft.board();
    if board.len() <= at {
        board.resize(at + 1, 0);
    }
    &mut board[at]
}
