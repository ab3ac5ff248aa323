//! A journal played again: as it happened, and in the simulated world under any policy.

mod until;

use std::sync::Arc;

use engine::journal::Header;
use engine::snapshot::SnapshotError;
use engine::{Command, Core, Event, Fault, Input, Inventory, JobId, NodeId, Outcome, Record, Span, Time, Watch, drive};
use policies::registry::{Built, Registry};
use policies::{Context, PolicyError};
use traces::journal::{Measures, OwnTime, OwnTimes, Recording, Segment};
use traces::{Trace, TraceError};

use self::until::Until;
use crate::metrics::{Recorder, Segments};
use crate::physics::{Physics, SettingError};
use crate::result::Replay;
use crate::run::{RunError, RunSpec};
use crate::summary::summarise;
use crate::targets;
use crate::workload::Workload;
use crate::workload::recorded::{Foresight, is_taken_out};
use crate::world::{Flaw, SimWorld};

/// What the physics of yesterday is called.
pub const AS_IT_HAPPENED: &str = "as it happened";
/// Settings of a simulated journal that are facts of the journal now.
const RECORDED: [&str; 2] = ["failures_per_node_day", "repair_s"];
/// Shorter intervals between saves are taken as this.
const CHECKPOINT_S_MIN: f64 = 1.0;

/// A journal, ready to be played again.
#[derive(Debug)]
pub struct Rerun<'a> {
    recording: &'a Recording,
    trace: Arc<Trace>,
    measures: Measures,
    physics: Physics,
    lived: Option<OwnTimes>,
}

/// What launches, stops and saves take in a simulation of a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// Of each run what it took, where the journal has such a run; of others the typical.
    Own,
    /// The same of all runs: the settings of the physics.
    Typical,
}

/// One day, real or simulated.
#[derive(Debug)]
pub struct Day {
    /// The figures and the jobs.
    pub replay: Replay,
    /// The orders that a policy decides on, in order: launches and stops.
    pub decisions: Vec<(Time, Command)>,
}

/// Why a journal cannot be played again.
#[derive(Debug, thiserror::Error)]
pub enum RerunError {
    /// The journal cannot be read as a trace.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// A setting is wrong.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The simulation failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The policy does not give the recorded orders.
    #[error("{journal}: record {record} replays differently, so nobody knows what its policy would have done")]
    Different {
        /// The journal.
        journal: String,
        /// The record.
        record: u64,
    },
    /// A fact makes no sense after those before it.
    #[error("{journal}: record {record}: {fault}")]
    Contradiction {
        /// The journal.
        journal: String,
        /// The record.
        record: u64,
        /// What does not fit.
        fault: Fault,
    },
}

impl From<PolicyError> for RerunError {
    fn from(error: PolicyError) -> Self {
        Self::Run(error.into())
    }
}

impl<'a> Rerun<'a> {
    /// Makes `recording` ready, with the physics that [`settings`] finds and `set` overrides.
    pub fn new(recording: &'a Recording, set: &[String]) -> Result<Self, RerunError> {
        let measures = recording.measures();
        let physics = Physics::parse(&settings(recording, &measures, set))?;
        Ok(Self { recording, trace: Arc::new(recording.whole()?), measures, physics, lived: lived(recording, set) })
    }

    /// Whether the journal tells what each run took by itself.
    pub fn has_own_times(&self) -> bool {
        self.lived.is_some()
    }

    /// What the journal tells.
    pub fn recording(&self) -> &'a Recording {
        self.recording
    }

    /// What launches and stops took.
    pub fn measures(&self) -> &Measures {
        &self.measures
    }

    /// The physics of the simulations.
    pub fn physics(&self) -> &Physics {
        &self.physics
    }

    /// The trace of all jobs.
    pub fn trace(&self) -> &Arc<Trace> {
        &self.trace
    }

    fn core(&self, policy: &str, inventory: &Inventory) -> Result<(Core, String), RerunError> {
        let built = policy_of(policy, &self.recording.header)?;
        Ok((Core::new(inventory.clone(), built.policy), built.text))
    }

    /// What happened: the facts of the journal once more, through a core with the policy of the journal, whose orders must be
    /// the recorded ones.
    pub fn yesterday(&self) -> Result<Day, RerunError> {
        let header = &self.recording.header;
        let (mut core, _) = self.core(&header.policy, &header.inventory)?;
        let policy = self.policies()?;
        let mut later = self.recording.segments.iter().skip(1).peekable();
        let workload = Workload::recorded(&self.trace, self.recording, Foresight::Recorded);
        let mut recorder = Recorder::new(&workload, self.recording.inventory(), Segments::Off);
        let mut log = DecisionLog::default();
        let mut orders = Vec::new();
        for (at, entry) in self.recording.entries.iter().enumerate() {
            while let Some(segment) = later.next_if(|segment| segment.first <= at) {
                core = go_on(&core, segment, &segment.header.inventory)?;
            }
            let (journal, record) = self.recording.place(at);
            let journal = journal.to_owned();
            orders.clear();
            if let Err(fault) = core.step(&entry.facts, &mut orders) {
                return Err(RerunError::Contradiction { journal, record, fault });
            }
            if orders != entry.orders {
                return Err(RerunError::Different { journal, record });
            }
            recorder.after(&core, &entry.facts, &orders);
            log.take(core.state().now(), &orders);
        }
        let mut replay = self.replay(&core, &workload, recorder, policy, &Physics::default());
        AS_IT_HAPPENED.clone_into(&mut replay.summary.physics);
        Ok(Day { replay, decisions: log.decisions })
    }

    /// The policies of the journal, in the order in which they decided: mostly one.
    fn policies(&self) -> Result<String, RerunError> {
        let mut texts = Vec::new();
        for segment in &self.recording.segments {
            texts.push(policy_of(&segment.header.policy, &segment.header)?.text);
        }
        texts.dedup();
        Ok(texts.join(", then "))
    }

    /// The same day in the simulated world, under the policy of the journal: where that changed, at the same times.
    pub fn simulated_yesterday(&self, times: Times) -> Result<Day, RerunError> {
        let header = &self.recording.header;
        let later = self.recording.segments.iter().skip(1);
        let mut before = header;
        let mut changes = Vec::new();
        for segment in later.filter(|segment| segment.first < self.recording.entries.len()) {
            let decides = |header: &Header| (header.policy.clone(), header.seed, header.estimates);
            let at = self.recording.entries[segment.first].facts.first().map(|input| input.at);
            // A new file alone changes nothing: a fresh policy decides the same.
            if decides(before) != decides(&segment.header) {
                changes.extend(at.map(|at| (at, segment)));
                before = &segment.header;
            }
        }
        let (core, _) = self.core(&header.policy, self.recording.inventory())?;
        let workload = Workload::recorded(&self.trace, self.recording, Foresight::Recorded);
        self.play(core, self.policies()?, &workload, &changes, times)
    }

    /// The same day in the simulated world, under `policy` from its beginning to its end.
    pub fn simulated(&self, policy: &str) -> Result<Day, RerunError> {
        let (core, policy) = self.core(policy, self.recording.inventory())?;
        // The policy of the journal knows what it knew; nobody told it more than the journal says.
        let is_another = policy != self.policies()?;
        if !is_another {
            return self.simulated_yesterday(Times::Own);
        }
        let workload = Workload::recorded(&self.trace, self.recording, Foresight::Hindsight);
        self.play(core, policy, &workload, &[], Times::Own)
    }

    fn play(
        &self,
        mut core: Core,
        policy: String,
        workload: &Workload<'_>,
        changes: &[(Time, &Segment)],
        times: Times,
    ) -> Result<Day, RerunError> {
        let inventory = self.recording.inventory();
        let mut world = SimWorld::new(workload, &self.physics, inventory, self.recording.header.seed)?;
        // Nodes that were added later are there from the beginning, and down until then.
        let later = self.recording.header.inventory.nodes.len()..inventory.nodes.len();
        world.schedule(later.map(|node| (Time::ZERO, Event::NodeDown { node: NodeId::new(node) })));
        if let Some(lived) = self.lived.as_ref().filter(|_| times == Times::Own) {
            world = world.with_own_times(lived.clone());
        }
        if core.expects_workload() && workload.has_hindsight() && !workload.tells_what_to_expect() {
            world.declare_workload();
        }
        for (number, job) in self.recording.jobs.iter().enumerate() {
            for failure in &job.failures {
                world.flaw(JobId::new(number), Flaw { after: failure.after, times: 1, code: failure.code });
            }
        }
        let mut recorder = Recorder::new(workload, inventory, Segments::Off);
        let mut log = DecisionLog::default();
        let mut world = Until::new(world);
        for (at, segment) in changes {
            world.until(Some(*at));
            drive(&mut core, &mut world, &mut log, &mut recorder)?;
            core = go_on(&core, segment, self.recording.inventory())?;
        }
        world.until(None);
        drive(&mut core, &mut world, &mut log, &mut recorder)?;
        let mut replay = self.replay(&core, workload, recorder, policy, &self.physics);
        replay.unprofiled = world.world().unprofiled().clone();
        Ok(Day { replay, decisions: log.decisions })
    }

    fn replay(
        &self,
        core: &Core,
        workload: &Workload<'_>,
        recorder: Recorder<'_>,
        policy: String,
        physics: &Physics,
    ) -> Replay {
        let mut seen = recorder.finish(core);
        // Who was taken out at the end of the journal did not end: that is where the journal stops.
        for (row, job) in seen.rows.iter_mut().zip(&self.recording.jobs) {
            if row.outcome == Some(Outcome::Cancelled) && is_taken_out(job) {
                (row.outcome, row.finish) = (None, Time::NEVER);
            }
        }
        let header = &self.recording.header;
        let spec = RunSpec {
            inventory: self.recording.inventory(),
            policy,
            physics,
            load: 1.0,
            seed: header.seed,
            segments: Segments::Off,
        };
        Replay {
            summary: summarise(&spec, core, workload, &seen),
            trace: self.trace.clone(),
            evictions: targets::evictions(core),
            jobs: seen.rows,
            series: seen.series,
            segments: seen.segments,
            unprofiled: std::collections::BTreeMap::new(),
        }
    }
}

/// A policy, told what the header says.
fn policy_of(text: &str, header: &Header) -> Result<Built, RerunError> {
    let context = Context { estimates: header.estimates, seed: header.seed };
    Ok(Registry::default().build(text, context)?)
}

/// A core that goes on with the policy of a segment, as the server did that began it, and with this cluster.
fn go_on(core: &Core, segment: &Segment, inventory: &Inventory) -> Result<Core, RerunError> {
    let policy = policy_of(&segment.header.policy, &segment.header)?.policy;
    let source = segment.source.clone();
    let refused = |error: SnapshotError| TraceError::new(source, error.to_string());
    Ok(Core::restore_on(&core.snapshot(&[]), inventory, policy).map_err(refused)?.0)
}

/// The settings of the physics: those with which the journal was simulated, as it says itself, or else those that were
/// measured in it; and `set` before both. What was random then is a fact of the journal now.
pub fn settings(recording: &Recording, measures: &Measures, set: &[String]) -> Vec<String> {
    let key = |setting: &str| setting.split('=').next().unwrap_or(setting).trim().to_owned();
    let given: Vec<String> = set.iter().map(|setting| key(setting)).collect();
    let found = match recording.note("physics") {
        Some("default") => Vec::new(),
        Some(noted) => noted.split_whitespace().map(str::to_owned).collect(),
        None => measured(measures),
    };
    let kept = found.into_iter().filter(|setting| {
        let key = key(setting);
        !given.contains(&key) && !RECORDED.contains(&key.as_str())
    });
    kept.chain(set.iter().cloned()).collect()
}

/// What each run took by itself, where a live world tells. What is set by hand goes before it.
fn lived(recording: &Recording, set: &[String]) -> Option<OwnTimes> {
    if recording.note("physics").is_some() {
        return None;
    }
    let mut times = recording.own_times();
    let by_hand = |keys: &[&str]| set.iter().any(|setting| keys.iter().any(|key| setting.trim().starts_with(key)));
    for (kind, keys) in [
        (OwnTime::Launches, ["launch_s", "restart_"].as_slice()),
        (OwnTime::Stops, &["drain_s", "save_s", "preempt_saves"]),
        (OwnTime::Saves, &["checkpoint_s"]),
        (OwnTime::Notices, &["end_", "round_"]),
    ] {
        if by_hand(keys) || by_hand(&["physics"]) {
            times.forget(kind);
        }
    }
    Some(times)
}

/// What a live journal shows of the world.
fn measured(measures: &Measures) -> Vec<String> {
    let mut settings = Vec::new();
    let mut span = |key: &str, span: Option<Span>| {
        if let Some(span) = span.filter(|span| *span > Span::ZERO) {
            settings.push(format!("{key}={}", span.secs_f64()));
        }
    };
    span("launch_s", measures.launch.p50);
    // A later run has a launch like the first, and what goes beyond is its restart.
    span("restart_s", measures.relaunch.p50.map(|again| again - measures.launch.p50.unwrap_or_default()));
    // A run goes on until it has saved, and then takes the rest to end.
    let (stop, save) = (measures.drain.p50, measures.drain_save.p50);
    span("drain_s", if measures.stops_save == Some(true) { save.or(stop) } else { stop });
    span("save_s", save.filter(|_| measures.stops_save == Some(true)).and_then(|save| Some(stop? - save)));
    span("end_notice_s", measures.notice.p50);
    settings.push(match measures.save_interval {
        Some(interval) => format!("checkpoint_s={}", interval.secs_f64().max(CHECKPOINT_S_MIN)),
        None => "checkpoint_s=never".to_owned(),
    });
    if measures.stops_save == Some(false) {
        settings.push("preempt_saves=false".to_owned());
    }
    settings
}

/// Keeps launches and stops.
#[derive(Debug, Default)]
struct DecisionLog {
    now: Time,
    decisions: Vec<(Time, Command)>,
}

impl DecisionLog {
    fn take(&mut self, now: Time, orders: &[Command]) {
        // A kill follows from a fact: a node is lost, a grace is over.
        let decided = |order: &&Command| matches!(order, Command::Launch { .. } | Command::Drain { .. });
        self.decisions.extend(orders.iter().filter(decided).map(|order| (now, order.clone())));
    }
}

impl Record for DecisionLog {
    type Error = Fault;

    fn facts(&mut self, batch: &[Input]) -> Result<(), Fault> {
        self.now = batch.last().map_or(self.now, |input| input.at);
        Ok(())
    }

    fn orders(&mut self, commands: &[Command]) -> Result<(), Fault> {
        self.take(self.now, commands);
        Ok(())
    }
}
