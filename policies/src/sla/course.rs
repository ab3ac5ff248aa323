//! Courses: how long each promised job waits before it stops others. The one that stops others latest wins.

use std::collections::{BTreeMap, BTreeSet};

use engine::{Draft, JobId, Span, Time};

use super::future::{Future, Start};
use super::present::Present;
use super::target::Want;

/// What a course comes to.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) starts: Vec<Start>,
    /// The jobs that meet their targets.
    pub(super) met: BTreeSet<JobId>,
}

/// Where courses are played.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stage<'a> {
    pub(super) draft: &'a Draft<'a>,
    pub(super) present: &'a Present,
    pub(super) drain: Span,
}

impl Stage<'_> {
    pub(super) fn play(&self, wants: &[Want]) -> Vec<Start> {
        Future::new(self.present, self.drain).play(self.draft, wants)
    }

    /// The first of these courses that meets most targets: all wait for others to end by themselves; the course that was
    /// found last; each waits to its own last moment; all wait equally long; nobody waits.
    ///
    /// The course that was found last is tried again because the world has gone on just as it was played: where run times
    /// are exact it still meets all that it met, though another course, played from here, may not.
    pub(super) fn course(&self, wants: &[Want]) -> Course {
        let now = self.draft.now();
        let found = |want: &Want| if want.insists == Time::ZERO { now } else { want.insists };
        let is_found = wants.iter().all(|want| want.insists != Time::ZERO);
        let mut best = self.try_course(wants, |_| Time::NEVER);
        if best.met.len() < wants.len() && is_found {
            best = better(best, self.try_course(wants, found));
        }
        if best.met.len() == wants.len() {
            return best;
        }
        let at_once = self.try_course(wants, |_| now);
        let slack = at_once.starts.iter().filter_map(|start| Some((start.want.job, (start.at, start.slack?))));
        let slack: BTreeMap<JobId, (Time, Span)> = slack.collect();
        let least = slack.values().map(|(_, slack)| *slack).min().unwrap_or(Span::ZERO);
        let last = |want: &Want| match want.latest_start() {
            Time::NEVER => Time::NEVER,
            latest => Time((Span(latest.0) - self.drain).0).max(now),
        };
        let alike = |want: &Want| slack.get(&want.job).map_or_else(|| last(want), |(at, _)| *at + least);
        if best.met.len() < wants.len() {
            best = better(best, self.try_course(wants, last));
        }
        if best.met.len() < wants.len() {
            best = better(best, self.try_course(wants, alike));
        }
        if !is_found && best.met.len() < wants.len() {
            best = better(best, self.try_course(wants, found));
        }
        better(best, at_once)
    }

    fn try_course(&self, wants: &[Want], insists: impl Fn(&Want) -> Time) -> Course {
        let wants: Vec<Want> = wants.iter().map(|want| Want { insists: insists(want), ..*want }).collect();
        let starts = self.play(&wants);
        let met = starts.iter().filter(|start| start.slack.is_some()).map(|start| start.want.job).collect();
        Course { starts, met }
    }
}

/// The second only if it meets more.
fn better(first: Course, second: Course) -> Course {
    if second.met.len() > first.met.len() { second } else { first }
}
