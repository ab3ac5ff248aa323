//! What the simulated world costs: restarts, lost work, slow placements, broken nodes. By default none of it.

use std::sync::Arc;

use engine::placement::nodes_spanned;
use engine::{Rate, Slice, Span};
use traces::TraceError;
use traces::profiles::ThroughputTable;

/// The settings of `--set`, each with its default, values and meaning.
pub const SETTINGS: [(&str, &str, &str); 10] = [
    ("restart_s", "0", "seconds that a run after the first needs before it makes progress"),
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

/// The settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Physics {
    /// Time before a run after the first makes progress.
    pub restart: Span,
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
    /// The settings that were given, as they were given.
    text: Vec<String>,
}

impl Default for Physics {
    fn default() -> Self {
        Self {
            restart: Span::ZERO,
            checkpoints: Checkpoints::Continuous,
            preempt_saves: true,
            drain: Span::ZERO,
            save: Span::ZERO,
            spread_rate: Rate::FULL,
            throughput: None,
            measured_on: None,
            failures_per_node_day: 0.0,
            repair: Span::secs(7200),
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
        for setting in settings {
            physics.set(setting.as_ref().trim())?;
        }
        Ok(physics)
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
        match key {
            "restart_s" => self.restart = seconds()?,
            "drain_s" => self.drain = seconds()?,
            "save_s" => self.save = seconds()?,
            "repair_s" => self.repair = seconds()?,
            "checkpoint_s" => {
                self.checkpoints = match value {
                    "none" => Checkpoints::Continuous,
                    "never" => Checkpoints::Never,
                    _ if seconds()? == Span::ZERO => {
                        return Err(fail("no time between checkpoints", "for that say `none`"));
                    }
                    _ => Checkpoints::Every(seconds()?),
                }
            }
            "preempt_saves" => {
                self.preempt_saves = value.parse().map_err(|_| fail("neither true nor false", "say true or false"))?;
            }
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
        if self.text.iter().any(|given| given.starts_with(&format!("{key}="))) {
            return Err(fail("given twice", "give it once"));
        }
        self.text.push(setting.to_owned());
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
        assert_eq!(physics.restart, Span::secs(30));
        assert_eq!(physics.spread_rate, Rate::ppm(750_000));
        assert_eq!(physics.describe(), "restart_s=30 checkpoint_s=1800 spread_penalty=0.25");
        assert_eq!(physics.safe(Span::secs(100), Span::secs(4000)), Span::secs(3700));
        let fault = |setting: &str| Physics::parse(&[setting]).unwrap_err().to_string();
        assert_eq!(fault("restart=30"), "--set restart=30: there is no such setting");
        assert_eq!(fault("restart_s=-1"), "--set restart_s=-1: not a number of seconds");
        assert_eq!(fault("spread_penalty=1"), "--set spread_penalty=1: not a share");
        assert!(Physics::parse(&["drain_s=1", "drain_s=2"]).is_err());
    }
}
