//! Themis' partial allocation auction (Mahajan et al., NSDI 2020, section 5.1) for whole gangs.
//!
//! The winners are those whose product of valuations is largest (proportional fairness). Each pays: it gets only the part
//! c of what it won by which the others would not have been better off without it. A gang cannot run on a part of its
//! GPUs, so that c shortens the lease instead.

use engine::{Bill, Draft, JobId, Level, Placement};

use super::logarithm::{exp2_minus, log2};
use super::victims::price;
use crate::place::{Placer, place};

/// A job that bids for its gang.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bidder {
    pub(crate) job: JobId,
    /// Whether it bids for the GPUs on which its lease just ended.
    pub(crate) holds: bool,
    /// Demand in thousandths of a GPU, at least 1.
    pub(crate) gpu_milli: u64,
    /// Seconds since its submission.
    pub(crate) elapsed: f64,
    /// Seconds of work that are left.
    pub(crate) remaining: f64,
}

/// Speed of a gang on one node, inside one rack, across racks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speeds(pub [f64; 3]);

/// What an auction depends on beside its bidders.
#[derive(Clone, Copy, Debug)]
pub(crate) struct House {
    pub(crate) placer: Placer,
    pub(crate) speeds: Speeds,
    /// Seconds of a lease: how long a loser waits for the next chance.
    pub(crate) lease: f64,
    /// Up to so many bidders all subsets are tried.
    pub(crate) exact_max: usize,
    /// For whom runs stop whose leases are over.
    pub(crate) by: Option<JobId>,
}

/// A winner: its place among the bidders, and the part of its lease that is left after its payment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Win {
    pub(crate) at: usize,
    pub(crate) part: f64,
}

impl Speeds {
    /// The speed on a placement. Nodes without a rack are taken to share one.
    fn on(self, draft: &Draft<'_>, placement: &[engine::Slice]) -> f64 {
        let Some(first) = placement.first() else { return self.0[0] };
        let rack = |node| draft.cluster().spec(node).domains.at(Level::Rack);
        if placement.iter().all(|slice| slice.node == first.node) {
            self.0[0]
        } else if placement.iter().all(|slice| rack(slice.node) == rack(first.node)) {
            self.0[1]
        } else {
            self.0[2]
        }
    }

    fn best(self) -> f64 {
        self.0.into_iter().fold(0.0, f64::max)
    }
}

impl House {
    /// log2 of V(gang at this speed) / V(nothing). With nothing a job waits for a lease and then runs at full speed:
    /// V = 1/rho, and the independent time cancels.
    fn gain(&self, bidder: &Bidder, speed: f64) -> i64 {
        let Bidder { elapsed, remaining, .. } = *bidder;
        let with = (elapsed + remaining / speed).max(1e-6);
        log2((elapsed + self.lease + remaining / self.speeds.best()) / with)
    }

    /// Gives a bidder its gang in the draft and returns what it gains; `None`, and nothing changed, where there is no room.
    fn give(&self, draft: &mut Draft<'_>, bidder: &Bidder) -> Option<i64> {
        if bidder.holds {
            if !draft.reprieve(bidder.job) {
                return None;
            }
            let speed = self.speeds.on(draft, &draft.state().job(bidder.job).placement);
            return Some(self.gain(bidder, speed));
        }
        if !place(self.placer, draft, bidder.job) {
            return None;
        }
        let placement: Placement = draft.open().into();
        let speed = self.speeds.on(draft, &placement);
        draft.start(bidder.job).ok()?;
        Some(self.gain(bidder, speed))
    }

    /// Holds the auction: who wins, in the order in which [`House::award`] must give. The draft stays as it is.
    pub(crate) fn hold(&self, draft: &mut Draft<'_>, bidders: &[Bidder]) -> Vec<Win> {
        let exact = bidders.len() <= self.exact_max;
        let order = self.order(bidders, exact);
        if exact { self.all_subsets(draft, bidders, &order) } else { self.greedy(draft, bidders, &order) }
    }

    /// Gives the winners their gangs in the draft.
    pub(crate) fn award(&self, draft: &mut Draft<'_>, bidders: &[Bidder], wins: &[Win]) {
        if bidders.len() > self.exact_max {
            let mark = draft.mark();
            let (chosen, _) = self.fill(draft, bidders, &self.order(bidders, false), None);
            if chosen.iter().map(|(at, _)| *at).eq(wins.iter().map(|win| win.at)) {
                return;
            }
            draft.rollback(mark);
        }
        for win in wins {
            let given = self.give(draft, &bidders[win.at]);
            debug_assert!(given.is_some(), "what had room has room again");
        }
    }

    /// In which order gangs are placed. Where all subsets are tried: those that stay where they are, then the largest.
    /// Else by gain for a GPU.
    fn order(&self, bidders: &[Bidder], exact: bool) -> Vec<usize> {
        let gain = |at: usize| i128::from(self.gain(&bidders[at], self.speeds.best()));
        let size = |at: usize| i128::from(bidders[at].gpu_milli);
        let mut order: Vec<usize> = (0..bidders.len()).collect();
        if exact {
            order.sort_by_key(|at| (!bidders[*at].holds, std::cmp::Reverse(bidders[*at].gpu_milli), *at));
        } else {
            order.sort_by(|a, b| (gain(*b) * size(*a)).cmp(&(gain(*a) * size(*b))).then(a.cmp(b)));
        }
        order
    }

    /// The best of all subsets that fit.
    fn all_subsets(&self, draft: &mut Draft<'_>, bidders: &[Bidder], order: &[usize]) -> Vec<Win> {
        let mut table = Subsets { order, sums: vec![None; 1 << order.len()] };
        self.descend(draft, bidders, &mut table, 0, (0, 0));
        let best = table.best(|_| true);
        let chosen: Vec<usize> = (0..order.len()).filter(|place| best >> place & 1 == 1).collect();
        let mark = draft.mark();
        let gains: Vec<i64> =
            chosen.iter().map(|place| self.give(draft, &bidders[order[*place]]).unwrap_or_default()).collect();
        draft.rollback(mark);
        let sum: i64 = gains.iter().sum();
        let win = |(place, gain): (&usize, i64)| {
            let without = table.sums[table.best(|subset| subset >> place & 1 == 0)].unwrap_or_default();
            Win { at: order[*place], part: payment(without, sum - gain) }
        };
        chosen.iter().zip(gains).map(win).collect()
    }

    fn descend(
        &self,
        draft: &mut Draft<'_>,
        bidders: &[Bidder],
        table: &mut Subsets<'_>,
        place: usize,
        (subset, sum): (usize, i64),
    ) {
        let Some(at) = table.order.get(place) else {
            table.sums[subset] = Some(sum);
            return;
        };
        self.descend(draft, bidders, table, place + 1, (subset, sum));
        let mark = draft.mark();
        if let Some(gain) = self.give(draft, &bidders[*at]) {
            self.descend(draft, bidders, table, place + 1, (subset | 1 << place, sum + gain));
        }
        draft.rollback(mark);
    }

    /// In order of gain for a GPU, or the one largest gain if that is more: at least half of the best sum of gains where
    /// only the number of GPUs binds.
    fn greedy(&self, draft: &mut Draft<'_>, bidders: &[Bidder], order: &[usize]) -> Vec<Win> {
        let (chosen, sum) = self.pack(draft, bidders, order, None);
        let mut single: Option<(i64, usize)> = None;
        for at in order {
            let mark = draft.mark();
            if let Some(gain) = self.give(draft, &bidders[*at])
                && single.is_none_or(|(best, _)| gain > best)
            {
                single = Some((gain, *at));
            }
            draft.rollback(mark);
        }
        if let Some((gain, at)) = single.filter(|(gain, _)| *gain > sum) {
            let without = self.pack(draft, bidders, order, Some(at)).1;
            debug_assert!(gain > 0);
            return vec![Win { at, part: payment(without, 0) }];
        }
        let part = |draft: &mut Draft<'_>, (at, gain): &(usize, i64)| {
            let without = self.pack(draft, bidders, order, Some(*at)).1;
            Win { at: *at, part: payment(without, sum - gain) }
        };
        chosen.iter().map(|winner| part(draft, winner)).collect()
    }

    /// What [`House::fill`] gives, and the sum of gains; undone again.
    fn pack(
        &self,
        draft: &mut Draft<'_>,
        bidders: &[Bidder],
        order: &[usize],
        without: Option<usize>,
    ) -> (Vec<(usize, i64)>, i64) {
        let mark = draft.mark();
        let found = self.fill(draft, bidders, order, without);
        draft.rollback(mark);
        found
    }

    /// Gives in order what fits and is worth it, and says who got what and the sum of gains.
    fn fill(
        &self,
        draft: &mut Draft<'_>,
        bidders: &[Bidder],
        order: &[usize],
        without: Option<usize>,
    ) -> (Vec<(usize, i64)>, i64) {
        let (mut chosen, mut sum) = (Vec::new(), 0);
        let order: Vec<usize> = order.iter().copied().filter(|at| Some(*at) != without).collect();
        for (place, at) in order.iter().enumerate() {
            let before = draft.mark();
            match self.give_beside(draft, bidders, *at, &order[place + 1..]) {
                Some(gain) if gain > 0 => {
                    chosen.push((*at, gain));
                    sum += gain;
                }
                _ => draft.rollback(before),
            }
        }
        (chosen, sum)
    }

    /// Gives a bidder its gang; if it can be, beside the GPUs that later bidders may only keep.
    fn give_beside(&self, draft: &mut Draft<'_>, bidders: &[Bidder], at: usize, later: &[usize]) -> Option<i64> {
        if bidders[at].holds {
            return self.give(draft, &bidders[at]);
        }
        let mark = draft.mark();
        let holders = later.iter().map(|other| &bidders[*other]).filter(|other| other.holds);
        let kept: Vec<JobId> = holders.map(|other| other.job).filter(|job| draft.reprieve(*job)).collect();
        let Some(gain) = self.give(draft, &bidders[at]) else {
            draft.rollback(mark);
            return self.give(draft, &bidders[at]);
        };
        for job in kept {
            let bill = Bill { by: self.by, predicted: price(draft, job) };
            let taken = draft.preempt_for(job, bill);
            debug_assert!(taken.is_ok(), "it was taken back before");
        }
        Some(gain)
    }
}

/// c = product of the others' valuations with the winner / the same without it, from the logarithms of both. At most 1: the
/// others could always have what they have with it.
fn payment(without: i64, with: i64) -> f64 {
    exp2_minus((without - with).max(0))
}

/// The sum of gains of each subset that fits.
struct Subsets<'a> {
    order: &'a [usize],
    sums: Vec<Option<i64>>,
}

impl Subsets<'_> {
    /// The subset with the largest sum among those that `counts`; ties go to the one found first.
    fn best(&self, counts: impl Fn(usize) -> bool) -> usize {
        let mut best = (0, 0);
        for (subset, sum) in self.sums.iter().enumerate().filter(|(subset, _)| counts(*subset)) {
            if let Some(sum) = sum.filter(|sum| *sum > best.0) {
                best = (sum, subset);
            }
        }
        best.1
    }
}
