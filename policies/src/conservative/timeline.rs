//! What one node has free, from now on: a step function of time.

use engine::{Span, TaskRequest, Time};

/// GPUs, thousandths of a core, MiB. Below 0 where more is promised than there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) gpus: i64,
    pub(super) cpu_milli: i64,
    pub(super) memory_mib: i64,
}

impl Room {
    /// What one task needs. A part of a GPU counts as one: nobody knows yet with whom it will share.
    pub(super) fn of(request: &TaskRequest) -> Self {
        Self {
            gpus: i64::from(request.gpus.count()),
            cpu_milli: i64::from(request.cpu_milli),
            memory_mib: i64::from(request.memory_mib),
        }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            gpus: self.gpus + other.gpus,
            cpu_milli: self.cpu_milli + other.cpu_milli,
            memory_mib: self.memory_mib + other.memory_mib,
        }
    }

    pub(super) fn minus(self, other: Self) -> Self {
        self.plus(other.times(-1))
    }

    pub(super) fn times(self, count: i64) -> Self {
        Self { gpus: self.gpus * count, cpu_milli: self.cpu_milli * count, memory_mib: self.memory_mib * count }
    }

    pub(super) fn holds(self, need: Self) -> bool {
        self.gpus >= need.gpus && self.cpu_milli >= need.cpu_milli && self.memory_mib >= need.memory_mib
    }

    fn least(self, other: Self) -> Self {
        Self {
            gpus: self.gpus.min(other.gpus),
            cpu_milli: self.cpu_milli.min(other.cpu_milli),
            memory_mib: self.memory_mib.min(other.memory_mib),
        }
    }

    /// How many of `need` it holds, at most `most`.
    pub(super) fn slots(self, need: Self, most: i64) -> i64 {
        let of = |room: i64, need: i64| if need > 0 { room.max(0) / need } else { most };
        let slots = of(self.gpus, need.gpus).min(of(self.cpu_milli, need.cpu_milli));
        slots.min(of(self.memory_mib, need.memory_mib)).min(most)
    }
}

/// A stretch of time, [`Time::NEVER`] for an open end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) from: Time,
    pub(super) to: Time,
}

impl Stretch {
    /// From `from`, for `span`; [`Span::MAX`] never ends.
    pub(super) fn new(from: Time, span: Span) -> Self {
        Self { from, to: Time(from.0.saturating_add(span.0)) }
    }
}

/// The steps of one node. The last one lasts for ever.
#[derive(Clone, Debug)]
pub(super) struct Timeline(Vec<(Time, Room)>);

impl Timeline {
    /// All of it free at all times.
    pub(super) fn new(room: Room) -> Self {
        Self(vec![(Time::ZERO, room)])
    }

    /// Forgets what is before `now`.
    fn trim(&mut self, now: Time) {
        let past = self.0.iter().skip(1).take_while(|(from, _)| *from <= now).count();
        self.0.drain(..past);
    }

    /// Takes `need` for a stretch.
    pub(super) fn take(&mut self, now: Time, stretch: Stretch, need: Room) {
        self.change(now, stretch, need.times(-1));
    }

    /// Gives it back.
    pub(super) fn give(&mut self, now: Time, stretch: Stretch, need: Room) {
        self.change(now, stretch, need);
    }

    fn change(&mut self, now: Time, stretch: Stretch, by: Room) {
        self.trim(now);
        let from = stretch.from.max(now);
        if from >= stretch.to {
            return;
        }
        let first = self.split(from);
        let last = if stretch.to == Time::NEVER { self.0.len() } else { self.split(stretch.to) };
        for (_, room) in &mut self.0[first..last] {
            *room = room.plus(by);
        }
        for at in [last, first] {
            if at > 0 && at < self.0.len() && self.0[at].1 == self.0[at - 1].1 {
                self.0.remove(at);
            }
        }
    }

    /// The step that begins at `at`, made if it is not there.
    fn split(&mut self, at: Time) -> usize {
        let after = self.0.partition_point(|(from, _)| *from < at);
        if after == self.0.len() || self.0[after].0 != at {
            let room = self.0[after.saturating_sub(1)].1;
            self.0.insert(after, (at, room));
        }
        after
    }

    /// The steps that are not over by `now`, as (from, to, room).
    fn steps(&self, now: Time) -> impl Iterator<Item = (Time, Time, Room)> + '_ {
        let next = self.0.iter().skip(1).map(|(from, _)| *from).chain([Time::NEVER]);
        let steps = self.0.iter().zip(next).map(move |((from, room), to)| ((*from).max(now), to, *room));
        steps.filter(move |(_, to, _)| *to > now)
    }

    /// The first time from `now` on from which `need` is free for `span`, and the least room in that time.
    pub(super) fn earliest(&self, now: Time, span: Span, need: Room) -> Option<(Time, Room)> {
        let mut open: Option<(Time, Room)> = None;
        for (from, to, room) in self.steps(now) {
            if !room.holds(need) {
                open = None;
                continue;
            }
            let (start, least) = open.map_or((from, room), |(start, least)| (start, least.least(room)));
            if to == Time::NEVER || to.since(start) >= span {
                return Some((start, least));
            }
            open = Some((start, least));
        }
        None
    }

    /// The times at which `need` could be taken for `span`, as first and last start.
    pub(super) fn starts(&self, now: Time, span: Span, need: Room, mut found: impl FnMut(Time, Time)) {
        let mut open: Option<Time> = None;
        let mut close = |open: &mut Option<Time>, end: Time| {
            if let Some(start) = open.take() {
                if end == Time::NEVER {
                    found(start, Time::NEVER);
                } else if end.since(start) >= span {
                    found(start, Time(end.0 - span.0));
                }
            }
        };
        for (from, _, room) in self.steps(now) {
            if room.holds(need) {
                open.get_or_insert(from);
            } else {
                close(&mut open, from);
            }
        }
        close(&mut open, Time::NEVER);
    }

    /// The least room in a stretch.
    pub(super) fn least(&self, stretch: Stretch) -> Room {
        let inside = self.steps(stretch.from).take_while(|(from, _, _)| *from < stretch.to || *from == stretch.from);
        inside.map(|(_, _, room)| room).reduce(Room::least).unwrap_or_default()
    }

    /// Whether more is promised than there is, at any time from `now` on.
    pub(super) fn is_overdrawn(&self, now: Time) -> bool {
        self.steps(now).any(|(_, _, room)| !room.holds(Room::default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gpus(gpus: i64) -> Room {
        Room { gpus, cpu_milli: 0, memory_mib: 0 }
    }

    fn at(secs: u64) -> Time {
        Time::ZERO + Span::secs(secs)
    }

    fn stretch(from: u64, to: u64) -> Stretch {
        Stretch { from: at(from), to: at(to) }
    }

    #[test]
    fn holes_are_found_in_order() {
        let mut line = Timeline::new(gpus(8));
        line.take(at(0), stretch(0, 10), gpus(6));
        line.take(at(0), stretch(20, 30), gpus(8));
        let first = |need, span| {
            line.earliest(at(0), Span::secs(span), gpus(need)).map(|(start, least)| (start.0 / 1_000_000, least.gpus))
        };
        assert_eq!(first(2, 20), Some((0, 2)));
        assert_eq!(first(2, 21), Some((30, 8)));
        assert_eq!(first(4, 10), Some((10, 8)));
        assert_eq!(first(9, 1), None);
        let mut starts = Vec::new();
        line.starts(at(5), Span::secs(5), gpus(2), |a, b| starts.push((a, b)));
        assert_eq!(starts, [(at(5), at(15)), (at(30), Time::NEVER)]);
        assert_eq!(line.least(stretch(0, 20)).gpus, 2);
        assert_eq!(line.least(stretch(10, 20)).gpus, 8);
        assert!(!line.is_overdrawn(at(0)));
    }

    #[test]
    fn what_is_given_back_leaves_no_trace() {
        let mut line = Timeline::new(gpus(8));
        line.take(at(0), stretch(3, 9), gpus(2));
        line.take(at(0), Stretch { from: at(5), to: Time::NEVER }, gpus(7));
        assert!(line.is_overdrawn(at(0)));
        line.give(at(4), stretch(3, 9), gpus(2));
        line.give(at(4), Stretch { from: at(5), to: Time::NEVER }, gpus(7));
        assert_eq!(line.0.len(), 1);
        assert_eq!(line.least(Stretch::new(at(4), Span::MAX)).gpus, 8);
    }
}
