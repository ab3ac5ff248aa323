//! Themis: finish-time fairness by auctions of leases (Mahajan et al., NSDI 2020). An app is a job.
//!
//! rho = (time in the shared cluster) / (time alone on a 1/N share). Whenever leases end or GPUs are free, the jobs with
//! the largest rho may bid for them; what the auction leaves over goes to the others, the largest rho first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use engine::{Bill, ClassId, Draft, JobId, Needs, Phase, Policy, Reason, Span, Time, Triggers};

use super::auction::{Bidder, House, Speeds};
use super::slices;
use super::victims::price;
use crate::easy::Estimates;
use crate::evict::widest;
use crate::place::{Placer, place};
use crate::ready::{Filing, LaneKey, Ready};

/// Place in the memo of a job: number of open jobs integrated over time when it came, plus 1.
const JOINED: usize = 0;
/// Place in the memo: when its lease ends, or with `LENGTH` how long it is, from when the run makes progress.
const LEASE: usize = 3;
const LENGTH: u64 = 1 << 63;
/// Words of the board: open jobs integrated over time (job microseconds), until when, open jobs since then, and before
/// when no lease ends.
const OPEN_SUM: usize = 0;
const SUM_AT: usize = 1;
const OPEN: usize = 2;
const LEASES_UNTIL: usize = 3;
const WORDS: usize = 4;
/// A payment never takes more of a lease than this leaves: 1/e, what the mechanism guarantees for goods that can be divided
/// (Cole, Gkatzelis and Goel, EC 2013, theorem 1).
const PART_MIN: f64 = 0.367_879_441_171_442_3;

/// The rules of the market.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Only the worst 1 - f of all bidders see an offer.
    pub fairness: f64,
    /// How long a winner keeps its GPUs.
    pub lease: Span,
    /// Most bidders of one auction; those with smaller rho get what it leaves over.
    pub bidders_max: usize,
    /// Up to so many bidders the best of all subsets wins.
    pub exact_max: usize,
    /// Speeds by span.
    pub speeds: Speeds,
    /// Where run times come from.
    pub estimates: Estimates,
    /// Which nodes.
    pub placer: Placer,
}

/// Finish-time fairness by auction.
#[derive(Debug)]
pub struct Themis {
    rules: Rules,
    seen: u64,
    ready: Ready,
    /// The round in which a class last did not fit, by class.
    failed: Vec<u64>,
    round: u64,
    runs: Vec<JobId>,
}

struct Alike;

impl Filing for Alike {
    fn rank(&self, _draft: &Draft<'_>, _job: JobId) -> u64 {
        0
    }

    fn lane(&self, draft: &Draft<'_>, job: JobId) -> LaneKey {
        LaneKey { class: draft.state().job(job).spec.class, ..LaneKey::default() }
    }
}

/// Jobs by rho, the largest first, then the earliest.
type Unfair = BinaryHeap<(u64, Reverse<JobId>, bool)>;

impl Policy for Themis {
    fn needs(&self) -> Needs {
        let triggers = Triggers::FREED.and(Triggers::ARRIVED).and(Triggers::WOKE);
        Needs { oracle: self.rules.estimates == Estimates::True, triggers, ..Needs::default() }
    }

    fn decide(&mut self, now: Time, draft: &mut Draft<'_>) {
        Self::count_open(draft);
        self.greet(draft);
        self.ready.sync(draft, &Alike);
        self.round += 1;
        self.failed.resize(draft.state().classes(), 0);
        if self.ready.active().is_empty() {
            return;
        }
        draft.refuse_rest(Reason::NotItsTurn);
        self.end_leases(draft);
        let mut unfair = self.ask(draft);
        if !unfair.is_empty() {
            self.sell(draft, &mut unfair);
        }
        if !self.ready.active().is_empty() {
            let until = draft.state().board()[LEASES_UNTIL];
            if until > now.0 && until != u64::MAX {
                draft.wake_at(Time(until));
            }
        }
    }
}

impl Themis {
    /// A policy by `rules`.
    pub fn new(rules: Rules) -> Self {
        Self { rules, seen: 0, ready: Ready::default(), failed: Vec::new(), round: 0, runs: Vec::new() }
    }

    /// Integrates the number of open jobs over time: the contention N of the independent share.
    fn count_open(draft: &mut Draft<'_>) {
        let (now, open) = (draft.now().0, draft.state().totals().open);
        let board = draft.board();
        board.resize(WORDS.max(board.len()), 0);
        let since = now - board[SUM_AT];
        board[OPEN_SUM] = board[OPEN_SUM].saturating_add(since.saturating_mul(board[OPEN]));
        (board[SUM_AT], board[OPEN]) = (now, open);
    }

    fn greet(&mut self, draft: &mut Draft<'_>) {
        let changes = draft.state().changes_since(self.seen);
        self.seen = changes.end;
        let jobs: Vec<JobId> = changes.jobs.collect();
        let joined = draft.state().board()[OPEN_SUM] + 1;
        for job in jobs {
            slices::note_return(draft, job);
            let open = draft.state().job(job).outcome().is_none();
            if open && draft.state().memo(job)[JOINED] == 0 {
                slices::change(draft, job, |memo| memo[JOINED] = joined);
            }
        }
    }

    /// Finds the runs whose leases are over. Leases that ended while nobody waited were renewed, term by term.
    fn end_leases(&mut self, draft: &mut Draft<'_>) {
        self.runs.clear();
        let now = draft.now();
        if now.0 < draft.state().board()[LEASES_UNTIL] {
            return;
        }
        let mut until = u64::MAX;
        for id in draft.state().live() {
            let job = draft.state().job(*id);
            if !job.is_placed() || !job.spec.preemptible {
                continue;
            }
            match self.lease_end(draft, *id) {
                end if end <= now && job.phase == Phase::Running => {
                    self.runs.push(*id);
                    // If nobody wants its GPUs, it has them for another lease.
                    until = until.min(now.0.saturating_add(self.rules.lease.0.max(1)));
                }
                end => until = until.min(end.0),
            }
        }
        self.runs.sort_unstable();
        draft.board()[LEASES_UNTIL] = until;
    }

    /// When the lease of a placed job ends, now at the earliest.
    fn lease_end(&self, draft: &Draft<'_>, job: JobId) -> Time {
        let word = draft.state().memo(job)[LEASE];
        let term = slices::left_alone(draft, job, self.rules.lease).0.max(1);
        let since = draft.state().job(job).running_since.known();
        let end = match (word & LENGTH, since) {
            (0, _) => word,
            (_, Some(since)) => since.0.saturating_add(word & !LENGTH),
            (_, None) => draft.now().0.saturating_add(word & !LENGTH),
        };
        let late = draft.now().0.saturating_sub(end);
        Time(end.saturating_add(late.div_ceil(term).saturating_mul(term)))
    }

    /// All who can bid: jobs that wait and could fit in what is offered, and runs whose lease is over.
    fn ask(&mut self, draft: &Draft<'_>) -> Unfair {
        let ended = |job: &JobId| engine::placement::gpu_milli(&draft.state().job(*job).placement);
        let offer = draft.cluster().free_gpu_milli() + self.runs.iter().map(ended).sum::<u64>();
        let mut bids = Vec::new();
        for lane in self.ready.active() {
            let lane = self.ready.lane(*lane);
            let class = draft.state().class(lane.key.class);
            let widest = widest(&class.shape.groups);
            let short = draft.cluster().slots(&widest.request) < u64::from(widest.tasks_min);
            if class.gpu_milli_min > offer || (self.runs.is_empty() && short) {
                continue;
            }
            bids.extend(lane.jobs.iter().map(|(_, job)| (self.rho(draft, *job), Reverse(*job), false)));
        }
        if !bids.is_empty() {
            bids.extend(self.runs.iter().map(|job| (self.rho(draft, *job), Reverse(*job), true)));
        }
        BinaryHeap::from(bids)
    }

    /// The state of a job as a bidder.
    fn bidder(&self, draft: &Draft<'_>, id: JobId, holds: bool) -> Bidder {
        let (now, job) = (draft.now(), draft.state().job(id));
        let remaining = match self.rules.estimates.total(draft, id) {
            // Nobody knows: as long again as it has run, and at least a lease.
            Span::MAX => job.attained(now).max(self.rules.lease),
            total => total - job.work_done(now),
        };
        let elapsed = now.since(job.submitted).secs_f64();
        let gpu_milli = draft.state().class_of(id).gpu_milli.max(1);
        Bidder { job: id, holds, gpu_milli, elapsed, remaining: remaining.secs_f64() }
    }

    /// rho = shared time / independent time if the job ran from now on at full speed, as the bits of a number above 0.
    /// The independent time is d x max(1, g N / G) with N the mean number of open jobs since it came, as in the metric `ftf`.
    /// Above all of them where an operator put the job first.
    fn rho(&self, draft: &Draft<'_>, job: JobId) -> u64 {
        if draft.state().job(job).is_first() {
            return u64::MAX - u64::from(draft.state().job(job).first_place);
        }
        let bidder = self.bidder(draft, job, false);
        let done = draft.state().job(job).work_done(draft.now()).secs_f64();
        let alone = (bidder.remaining + done).max(1e-6);
        let board = draft.state().board();
        let sum = (board[OPEN_SUM] + 1).saturating_sub(draft.state().memo(job)[JOINED]) as f64 / 1e6;
        let open = if bidder.elapsed > 0.0 { sum / bidder.elapsed } else { board[OPEN] as f64 };
        let up = (draft.cluster().up_gpu_milli() as f64).max(1.0);
        let independent = alone * (bidder.gpu_milli as f64 * open / up).max(1.0);
        ((bidder.elapsed + bidder.remaining) / independent).to_bits()
    }

    /// The auction among those who are treated worst, then the rest.
    fn sell(&mut self, draft: &mut Draft<'_>, unfair: &mut Unfair) {
        let rules = self.rules;
        // Whom an operator put first bids alone.
        let alone = unfair.peek().is_some_and(|(_, Reverse(job), _)| draft.state().job(*job).is_first());
        let worst = ((unfair.len() as f64 * (1.0 - rules.fairness)).ceil() as usize)
            .clamp(1, if alone { 1 } else { rules.bidders_max });
        let mut bidders = Vec::new();
        while bidders.len() < worst
            && let Some((_, Reverse(job), holds)) = unfair.pop()
        {
            bidders.push(self.bidder(draft, job, holds));
        }
        let mut house = House {
            placer: rules.placer,
            speeds: rules.speeds,
            lease: rules.lease.secs_f64(),
            exact_max: rules.exact_max,
            by: None,
        };
        let mark = draft.mark();
        self.take_back(draft, None);
        let wins = house.hold(draft, &bidders);
        // The same again, now that it is known for whom the others stop.
        house.by = wins.iter().find(|win| !bidders[win.at].holds).map(|win| bidders[win.at].job);
        draft.rollback(mark);
        self.take_back(draft, house.by);
        house.award(draft, &bidders, &wins);
        let mut won = vec![false; bidders.len()];
        for win in wins {
            won[win.at] = true;
            let length = (rules.lease.0 as f64 * win.part.max(PART_MIN)) as u64;
            self.grant(draft, bidders[win.at].job, bidders[win.at].holds, Span(length));
        }
        let losers = bidders.iter().zip(won).filter(|(_, won)| !won).map(|(bidder, _)| (bidder.job, bidder.holds));
        for (job, holds) in losers.collect::<Vec<_>>() {
            self.leave_over(draft, job, holds);
        }
        self.leave_over_to_all(draft, unfair);
        for job in std::mem::take(&mut self.runs) {
            if !draft.is_placed(job) {
                slices::note_stop(draft, job);
            }
        }
    }

    /// The runs whose leases are over give their GPUs back, for the draft.
    fn take_back(&self, draft: &mut Draft<'_>, by: Option<JobId>) {
        for job in &self.runs {
            let bill = Bill { by, predicted: price(draft, *job) };
            let taken = draft.preempt_for(*job, bill);
            debug_assert!(taken.is_ok(), "only preemptible runs have leases");
        }
    }

    /// Notes a lease.
    fn grant(&mut self, draft: &mut Draft<'_>, job: JobId, holds: bool, length: Span) {
        let length = slices::left_alone(draft, job, length).0.max(1);
        let end = draft.now().0.saturating_add(length);
        slices::change(draft, job, |memo| memo[LEASE] = if holds { end } else { length | LENGTH });
        let until = &mut draft.board()[LEASES_UNTIL];
        *until = end.min(*until);
        if !holds {
            self.ready.remove(job);
        }
    }

    /// What the auction left over, for jobs in order of rho, until nothing fits.
    fn leave_over_to_all(&mut self, draft: &mut Draft<'_>, unfair: &mut Unfair) {
        let mut holders = unfair.iter().filter(|(_, _, holds)| *holds).count();
        let mut classes = self.classes_left();
        while (classes > 0 || holders > 0)
            && let Some((_, Reverse(job), holds)) = unfair.pop()
        {
            let class = draft.state().job(job).spec.class;
            holders -= usize::from(holds);
            if !self.leave_over(draft, job, holds) && !holds && self.failed[class.index()] == self.round {
                classes = self.classes_left();
            }
        }
    }

    /// Waiting classes that have not failed in this round.
    fn classes_left(&self) -> usize {
        let fails = |lane: &&u32| self.failed[self.ready.lane(**lane).key.class.index()] == self.round;
        self.ready.active().iter().filter(|lane| !fails(lane)).count()
    }

    /// A job gets its gang for a whole lease, if there is room: nothing is left idle that somebody can use.
    fn leave_over(&mut self, draft: &mut Draft<'_>, job: JobId, holds: bool) -> bool {
        let class = draft.state().job(job).spec.class;
        let given = if holds {
            draft.reprieve(job)
        } else {
            let fits = self.failed[class.index()] != self.round && place(self.rules.placer, draft, job);
            if !fits {
                self.fail(draft, class);
            }
            fits && draft.start(job).is_ok()
        };
        if given {
            self.grant(draft, job, holds, self.rules.lease);
        }
        given
    }

    fn fail(&mut self, draft: &mut Draft<'_>, class: ClassId) {
        self.failed[class.index()] = self.round;
        draft.refuse_class(class, draft.shortage(class));
    }
}
