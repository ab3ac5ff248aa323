//! A live world without programs and without waiting: a clock that jumps to what comes next, and a launcher whose jobs run for
//! as long as they are said to. What the simulator does can be rehearsed with the very code that runs a cluster.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine::{JobId, RunId, Span, Time};

use crate::launcher::{End, Gang, Launcher, Observation, Seen};
use crate::world::{Inbox, Message};

const SIGTERM: i32 = 15;

/// What will be observed, in order of time and of orders.
#[derive(Debug, Default)]
struct Stage {
    now: Time,
    sequence: u64,
    to_come: BinaryHeap<Reverse<(Time, u64, RunId, Act)>>,
    /// Live runs.
    live: BTreeMap<JobId, u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    Start,
    Save,
    Finish,
    Stop,
}

impl Stage {
    fn add(&mut self, at: Time, run: RunId, act: Act) {
        self.sequence += 1;
        self.to_come.push(Reverse((at, self.sequence, run, act)));
    }

    fn next(&self) -> Option<Time> {
        self.to_come.peek().map(|Reverse((at, ..))| *at)
    }

    fn play(&mut self, messages: &mut Vec<Message>) {
        while self.next().is_some_and(|at| at <= self.now) {
            let Some(Reverse((_, _, run, act))) = self.to_come.pop() else { return };
            if self.live.get(&run.job) != Some(&run.attempt) {
                continue;
            }
            let what = match act {
                Act::Start => Seen::Started,
                Act::Save => Seen::Saved { checkpoint: String::new(), task: 0, number: 1 },
                Act::Finish => Seen::Ended(End::Exited(0)),
                Act::Stop => Seen::Ended(End::Signalled(SIGTERM)),
            };
            if matches!(what, Seen::Ended(_)) {
                self.live.remove(&run.job);
            }
            messages.push(Message::Observed(Observation { run, ago: Span::ZERO, what }));
        }
    }
}

/// The clock and the messages of a rehearsal.
#[derive(Debug)]
pub struct Paused {
    stage: Arc<Mutex<Stage>>,
    /// What people will do, in order of time.
    script: VecDeque<(Time, Message)>,
}

/// A launcher whose jobs run for as long as they are said to, start at once, and save all their work when they are told to stop.
#[derive(Debug)]
pub struct Actors {
    stage: Arc<Mutex<Stage>>,
    /// Work of each job.
    work: Vec<Span>,
}

/// A rehearsal of `script`, in order of time, with jobs that need so much work each.
pub fn rehearsal(script: impl IntoIterator<Item = (Time, Message)>, work: Vec<Span>) -> (Paused, Actors) {
    let stage = Arc::new(Mutex::new(Stage::default()));
    (Paused { stage: Arc::clone(&stage), script: script.into_iter().collect() }, Actors { stage, work })
}

fn locked(stage: &Mutex<Stage>) -> MutexGuard<'_, Stage> {
    stage.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inbox for Paused {
    /// What orders have brought about in this instant comes first; then time jumps to whatever comes next.
    fn wait(&mut self, until: Option<Time>, messages: &mut Vec<Message>) -> Time {
        let mut stage = locked(&self.stage);
        stage.play(messages);
        if !messages.is_empty() {
            return stage.now;
        }
        let next = [until, stage.next(), self.script.front().map(|(at, _)| *at)].into_iter().flatten().min();
        let Some(next) = next else {
            messages.push(Message::Stop);
            return stage.now;
        };
        stage.now = stage.now.max(next);
        stage.play(messages);
        while self.script.front().is_some_and(|(at, _)| *at <= stage.now) {
            messages.extend(self.script.pop_front().map(|(_, message)| message));
        }
        stage.now
    }
}

impl Launcher for Actors {
    fn launch(&mut self, gang: Gang) {
        let mut stage = locked(&self.stage);
        let (now, run) = (stage.now, gang.run);
        let work = self.work.get(run.job.index()).copied().unwrap_or_default();
        stage.live.insert(run.job, run.attempt);
        stage.add(now, run, Act::Start);
        stage.add(now + (work - gang.saved), run, Act::Finish);
    }

    fn stop(&mut self, run: RunId) {
        let mut stage = locked(&self.stage);
        let now = stage.now;
        stage.add(now, run, Act::Save);
        stage.add(now, run, Act::Stop);
    }

    fn kill(&mut self, run: RunId) {
        self.stop(run);
    }

    fn reattach(&mut self, gang: Gang) {
        self.launch(gang);
    }

    fn running(&mut self) -> std::io::Result<Vec<RunId>> {
        let stage = locked(&self.stage);
        Ok(stage.live.iter().map(|(job, attempt)| RunId { job: *job, attempt: *attempt }).collect())
    }
}
