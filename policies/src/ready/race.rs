//! Who leads a lane in which waiting jobs overtake each other: a kinetic tournament.
//!
//! The response ratio of a waiting job, (waited + length) / length, is a line over time, and two lines cross at most
//! once. Each node of a binary tree knows which job below it leads, and until when that must hold. So a look at the
//! leader costs nothing, a job that comes or goes O(log n), and the passing of time only what really changes: two jobs
//! swap at most once each time that they meet in the tree, O(log n) for each swap.

use std::cmp::Ordering;

use engine::{JobId, Time};

/// A waiting job as a line over time: what orders by response ratio rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Since when it waits.
    pub since: Time,
    /// What its wait is measured by: its run time in microseconds, at least 1.
    pub length: u64,
}

/// Rank of a waiting job at one instant, as a fraction; smaller goes first.
#[derive(Clone, Copy, Debug)]
pub struct Score {
    above: u64,
    below: u64,
}

impl Score {
    /// A whole number.
    pub const fn whole(rank: u64) -> Self {
        Self { above: rank, below: 1 }
    }

    /// `above / below`; `below` may be 0: the largest of all.
    pub const fn fraction(above: u64, below: u64) -> Self {
        Self { above, below }
    }
}

impl Ord for Score {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.below == other.below && self.below != 0 {
            return self.above.cmp(&other.above);
        }
        let product = |above: u64, below: u64| u128::from(above) * u128::from(below);
        product(self.above, other.below).cmp(&product(other.above, self.below))
    }
}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Score {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Score {}

impl Line {
    /// Length per time waited: smallest where the response ratio is highest.
    pub fn score(self, now: Time) -> Score {
        Score::fraction(self.length, now.since(self.since).0)
    }
}

#[derive(Clone, Copy, Debug)]
struct Runner {
    line: Line,
    job: JobId,
}

impl Runner {
    fn leads(self, other: Self, now: Time) -> bool {
        (self.line.score(now), self.job) < (other.line.score(now), other.job)
    }

    /// The first instant after `now` at which `other`, which is behind, is before `self`.
    ///
    /// (t - b) / m > (t - a) / l with a, l of `self` and b, m of `other`: t > (b l - a m) / (l - m), where l > m.
    fn overtaken_by(self, other: Self, now: Time) -> Time {
        let (length, shorter) = (i128::from(self.line.length), i128::from(other.line.length));
        if shorter >= length {
            return Time::NEVER;
        }
        let lead = i128::from(other.line.since.0) * length - i128::from(self.line.since.0) * shorter;
        let gain = length - shorter;
        // Level is enough for the lower id.
        let at = if other.job < self.job { (lead + gain - 1).div_euclid(gain) } else { lead.div_euclid(gain) + 1 };
        Time(u64::try_from(at).unwrap_or(if at < 0 { 0 } else { u64::MAX }).max(now.0 + 1))
    }
}

#[derive(Clone, Copy, Debug)]
struct Node {
    leader: Option<Runner>,
    /// When the leader of this node, or of one below it, is overtaken.
    until: Time,
}

const EMPTY: Node = Node { leader: None, until: Time::NEVER };

/// All jobs of one lane. Instants must not go back from call to call.
#[derive(Debug, Default)]
pub(crate) struct Race {
    /// A heap-shaped tree: the root is 1, the leaves are the second half.
    nodes: Vec<Node>,
    free: Vec<u32>,
}

impl Race {
    /// Adds a job; returns its place. The race must have been brought to `now`.
    pub(crate) fn enter(&mut self, job: JobId, line: Line, now: Time) -> u32 {
        let place = self.free.pop().unwrap_or_else(|| self.grow(now));
        self.set(place, Some(Runner { line, job }), now);
        place
    }

    /// Takes the job at `place` out.
    pub(crate) fn leave(&mut self, place: u32, now: Time) {
        self.set(place, None, now);
        self.free.push(place);
    }

    /// Who leads, and its length.
    pub(crate) fn leader(&self) -> Option<(u64, JobId)> {
        self.nodes.get(1)?.leader.map(|runner| (runner.line.length, runner.job))
    }

    /// Until when nobody overtakes anybody who leads anywhere.
    pub(crate) fn until(&self) -> Time {
        self.nodes.get(1).map_or(Time::NEVER, |root| root.until)
    }

    /// Lets time pass.
    pub(crate) fn advance(&mut self, now: Time) {
        if !self.nodes.is_empty() {
            self.refresh(1, now);
        }
    }

    /// Only nodes below which somebody was overtaken are visited. As deep as the tree is high.
    fn refresh(&mut self, at: usize, now: Time) {
        if self.nodes[at].until <= now {
            self.refresh(2 * at, now);
            self.refresh(2 * at + 1, now);
            self.judge(at, now);
        }
    }

    fn set(&mut self, place: u32, runner: Option<Runner>, now: Time) {
        let mut at = self.nodes.len() / 2 + place as usize;
        self.nodes[at] = Node { leader: runner, until: Time::NEVER };
        while at > 1 {
            at /= 2;
            self.judge(at, now);
        }
    }

    fn judge(&mut self, at: usize, now: Time) {
        let (left, right) = (self.nodes[2 * at], self.nodes[2 * at + 1]);
        let (leader, until) = match (left.leader, right.leader) {
            (Some(a), Some(b)) if a.leads(b, now) => (Some(a), a.overtaken_by(b, now)),
            (Some(a), Some(b)) => (Some(b), b.overtaken_by(a, now)),
            (a, b) => (a.or(b), Time::NEVER),
        };
        self.nodes[at] = Node { leader, until: until.min(left.until).min(right.until) };
    }

    /// Twice the places; returns a free one.
    fn grow(&mut self, now: Time) -> u32 {
        let places = self.nodes.len() / 2;
        let leaves = self.nodes.split_off(places);
        let twice = (2 * places).max(2);
        self.nodes.clear();
        self.nodes.resize(twice, EMPTY);
        self.nodes.extend(leaves.iter().take(places));
        self.nodes.resize(2 * twice, EMPTY);
        for at in (1..twice).rev() {
            self.judge(at, now);
        }
        self.free.extend((places as u32 + 1..twice as u32).rev());
        places as u32
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The leader is the one that a look at all of them finds, whatever comes, goes and passes.
        #[test]
        fn the_leader_is_the_naive_one(steps in prop::collection::vec((0u64..4, 0u64..30, 1u64..40), 1..200)) {
            let mut race = Race::default();
            let mut all: Vec<(u32, JobId, Line)> = Vec::new();
            let mut now = Time(1000);
            for (number, (kind, pass, length)) in steps.into_iter().enumerate() {
                now = Time(now.0 + pass);
                if race.until() <= now {
                    race.advance(now);
                }
                if kind > 0 {
                    // Waiting since some time before now, so that lines cross in every way.
                    let line = Line { since: Time(now.0 - pass * kind), length };
                    let job = JobId::new(number);
                    all.push((race.enter(job, line, now), job, line));
                } else if !all.is_empty() {
                    let (place, ..) = all.swap_remove(length as usize % all.len());
                    race.leave(place, now);
                }
                let best = all.iter().min_by_key(|(_, job, line)| (line.score(now), *job));
                prop_assert_eq!(race.leader().map(|(_, job)| job), best.map(|(_, job, _)| *job));
            }
        }
    }

    #[test]
    fn a_short_job_overtakes_when_its_ratio_is_higher_and_not_before() {
        let mut race = Race::default();
        let micros = Time(0);
        race.enter(JobId(0), Line { since: Time(0), length: 100 }, micros);
        race.enter(JobId(1), Line { since: Time(60), length: 40 }, Time(60));
        // t / 100 < (t - 60) / 40 from t > 100 on.
        assert_eq!(race.until(), Time(101));
        race.advance(Time(100));
        assert_eq!(race.leader().map(|(_, job)| job), Some(JobId(0)));
        race.advance(Time(101));
        assert_eq!(race.leader().map(|(_, job)| job), Some(JobId(1)));
    }
}
