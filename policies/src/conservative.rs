//! Conservative backfill: waiting jobs get reservations that never move later, and a job may start only where it moves
//! none of them.
//!
//! Mu'alem and Feitelson, TPDS 2001, section 2; with a depth, as Slurm's `bf_max_job_test`. What gangs need beyond the
//! textbook: a reservation is a set of nodes in a profile of every node over time, so that models, CPU, memory and topology
//! are honoured. Inside a node GPUs are alike, and a count is exact: intervals that never overlap more than n times can be
//! given n GPUs as they start.

mod book;
mod holders;
mod profile;
mod rest;
mod start;
mod timeline;

use engine::{Draft, GpuRequest, JobId, Needs, NodeId, NodeState, Policy, Reason, Slice, Span, Time, Triggers};
use smallvec::SmallVec;

use self::book::{Book, Reservation};
use self::holders::{Holders, expected_end};
use self::profile::{Plan, Profile, Wanted};
use self::rest::Rest;
use self::timeline::{Room, Stretch, Timeline};
use crate::easy::Estimates;
use crate::order::by_priority;
use crate::place::Placer;
use crate::ready::{Filing, LaneKey, Ready, behind_first};

/// Who is before whom in the queue, beside arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueOrder {
    /// Higher priority first.
    Priority,
    /// Shortest estimate first.
    Shortest,
}

/// What the user chooses.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Most reservations; 0 for no limit.
    pub depth: usize,
    /// Where run times come from.
    pub estimates: Estimates,
    /// Whether reservations move earlier when jobs end early.
    pub compress: bool,
    /// Which nodes.
    pub placer: Placer,
    /// The order of the queue.
    pub order: QueueOrder,
    /// A job that outlives its estimate is expected to end within so long, again and again.
    pub resolution: Span,
}

/// The policy.
#[derive(Debug)]
pub struct Conservative {
    settings: Settings,
    ready: Ready,
    rest: Rest,
    profile: Profile,
    holders: Holders,
    book: Book,
    seen: Option<u64>,
    /// Nodes that have got room since reservations were last compressed, possibly more than once.
    dirty: Vec<NodeId>,
    /// Nodes that got room since, in this decision: a part of a GPU that was promised a whole one began beside another.
    dirty_next: Vec<NodeId>,
    /// Whether a job holds its GPUs longer than was expected.
    late: bool,
    /// The version of the states of nodes that `dirty` knows.
    nodes_version: u64,
}

impl Filing for Settings {
    fn rank(&self, draft: &Draft<'_>, job: JobId) -> u64 {
        match self.order {
            QueueOrder::Priority => by_priority(draft.state().job(job)),
            QueueOrder::Shortest => self.estimates.remaining(draft, job).0,
        }
    }

    fn lane(&self, draft: &Draft<'_>, job: JobId) -> LaneKey {
        let class = draft.state().job(job).spec.class;
        let bucket = Estimates::bucket(self.estimates.remaining(draft, job));
        LaneKey { class, bucket, ..LaneKey::default() }
    }
}

impl Policy for Conservative {
    fn needs(&self) -> Needs {
        let triggers = Triggers::FREED.and(Triggers::ARRIVED).and(Triggers::WOKE);
        Needs { oracle: self.settings.estimates == Estimates::True, triggers, usage_half_life: None }
    }

    fn decide(&mut self, now: Time, draft: &mut Draft<'_>) {
        self.catch_up(draft);
        self.extend_late(draft);
        if self.is_broken(draft) {
            self.rebuild(draft);
        } else {
            self.compress(draft);
        }
        let mut at = 0;
        while at < self.book.entries.len() {
            let due = self.book.entries[at].plan.start <= now;
            let started = if due { self.start_reserved(draft, at) } else { self.share_reserved(draft, at) };
            at += usize::from(!started);
        }
        self.reserve_more(draft);
        self.start_others(draft);
        self.leave_word(draft);
    }
}

impl Conservative {
    /// A policy with these settings.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            ready: Ready::default(),
            rest: Rest::default(),
            profile: Profile::default(),
            holders: Holders::default(),
            book: Book::default(),
            seen: None,
            dirty: Vec::new(),
            dirty_next: Vec::new(),
            late: false,
            nodes_version: 0,
        }
    }

    /// Follows the engine: who holds what until when, and who waits.
    fn catch_up(&mut self, draft: &Draft<'_>) {
        let changes = draft.state().changes_since(self.seen.unwrap_or(u64::MAX));
        if changes.anew {
            self.start_anew(draft, Book::read(draft));
        } else {
            let mut changed: SmallVec<[JobId; 16]> = changes.jobs.collect();
            changed.sort_unstable();
            changed.dedup();
            for job in &changed {
                self.follow(draft, *job);
            }
            self.ready.sync(draft, &self.settings);
            for job in &changed {
                self.drop_if_gone(draft, *job);
            }
        }
        if self.is_overtaken(draft) {
            // An operator put a job first: all promises are made anew, in the new order.
            self.start_anew(draft, Book::default());
            self.book.touch();
        }
        self.seen = Some(changes.end);
        let version = draft.cluster().states_version();
        if std::mem::replace(&mut self.nodes_version, version) != version {
            self.dirty = self.profile.all().to_vec();
        }
    }

    /// Whether a job that was put first waits behind one that was not: it came into the queue, or was promised a start, before.
    fn is_overtaken(&self, draft: &Draft<'_>) -> bool {
        let mut reserved = self.book.entries.iter();
        let waiting = Rest::first(&self.ready).filter(|(_, job)| draft.state().job(*job).is_first());
        let place =
            |entry: &Reservation| behind_first(draft.state().job(entry.job), self.settings.rank(draft, entry.job));
        let last = self.book.entries.last().map(Reservation::place);
        waiting.is_some_and(|first| last.is_some_and(|last| first < last))
            || reserved.any(|entry| draft.state().job(entry.job).is_first() && entry.rank != place(entry))
    }

    fn start_anew(&mut self, draft: &Draft<'_>, book: Book) {
        *self = Self::new(self.settings);
        self.profile = Profile::new(draft);
        let mut live = draft.state().live().to_vec();
        live.sort_unstable();
        for job in live {
            self.follow(draft, job);
        }
        self.ready.sync(draft, &self.settings);
        self.book = book;
        for at in 0..self.book.entries.len() {
            self.charge(draft, at, Timeline::take);
        }
        for at in (0..self.book.entries.len()).rev() {
            let job = self.book.entries[at].job;
            self.drop_if_gone(draft, job);
        }
        self.dirty = self.profile.all().to_vec();
        self.late = true;
    }

    /// Enters a job that is placed, and takes out one that is not.
    fn follow(&mut self, draft: &Draft<'_>, id: JobId) {
        let job = draft.state().job(id);
        let before = self.holders.until(id);
        let until = expected_end(draft, self.settings.estimates, self.settings.resolution, id);
        if !job.is_placed() || before.is_some_and(|before| until < before) {
            self.dirty.extend(self.holders.slices(id).iter().map(|slice| slice.node));
        }
        if job.is_placed() {
            self.late |= before.is_some_and(|before| until > before);
            self.holders.enter(&mut self.profile, draft.now(), id, until, &job.placement);
        } else {
            self.holders.leave(&mut self.profile, draft.now(), id);
        }
    }

    /// Takes a reservation out of the book whose job no longer waits, and a reserved job out of the queue.
    fn drop_if_gone(&mut self, draft: &Draft<'_>, job: JobId) {
        let Some(at) = self.book.find(job) else { return };
        if draft.is_ready(job) {
            self.ready.remove(job);
        } else {
            self.charge(draft, at, Timeline::give);
            let gone = self.book.remove(at);
            self.dirty.extend(gone.plan.nodes);
        }
    }

    /// Moves the expected ends of jobs that have outlived their estimates.
    fn extend_late(&mut self, draft: &Draft<'_>) {
        for job in self.holders.due(draft.now()) {
            let until = expected_end(draft, self.settings.estimates, self.settings.resolution, job);
            let slices: SmallVec<[Slice; 4]> = self.holders.slices(job).iter().copied().collect();
            self.late |= until > draft.now();
            self.holders.enter(&mut self.profile, draft.now(), job, until, &slices);
        }
    }

    /// Whether a promise cannot be kept: a node of it is not up, or somebody holds its room for longer than expected.
    fn is_broken(&mut self, draft: &Draft<'_>) -> bool {
        let mut nodes = self.book.entries.iter().flat_map(|entry| &entry.plan.nodes);
        let late = std::mem::take(&mut self.late);
        nodes.any(|node| {
            draft.cluster().state(*node) != NodeState::Up || late && self.profile.is_overdrawn(*node, draft.now())
        })
    }

    /// Makes all reservations anew, in the order of the queue. Only now may one of them move later.
    fn rebuild(&mut self, draft: &Draft<'_>) {
        for at in 0..self.book.entries.len() {
            self.charge(draft, at, Timeline::give);
        }
        for at in 0..self.book.entries.len() {
            let plan = self.search(draft, at, Time::NEVER, None);
            self.book.set_plan(at, plan.unwrap_or(Plan { start: Time::NEVER, nodes: SmallVec::new() }));
            self.charge(draft, at, Timeline::take);
        }
        self.dirty = self.profile.all().to_vec();
    }

    /// Moves reservations earlier, in the order of the queue, until none can.
    ///
    /// Where nothing became free, none can: only nodes that got room are searched. Gangs of several groups are packed
    /// greedily, which may succeed at any time: they are searched always.
    fn compress(&mut self, draft: &Draft<'_>) {
        let mut among = self.dirty.clone();
        let mut first = true;
        while first || !among.is_empty() {
            among.sort_unstable();
            among.dedup();
            let mut left: Vec<NodeId> = Vec::new();
            for at in 0..self.book.entries.len() {
                if self.may_move(draft, at, first || !left.is_empty(), &among)
                    && let Some(plan) = self.earlier(draft, at, &among)
                {
                    let before = std::mem::replace(&mut self.book.entries[at].plan, plan.clone());
                    self.book.set_plan(at, plan);
                    among.extend(&before.nodes);
                    left.extend(before.nodes);
                }
            }
            self.dirty.extend(&left);
            (among, first) = (left, false);
        }
    }

    /// Whether a search for an earlier time can succeed.
    fn may_move(&self, draft: &Draft<'_>, at: usize, changed: bool, among: &[NodeId]) -> bool {
        let Reservation { job, plan, .. } = &self.book.entries[at];
        let movable = self.settings.compress || plan.start == Time::NEVER;
        let greedy = changed && draft.state().class_of(*job).shape.groups.len() > 1;
        movable && plan.start > draft.now() && (greedy || !among.is_empty())
    }

    /// An earlier plan for an entry of the book; its room is that of the new plan then.
    fn earlier(&mut self, draft: &Draft<'_>, at: usize, among: &[NodeId]) -> Option<Plan> {
        self.charge(draft, at, Timeline::give);
        let plan = self.search(draft, at, self.book.entries[at].plan.start, Some(among));
        let before = self.book.entries[at].plan.clone();
        if let Some(plan) = &plan {
            self.book.entries[at].plan = plan.clone();
        }
        self.charge(draft, at, Timeline::take);
        self.book.entries[at].plan = before;
        plan
    }

    /// The earliest plan before `before` for an entry of the book.
    fn search(&self, draft: &Draft<'_>, at: usize, before: Time, among: Option<&[NodeId]>) -> Option<Plan> {
        let Reservation { job, span, .. } = self.book.entries[at];
        let shape = &draft.state().class_of(job).shape;
        let wanted = Wanted { shape, span, placer: self.settings.placer };
        self.profile.earliest(draft, wanted, among.unwrap_or(self.profile.all()), before)
    }

    /// Takes or gives the room of an entry of the book.
    fn charge(&mut self, draft: &Draft<'_>, at: usize, change: impl Fn(&mut Timeline, Time, Stretch, Room)) {
        let Reservation { job, span, plan, .. } = &self.book.entries[at];
        let shape = &draft.state().class_of(*job).shape;
        let wanted = Wanted { shape, span: *span, placer: self.settings.placer };
        self.profile.change(draft.now(), wanted, plan, change);
    }

    /// How long a waiting job will hold its GPUs; at least a microsecond, so that no reservation is empty.
    fn span(&self, draft: &Draft<'_>, job: JobId) -> Span {
        self.settings.estimates.remaining(draft, job).max(Span(1))
    }

    /// Gives reservations to the next jobs of the queue, and starts those that can start now.
    fn reserve_more(&mut self, draft: &mut Draft<'_>) {
        while self.settings.depth == 0 || self.book.entries.len() < self.settings.depth {
            let Some((rank, job)) = Rest::first(&self.ready) else { break };
            self.ready.remove(job);
            let plan = Plan { start: Time::NEVER, nodes: SmallVec::new() };
            let (start, span) = (draft.now(), self.span(draft, job));
            self.book.insert(Reservation { job, rank, span, plan });
            let Some(at) = self.book.find(job) else { break };
            if let Some(plan) = self.search(draft, at, Time::NEVER, None) {
                self.book.set_plan(at, plan);
                self.charge(draft, at, Timeline::take);
            }
            if self.book.entries[at].plan.start <= start {
                self.start_reserved(draft, at);
            }
        }
    }

    /// Says who waits for what, asks to be woken for the first reservation, and has the engine keep the book.
    fn leave_word(&mut self, draft: &mut Draft<'_>) {
        let first = self.book.entries.iter().map(|entry| entry.plan.start).filter(|start| *start != Time::NEVER).min();
        if let Some(start) = first.filter(|start| *start > draft.now()) {
            draft.wake_at(start);
        }
        for entry in &self.book.entries {
            let start = entry.plan.start;
            let class = draft.state().job(entry.job).spec.class;
            let reason = if start == Time::NEVER { draft.shortage(class) } else { Reason::Reserved { start } };
            draft.refuse(entry.job, reason);
        }
        if let Some(head) = self.book.entries.iter().min_by_key(|entry| entry.plan.start) {
            draft.refuse_rest(Reason::WouldDelayHead { head: head.job, start: head.plan.start });
        }
        self.book.write(draft);
        self.dirty.clear();
        self.dirty.append(&mut self.dirty_next);
    }

    /// Whether the whole gang can start now on nodes where that moves no reservation: the plan.
    fn plan_now(&self, draft: &Draft<'_>, job: JobId) -> Option<Plan> {
        let shape = &draft.state().class_of(job).shape;
        let wanted = Wanted { shape, span: self.span(draft, job), placer: self.settings.placer };
        if let Some(request) = shape.single().filter(|request| matches!(request.gpus, GpuRequest::Whole(1..))) {
            let free: Vec<NodeId> = draft.cluster().by_free(*request, engine::Scan::FewestFree, None).collect();
            return self.profile.earliest(draft, wanted, &free, Time(draft.now().0 + 1));
        }
        self.profile.earliest(draft, wanted, self.profile.all(), Time(draft.now().0 + 1))
    }
}
