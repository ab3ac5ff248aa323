//! Times that the engine asked for, and have not come.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use engine::{Alarm, Command, Event, RunId, Time};
use serde::{Deserialize, Serialize};

/// What comes at its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Due {
    /// An alarm about a run.
    Alarm(RunId, Alarm),
    /// A run is warned that its time limit is near.
    Warn(RunId),
    /// The policy wanted to look again.
    Wake,
}

/// Times to come, the next one first. They follow from the orders in the journal, so a replay has them again.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Timers(BinaryHeap<Reverse<(Time, Due)>>);

impl Timers {
    /// Follows an order.
    pub fn follow(&mut self, command: &Command) {
        match command {
            Command::Alarm { at, run, kind } => self.set(*at, Due::Alarm(*run, *kind)),
            Command::Wake { at } => self.set(*at, Due::Wake),
            _ => {}
        }
    }

    /// Sets a time.
    pub fn set(&mut self, at: Time, due: Due) {
        self.0.push(Reverse((at, due)));
    }

    /// The next time.
    pub fn next(&self) -> Option<Time> {
        self.0.peek().map(|Reverse((at, _))| *at)
    }

    /// What has come by `now`, the earliest first.
    pub fn due(&mut self, now: Time) -> Option<(Time, Due)> {
        if self.next()? > now {
            return None;
        }
        self.0.pop().map(|Reverse(due)| due)
    }

    /// Follows a fact of a journal: what it reports has come, and whatever was due before it.
    pub fn came(&mut self, at: Time, event: &Event) {
        while self.next().is_some_and(|next| next < at) {
            self.0.pop();
        }
        let due = match event {
            Event::Alarm { run, kind } => Due::Alarm(*run, *kind),
            Event::Woke => Due::Wake,
            _ => return,
        };
        self.0.retain(|Reverse((time, other))| *time > at || *other != due);
    }

    /// Whether such an alarm is still to come.
    pub fn awaits(&self, run: RunId, kind: Alarm) -> bool {
        self.0.iter().any(|Reverse((_, due))| *due == Due::Alarm(run, kind))
    }
}
