//! The live world: facts come from people, programs and clocks, orders go to a launcher.

mod backlog;
mod gang;
mod requests;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use engine::journal::Entry;
use engine::{
    Alarm, Command, Core, Event, Exit, Input, Inventory, JobId, Phase, Placement, Rate, RunId, Span, Time, World,
};

use self::backlog::Backlog;
pub use self::backlog::BacklogMax;
pub use self::requests::{Answer, Done, Request, Wish};
use crate::book::Book;
use crate::launcher::{End, Launcher, Observation, Seen};
use crate::ledger::LiveError;
use crate::note::Note;
use crate::submission::Defaults;
use crate::timers::{Due, Timers};

/// What reaches the world from outside.
pub enum Message {
    /// Somebody wants something.
    Request(Box<Request>),
    /// A launcher has seen something.
    Observed(Observation),
    /// Facts from outside that are nobody's request, such as what the configuration declares, with their notes.
    Facts(Vec<Event>, Vec<Note>),
    /// Somebody wants to look at the state.
    Look(Look),
    /// The server ends; runs go on.
    Stop,
}

/// A look at the state between two steps.
pub type Look = Box<dyn FnOnce(&Core, &Book) + Send>;

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Request(request) => f.debug_tuple("Request").field(request).finish(),
            Self::Observed(observation) => f.debug_tuple("Observed").field(observation).finish(),
            Self::Facts(facts, _) => f.debug_tuple("Facts").field(facts).finish(),
            Self::Look(_) => f.write_str("Look"),
            Self::Stop => f.write_str("Stop"),
        }
    }
}

/// Where messages come from, and the time at which they do.
pub trait Inbox {
    /// Waits for messages, at most until `until`, and adds all that are there. Gives the time; it never goes back.
    fn wait(&mut self, until: Option<Time>, messages: &mut Vec<Message>) -> Time;

    /// By how much the clock of the machine was set since the last call, in microseconds.
    fn stepped_us(&mut self) -> Option<i64> {
        None
    }
}

/// A run that was launched and has not ended.
#[derive(Clone, Debug)]
struct Live {
    attempt: u32,
    placement: Placement,
    /// Work that was safe when it was launched.
    from: Span,
    /// Since when it makes progress.
    since: Option<Time>,
    /// All work that is safe now.
    saved: Span,
    /// It was told to stop.
    stops: bool,
}

/// What belongs to the batch that is open: it goes into the journal, and is answered when it is there.
#[derive(Default)]
pub struct Open {
    /// What is written beside the facts.
    pub notes: Vec<Note>,
    /// Whom to answer.
    pub answers: Vec<(Answer, Done)>,
    /// Who wants to look.
    pub looks: Vec<Look>,
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Open").field("notes", &self.notes).finish_non_exhaustive()
    }
}

/// What the world, the journal and those who look on have in common. One thread has all of it.
#[derive(Debug, Default)]
pub struct Shared {
    /// What is known beside the engine.
    pub book: Book,
    /// Times that were asked for, and have not come.
    pub timers: Timers,
    /// The open batch.
    pub open: Open,
}

impl Shared {
    /// Learns from an entry of the journal, without any effect.
    pub fn replay(&mut self, entry: &Entry, notes: &[Note]) {
        for note in notes {
            self.book.note(note);
        }
        for input in &entry.facts {
            self.book.learn(&input.event);
            self.timers.came(input.at, &input.event);
        }
        for command in &entry.orders {
            self.timers.follow(command);
        }
    }
}

/// The live world.
#[derive(Debug)]
pub struct LiveWorld<I, L> {
    inbox: I,
    launcher: L,
    shared: Rc<RefCell<Shared>>,
    inventory: Inventory,
    defaults: Defaults,
    live: BTreeMap<JobId, Live>,
    /// Unique names of the GPUs of each node, where they are real ones.
    uuids: Vec<Vec<String>>,
    backlog: Backlog,
    backlog_max: BacklogMax,
    messages: Vec<Message>,
    stopped: bool,
}

impl<I: Inbox, L: Launcher> LiveWorld<I, L> {
    /// A world without jobs.
    pub fn new(inbox: I, launcher: L, shared: Rc<RefCell<Shared>>, inventory: Inventory, defaults: Defaults) -> Self {
        let (live, uuids, messages) = (BTreeMap::new(), Vec::new(), Vec::new());
        let (backlog, backlog_max) = (Backlog::default(), BacklogMax::default());
        Self {
            inbox,
            launcher,
            shared,
            inventory,
            defaults,
            live,
            uuids,
            backlog,
            backlog_max,
            messages,
            stopped: false,
        }
    }

    /// No more jobs than this may wait and run.
    #[must_use]
    pub fn with_backlog_max(mut self, max: BacklogMax) -> Self {
        self.backlog_max = max;
        self
    }

    /// GPUs that are real have unique names, a list a node; programs get those.
    #[must_use]
    pub fn with_uuids(mut self, uuids: Vec<Vec<String>>) -> Self {
        self.uuids = uuids;
        self
    }

    /// Takes up the runs of a core that was restored: the launcher finds out what has become of them.
    pub fn take_up(&mut self, core: &Core) {
        let state = core.state();
        self.backlog = Backlog::of(core, &self.shared.borrow().book);
        for id in state.live().iter().copied() {
            let job = state.job(id);
            if !job.is_launched() {
                continue;
            }
            let (run, stops) = (job.run(id), matches!(job.phase, Phase::Draining(_)));
            let since = job.running_since.known();
            let (placement, from, saved) = (job.placement.clone(), job.work_at_start, job.work_saved);
            let live = Live { attempt: run.attempt, placement, from, since, saved, stops };
            if let Some(gang) = self.gang(run, &live) {
                self.launcher.reattach(gang);
            }
            self.live.insert(id, live);
            if let Some(since) = since {
                self.plan_warning(since, run);
            }
            if stops && self.shared.borrow().timers.awaits(run, Alarm::Grace) {
                self.launcher.stop(run);
            } else if stops {
                self.launcher.kill(run);
            }
        }
    }

    fn is_live(&self, run: RunId) -> bool {
        self.live.get(&run.job).is_some_and(|live| live.attempt == run.attempt)
    }

    fn due(&self, now: Time) -> Option<(Time, Due)> {
        self.shared.borrow_mut().timers.due(now)
    }

    fn timers_at(&mut self, now: Time, batch: &mut Vec<Input>) {
        while let Some((_, due)) = self.due(now) {
            let event = match due {
                // An alarm about a run that is over says nothing; the wait after a run is about its job.
                Due::Alarm(run, kind) if kind == Alarm::Backoff || self.is_live(run) => Event::Alarm { run, kind },
                Due::Wake => Event::Woke,
                Due::Warn(run) if self.is_live(run) => {
                    self.launcher.stop(run);
                    continue;
                }
                Due::Alarm(..) | Due::Warn(_) => continue,
            };
            batch.push(Input { at: now, event });
        }
    }

    fn observed(&mut self, now: Time, observation: Observation, batch: &mut Vec<Input>) {
        let run = observation.run;
        // Programs went on while the server was away; facts are told when they are known, work is counted to when it was done.
        let then = Time(now.0.saturating_sub(observation.ago.0));
        // What is said of a run that is over is late: the engine would ignore it too.
        let Some(live) = self.live.get_mut(&run.job).filter(|live| live.attempt == run.attempt) else { return };
        let event = match observation.what {
            Seen::Started if live.since.is_some() => return,
            Seen::Started => {
                live.since = Some(now);
                self.plan_warning(now, run);
                Event::Started { run, rate: Rate::FULL }
            }
            Seen::Saved { checkpoint, .. } => match self.saved(then, run, checkpoint) {
                Some(event) => event,
                None => return,
            },
            Seen::Ended(end) => {
                let exit = exit(&end, live.stops);
                // A program that has done its work needs no checkpoint.
                let done = live.since.filter(|_| exit == Exit::Completed).map(|since| live.from + then.since(since));
                let saved = Some(done.unwrap_or(live.saved));
                self.live.remove(&run.job);
                self.note(Note::End { run, end });
                // What it saved in the same instant goes with its end.
                batch.retain(|input| !matches!(input.event, Event::Saved { run: other, .. } if other == run));
                Event::Ended { run, exit, saved }
            }
        };
        batch.push(Input { at: now, event });
    }

    /// A run has saved all the work that it had done by then.
    fn saved(&mut self, then: Time, run: RunId, checkpoint: String) -> Option<Event> {
        let live = self.live.get_mut(&run.job).filter(|live| live.attempt == run.attempt)?;
        let work = live.from + then.since(live.since?);
        live.saved = live.saved.max(work);
        if !checkpoint.is_empty() {
            self.note(Note::Checkpoint { run, checkpoint });
        }
        Some(Event::Saved { run, work })
    }

    /// A run that makes progress since then is warned before its time limit.
    fn plan_warning(&mut self, since: Time, run: RunId) {
        let mut shared = self.shared.borrow_mut();
        let Some(file) = shared.book.job(run.job).map(|entry| Arc::clone(&entry.file)) else { return };
        if let (Some(limit), Some(warn)) = (file.time_limit, file.warn) {
            shared.timers.set(since + (limit.0 - warn.0), Due::Warn(run));
        }
    }

    /// Writes something down, and learns it.
    fn note(&self, note: Note) {
        let mut shared = self.shared.borrow_mut();
        shared.book.note(&note);
        shared.open.notes.push(note);
    }

    fn launch(&mut self, run: RunId, placement: &Placement, from: Span) {
        let placement = placement.clone();
        let live = Live { attempt: run.attempt, placement, from, since: None, saved: from, stops: false };
        if let Some(gang) = self.gang(run, &live) {
            self.launcher.launch(gang);
        }
        self.live.insert(run.job, live);
    }

    fn stop(&mut self, run: RunId) {
        if let Some(live) = self.live.get_mut(&run.job).filter(|live| live.attempt == run.attempt) {
            live.stops = true;
            self.launcher.stop(run);
        }
    }

    fn kill(&mut self, run: RunId) {
        if let Some(live) = self.live.get_mut(&run.job).filter(|live| live.attempt == run.attempt) {
            live.stops = true;
            self.launcher.kill(run);
        }
    }
}

/// What the end of a run means to the engine. Whoever was told to stop has stopped, whatever code it ended with: a program
/// that saves on a signal and ends with 0 has not done its work.
fn exit(end: &End, stops: bool) -> Exit {
    match end {
        _ if stops => Exit::Stopped,
        End::Exited(0) => Exit::Completed,
        End::Exited(code) => Exit::Failed(*code),
        End::Signalled(signal) => Exit::Failed(128 + signal),
        End::NotStarted(_) => Exit::Failed(127),
        End::Lost(_) => Exit::Stopped,
    }
}

impl<I: Inbox, L: Launcher> World for LiveWorld<I, L> {
    type Error = LiveError;

    fn next(&mut self, batch: &mut Vec<Input>) -> Result<bool, LiveError> {
        if self.stopped {
            return Ok(false);
        }
        let until = self.shared.borrow().timers.next();
        let now = self.inbox.wait(until, &mut self.messages);
        if let Some(by_us) = self.inbox.stepped_us() {
            self.note(Note::ClockStepped { by_us });
        }
        let mut messages = std::mem::take(&mut self.messages);
        for message in messages.drain(..) {
            match message {
                Message::Request(request) => self.request(now, *request, batch),
                Message::Observed(observation) => self.observed(now, observation, batch),
                Message::Facts(events, notes) => {
                    for note in notes {
                        self.note(note);
                    }
                    for event in events {
                        self.shared.borrow_mut().book.learn(&event);
                        batch.push(Input { at: now, event });
                    }
                }
                Message::Look(look) => self.shared.borrow_mut().open.looks.push(look),
                Message::Stop => self.stopped = true,
            }
        }
        self.messages = messages;
        self.timers_at(now, batch);
        Ok(true)
    }

    fn perform(&mut self, _: Time, command: &Command) -> Result<(), LiveError> {
        self.shared.borrow_mut().timers.follow(command);
        match command {
            Command::Launch { run, placement, resume_from } => self.launch(*run, placement, *resume_from),
            Command::Drain { run, .. } => self.stop(*run),
            Command::Kill { run } => self.kill(*run),
            Command::Close { job, .. } => {
                let shared = self.shared.borrow();
                self.backlog.remove(shared.book.job(*job).map_or("", |entry| entry.tenant()));
            }
            Command::Alarm { .. } | Command::Wake { .. } => {}
        }
        Ok(())
    }
}
