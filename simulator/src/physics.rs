//! What the simulated world costs: restarts, lost work, slow placements, broken nodes. By default none of it.

use std::sync::Arc;

use engine::placement::nodes_spanned;
use engine::{Rate, Slice, Span, Time};
use traces::TraceError;
use traces::profiles::ThroughputTable;

use crate::restart::RestartTimes;

/// The settings of `--set`, each with its default, values and meaning.
pub const SETTINGS: [(&str, &str, &str); 18] = [
    ("physics", "plain", "settings that belong together: plain, helios, blox, gavel; others beside it override them"),
    ("launch_s", "0", "seconds between the launch of a run, every one, and its progress; it holds its GPUs meanwhile"),
    (
        "restart_s",
        "0",
        "seconds that a run after the first needs before it makes progress; by gang: 1:7+8:30+60 is 7 s for one GPU, 30 s \
         up to 8, 60 s above",
    ),
    (
        "restart_owed",
        "false",
        "whether restart time that was not served adds up from stop to stop, and the policy knows it from the stop on",
    ),
    (
        "restart_at",
        "start",
        "when the restart is paid; `stop`: a preempted run, the first too, loses so much of what it did, others nothing",
    ),
    (
        "checkpoint_s",
        "none",
        "seconds of progress between checkpoints; `none`: no work is ever lost; `never`: all of it is",
    ),
    ("preempt_saves", "true", "whether a preempted run saves all its work before it stops"),
    ("drain_s", "0", "seconds that a preempted run takes to stop"),
    ("save_s", "0", "seconds that it then needs to save, without progress; it holds its GPUs meanwhile"),
    ("spread_penalty", "0", "share of its speed that a run loses when it spans several nodes"),
    (
        "throughput",
        "none",
        "file or folder with tables of throughput, which then decide how fast runs go; several with +",
    ),
    ("measured_on", "the trace's", "GPU model of the table on which the run times of the trace were measured"),
    ("failures_per_node_day", "0", "mean failures of one node in a day (Poisson)"),
    ("repair_s", "7200", "mean seconds until a broken node is up again (exponential)"),
    ("end_notice_s", "0", "seconds from the end of the work until it is noticed; the run holds its GPUs meanwhile"),
    ("end_round_s", "0", "the end of the work is noticed at the next multiple of so many seconds"),
    ("round_s", "none", "the world goes in rounds of at most so many seconds, in which runs go on in step"),
    (
        "round_steps",
        "false",
        "runs do whole training steps in a round, and it ends when the last is through with its own",
    ),
];

/// What a named mode sets.
const MODES: [(&str, &[&str]); 4] = [
    ("plain", &[]),
    ("helios", &["restart_s=1:7+8:30+60", "restart_owed=true", "end_notice_s=1"]),
    ("blox", &["end_round_s=300"]),
    ("gavel", &["round_s=360", "round_steps=true"]),
];

/// When running jobs save.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checkpoints {
    /// All the time: nothing is ever lost.
    Continuous,
    /// Each time so much work was done.
    Every(Span),
    /// Never.
    Never,
}

/// When the restart cost is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestartAt {
    /// Before a run after the first makes progress.
    Start,
    /// When a run is preempted, from what it did; the first run too. A run that ends by itself pays nothing.
    Stop,
}

impl RestartAt {
    fn named(word: &str) -> Option<Self> {
        match word {
            "start" => Some(Self::Start),
            "stop" => Some(Self::Stop),
            _ => None,
        }
    }
}

impl Checkpoints {
    fn every(interval: Span) -> Option<Self> {
        (interval > Span::ZERO).then_some(Self::Every(interval))
    }
}

/// The settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Physics {
    /// Time between the launch of a run and its progress, before any restart time.
    pub launch: Span,
    /// Time before a run after the first makes progress.
    pub restart: RestartTimes,
    /// When it is paid.
    pub restart_at: RestartAt,
    /// Whether restart time that was not served adds up, and the scheduler knows it.
    pub restart_owed: bool,
    /// When running jobs save.
    pub checkpoints: Checkpoints,
    /// Whether a preempted run saves all its work.
    pub preempt_saves: bool,
    /// Time that a preempted run takes to stop.
    pub drain: Span,
    /// Time that it then needs to save, where it does.
    pub save: Span,
    /// Speed of a run that spans several nodes.
    pub spread_rate: Rate,
    /// Rates of training, which decide the speed of runs where they know it.
    pub throughput: Option<Throughput>,
    /// GPU model of the table on which run times were measured; by default what the trace says.
    pub measured_on: Option<String>,
    /// Mean failures of one node in a day.
    pub failures_per_node_day: f64,
    /// Mean time until a broken node is up again.
    pub repair: Span,
    /// From the end of the work until somebody notices.
    pub end_notice: Span,
    /// The end of the work is noticed at multiples of this; zero: at once.
    pub end_round: Span,
    /// Longest round, where the world goes in rounds.
    pub round: Option<Span>,
    /// Whether runs do whole steps in a round.
    pub round_steps: bool,
    /// The settings that were given, as they were given.
    text: Vec<String>,
}

impl Default for Physics {
    fn default() -> Self {
        Self {
            launch: Span::ZERO,
            restart: RestartTimes::of(Span::ZERO),
            restart_owed: false,
            restart_at: RestartAt::Start,
            checkpoints: Checkpoints::Continuous,
            preempt_saves: true,
            drain: Span::ZERO,
            save: Span::ZERO,
            spread_rate: Rate::FULL,
            throughput: None,
            measured_on: None,
            failures_per_node_day: 0.0,
            repair: Span::secs(7200),
            end_notice: Span::ZERO,
            end_round: Span::ZERO,
            round: None,
            round_steps: false,
            text: Vec::new(),
        }
    }
}

/// Tables of throughput, and where they are from.
#[derive(Clone, Debug)]
pub struct Throughput {
    paths: String,
    table: Arc<ThroughputTable>,
}

impl PartialEq for Throughput {
    /// Whether they are from the same files.
    fn eq(&self, other: &Self) -> bool {
        self.paths == other.paths
    }
}

impl Throughput {
    /// Reads the files and folders that `paths` names, joined by `+`.
    fn load(paths: &str) -> Result<Self, TraceError> {
        let list: Vec<&str> = paths.split('+').map(str::trim).collect();
        Ok(Self::of(paths, ThroughputTable::load(&list)?))
    }

    /// A table that was read from `paths`.
    pub fn of(paths: &str, table: ThroughputTable) -> Self {
        Self { paths: paths.to_owned(), table: Arc::new(table) }
    }

    /// The table.
    pub fn table(&self) -> &ThroughputTable {
        &self.table
    }
}

/// What is wrong with a setting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("--set {setting}: {message}")]
pub struct SettingError {
    /// The setting as the user wrote it.
    pub setting: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
}

impl Physics {
    /// Reads `key=value` settings.
    pub fn parse<S: AsRef<str>>(settings: &[S]) -> Result<Self, SettingError> {
        let mut physics = Self::default();
        let given = || settings.iter().map(|setting| setting.as_ref().trim());
        // What is set one by one goes before what a mode sets, wherever it stands.
        for setting in given().filter(|setting| setting.starts_with("physics=")) {
            physics.set_mode(setting)?;
        }
        for setting in given().filter(|setting| !setting.starts_with("physics=")) {
            physics.set(setting)?;
            physics.note(setting)?;
        }
        Ok(physics)
    }

    fn set_mode(&mut self, setting: &str) -> Result<(), SettingError> {
        let name = setting.split_once('=').map_or("", |(_, name)| name);
        let Some((_, values)) = MODES.iter().find(|(mode, _)| *mode == name) else {
            let hint = format!("there are {}", MODES.map(|(mode, _)| mode).join(", "));
            return Err(SettingError { setting: setting.to_owned(), message: "no such physics".to_owned(), hint });
        };
        for value in *values {
            self.set(value)?;
        }
        self.note(setting)
    }

    /// Writes down what was given.
    fn note(&mut self, setting: &str) -> Result<(), SettingError> {
        let key = setting.split('=').next().unwrap_or(setting);
        if self.text.iter().any(|given| given.split('=').next() == Some(key)) {
            let (message, hint) = ("given twice".to_owned(), "give it once".to_owned());
            return Err(SettingError { setting: setting.to_owned(), message, hint });
        }
        self.text.push(setting.to_owned());
        Ok(())
    }

    fn set(&mut self, setting: &str) -> Result<(), SettingError> {
        let fail = |message: &str, hint: &str| SettingError {
            setting: setting.to_owned(),
            message: message.to_owned(),
            hint: hint.to_owned(),
        };
        let keys = || SETTINGS.map(|(key, ..)| key).join(", ");
        let (key, value) = setting.split_once('=').ok_or_else(|| fail("not of the form key=value", &keys()))?;
        let seconds = || {
            let parsed = value.parse().ok().and_then(Span::from_secs_f64);
            parsed.ok_or_else(|| fail("not a number of seconds", "give a number of at least 0"))
        };
        let flag = || value.parse().map_err(|_| fail("neither true nor false", "say true or false"));
        match key {
            "launch_s" => self.launch = seconds()?,
            "restart_s" => {
                let times = RestartTimes::parse(value);
                self.restart = times.ok_or_else(|| {
                    fail(
                        "not a number of seconds",
                        "give a number of at least 0, or seconds by gang such as 1:7+8:30+60",
                    )
                })?;
            }
            "restart_owed" => self.restart_owed = flag()?,
            "end_notice_s" => self.end_notice = seconds()?,
            "end_round_s" => self.end_round = seconds()?,
            "round_s" => {
                let none = || fail("a round takes time", "for a world without rounds leave it out");
                self.round = Some(seconds()?).filter(|round| *round > Span::ZERO).ok_or_else(none).map(Some)?;
            }
            "round_steps" => self.round_steps = flag()?,
            "restart_at" => {
                let at = RestartAt::named(value);
                self.restart_at = at.ok_or_else(|| fail("neither start nor stop", "say start or stop"))?;
            }
            "drain_s" => self.drain = seconds()?,
            "save_s" => self.save = seconds()?,
            "repair_s" => self.repair = seconds()?,
            "checkpoint_s" => {
                self.checkpoints = match value {
                    "none" => Checkpoints::Continuous,
                    "never" => Checkpoints::Never,
                    _ => Checkpoints::every(seconds()?)
                        .ok_or_else(|| fail("no time between checkpoints", "for that say `none`"))?,
                }
            }
            "preempt_saves" => self.preempt_saves = flag()?,
            "spread_penalty" => {
                let penalty = value.parse().ok().filter(|penalty| (0.0..1.0).contains(penalty));
                let penalty: f64 = penalty.ok_or_else(|| fail("not a share", "give a number from 0 to below 1"))?;
                self.spread_rate = Rate::ppm(((1.0 - penalty) * 1e6).round() as u32);
            }
            "throughput" => {
                self.throughput =
                    Some(Throughput::load(value).map_err(|error| {
                        fail(&error.to_string(), error.hint().unwrap_or("give a table of throughput"))
                    })?);
            }
            "measured_on" if value.is_empty() => return Err(fail("no model is named", "name a model of the table")),
            "measured_on" => self.measured_on = Some(value.to_owned()),
            "failures_per_node_day" => {
                let rate = value.parse().ok().filter(|rate| (0.0..=1000.0).contains(rate));
                self.failures_per_node_day = rate.ok_or_else(|| fail("not a rate", "give a number from 0 to 1000"))?;
            }
            _ => return Err(fail("there is no such setting", &format!("known are {}", keys()))),
        }
        Ok(())
    }

    /// Time that a run which was told to stop saves before it does.
    pub fn saving(&self) -> Span {
        if self.preempt_saves { self.save } else { Span::ZERO }
    }

    /// The settings for people: `default`, or what was given.
    pub fn describe(&self) -> String {
        if self.text.is_empty() { "default".to_owned() } else { self.text.join(" ") }
    }

    /// When the end of work that is done at `done` is noticed.
    pub fn noticed(&self, done: Time) -> Time {
        let at = done + self.end_notice;
        if self.end_round == Span::ZERO { at } else { Time(at.0.next_multiple_of(self.end_round.0)) }
    }

    /// Whether seeds change what happens.
    pub fn is_random(&self) -> bool {
        self.failures_per_node_day > 0.0
    }

    /// Speed of a run on these GPUs.
    pub fn rate(&self, placement: &[Slice]) -> Rate {
        let spans = self.spread_rate != Rate::FULL && nodes_spanned(placement) > 1;
        if spans { self.spread_rate } else { Rate::FULL }
    }

    /// Work that is safe when a run stops unasked after `done`, of which `from` was safe when it started.
    pub fn safe(&self, from: Span, done: Span) -> Span {
        match self.checkpoints {
            Checkpoints::Continuous => done,
            Checkpoints::Every(interval) => Span(done.0 - (done - from).0 % interval.0),
            Checkpoints::Never => from,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_and_mistakes_named() {
        let physics = Physics::parse(&["restart_s=30", "checkpoint_s=1800", "spread_penalty=0.25"]).unwrap();
        assert_eq!(physics.restart, RestartTimes::of(Span::secs(30)));
        assert_eq!(physics.spread_rate, Rate::ppm(750_000));
        assert_eq!(physics.describe(), "restart_s=30 checkpoint_s=1800 spread_penalty=0.25");
        assert_eq!(physics.safe(Span::secs(100), Span::secs(4000)), Span::secs(3700));
        let fault = |setting: &str| Physics::parse(&[setting]).unwrap_err().to_string();
        assert_eq!(fault("restart=30"), "--set restart=30: there is no such setting");
        assert_eq!(fault("restart_s=-1"), "--set restart_s=-1: not a number of seconds");
        assert_eq!(Physics::parse(&["restart_at=stop"]).unwrap().restart_at, RestartAt::Stop);
        assert_eq!(fault("restart_at=end"), "--set restart_at=end: neither start nor stop");
        assert_eq!(fault("spread_penalty=1"), "--set spread_penalty=1: not a share");
        assert!(Physics::parse(&["drain_s=1", "drain_s=2"]).is_err());
        assert!(Physics::parse(&["physics=helios", "physics=blox"]).is_err());
        assert_eq!(fault("physics=hellos"), "--set physics=hellos: no such physics");
        assert_eq!(fault("round_s=0"), "--set round_s=0: a round takes time");
    }

    #[test]
    fn a_mode_sets_what_belongs_together_and_single_settings_override_it() {
        let physics = Physics::parse(&["end_notice_s=2", "physics=helios"]).unwrap();
        assert_eq!((physics.restart.of_gang(8000), physics.restart_owed), (Span::secs(30), true));
        assert_eq!(physics.noticed(Time(10)), Time(2_000_010));
        assert_eq!(physics.describe(), "physics=helios end_notice_s=2");
        let physics = Physics::parse(&["physics=blox"]).unwrap();
        assert_eq!([0, 1, 300_000_000].map(|at| physics.noticed(Time(at)).0), [0, 300_000_000, 300_000_000]);
        assert_eq!(Physics::parse(&["physics=gavel"]).unwrap().round, Some(Span::secs(360)));
    }
}
