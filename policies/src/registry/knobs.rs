//! Knobs as the user gave them, checked against those of the policy.

use engine::Span;

use super::{Context, Entry, Knob, Preset, closest, scored};
use crate::easy::Estimates;
use crate::evict::Evict;
use crate::order::Order;
use crate::pipeline::{Behind, Parts};
use crate::place::{Placer, Skewed, Variable};
use crate::spec::{PolicyError, PolicySpec};

/// The key that chooses a published configuration.
const PRESET: &str = "preset";

/// Which nodes.
pub const PLACE: Knob = Knob {
    name: "place",
    default: "best-fit",
    values: "best-fit, worst-fit, first-fit, pack, consolidate, skew[skewed=NAME+NAME], pal, pal[l-across=NUMBER], \
             pm-first, spread, random, fgd, fgd[cover=SHARE,window=N], milp, milp[cover=SHARE,window=N], dot-prod, gpu-clustering, gpu-packing, \
             openb-best-fit, openb-random; the last eight also with seed=N",
    help: "which nodes a gang gets",
};
/// Whether others may pass; by default not.
pub const SKIP_OFF: Knob = Knob {
    name: "skip",
    default: "false",
    values: "true, false",
    help: "whether jobs behind one that does not fit may start",
};
/// Whether others may pass; by default they may.
pub const SKIP_ON: Knob = Knob { default: "true", ..SKIP_OFF };

/// What happens to runs at a decision.
pub(crate) const REPLACE: Knob = Knob {
    name: "replace",
    default: "keep",
    values: "keep, all",
    help: "whether chosen jobs keep their GPUs; all: at each event everything stops and the cluster is filled anew",
};

/// Where run times come from.
pub(crate) const ESTIMATES: Knob = Knob {
    name: "estimates",
    default: "auto",
    values: "auto, users, true",
    help: "where run times come from; auto: the users' where the trace has them, else the true ones",
};

/// The knobs of one policy: those that the user gave, else those of the preset, else the defaults.
pub struct Knobs<'a> {
    spec: &'a PolicySpec,
    entry: &'a Entry,
    preset: Option<&'static Preset>,
    context: Context,
}

impl<'a> Knobs<'a> {
    /// Checks the names of the knobs, and the preset.
    pub(super) fn new(spec: &'a PolicySpec, entry: &'a Entry, context: Context) -> Result<Self, PolicyError> {
        let mut knobs = Self { spec, entry, preset: None, context };
        knobs.check_names()?;
        if let Some(name) = spec.knobs.get(PRESET) {
            let found = entry.presets.iter().find(|preset| preset.name == name);
            knobs.preset = Some(found.ok_or_else(|| {
                let names: Vec<&str> = entry.presets.iter().map(|preset| preset.name).collect();
                knobs.error(format!("it has no preset `{name}`"), format!("it has {}", names.join(", ")))
            })?);
        }
        Ok(knobs)
    }

    fn check_names(&self) -> Result<(), PolicyError> {
        let mut known: Vec<&str> = self.entry.knobs.iter().map(|knob| knob.name).collect();
        if !self.entry.presets.is_empty() {
            known.push(PRESET);
        }
        let Some(unknown) = self.spec.knobs.keys().find(|key| !known.contains(&key.as_str())) else { return Ok(()) };
        let hint = match closest(unknown, &known) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => format!("`{}` has none", self.entry.name),
            None => format!("`{}` has {}", self.entry.name, known.join(", ")),
        };
        Err(self.error(format!("it has no knob `{unknown}`"), hint))
    }

    /// What the policy can count on.
    pub fn context(&self) -> Context {
        self.context
    }

    /// The name of the policy.
    pub fn name(&self) -> &str {
        self.entry.name
    }

    /// An error about this policy.
    pub fn error(&self, message: impl Into<String>, hint: impl Into<String>) -> PolicyError {
        PolicyError::new(&self.spec.to_string(), message, hint)
    }

    /// The text of a knob.
    pub fn text(&self, name: &str) -> &str {
        let default = self.entry.knobs.iter().find(|knob| knob.name == name).map_or("", |knob| knob.default);
        let preset = self.preset.and_then(|preset| preset.knobs.iter().find(|(knob, _)| *knob == name));
        let default = preset.map_or(default, |(_, value)| value);
        self.spec.knobs.get(name).map_or(default, String::as_str)
    }

    /// The error for a value that a knob cannot have.
    pub fn bad_value(&self, name: &str) -> PolicyError {
        let values = self.entry.knobs.iter().find(|knob| knob.name == name).map_or("", |knob| knob.values);
        self.error(format!("knob `{name}` cannot be `{}`", self.text(name)), format!("it takes {values}"))
    }

    /// `true` or `false`.
    pub fn flag(&self, name: &str) -> Result<bool, PolicyError> {
        self.text(name).parse().map_err(|_| self.bad_value(name))
    }

    /// A whole number.
    pub fn count(&self, name: &str) -> Result<u64, PolicyError> {
        self.text(name).parse().map_err(|_| self.bad_value(name))
    }

    /// A finite number of at least 0.
    pub fn number(&self, name: &str) -> Result<f64, PolicyError> {
        let number = self.text(name).parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0);
        number.ok_or_else(|| self.bad_value(name))
    }

    /// A number of at least 0 in thousandths, rounded.
    pub fn milli(&self, name: &str) -> Result<u64, PolicyError> {
        Ok((self.number(name)? * 1000.0).round() as u64)
    }

    /// Numbers joined by `+`; none for an empty text or `none`.
    pub fn numbers(&self, name: &str) -> Result<Vec<f64>, PolicyError> {
        let text = self.text(name);
        if text.is_empty() || text == "none" {
            return Ok(Vec::new());
        }
        let number = |part: &str| part.trim().parse().ok().filter(|n: &f64| n.is_finite() && *n >= 0.0);
        text.split('+').map(|part| number(part).ok_or_else(|| self.bad_value(name))).collect()
    }

    /// Seconds.
    pub fn seconds(&self, name: &str) -> Result<Span, PolicyError> {
        Span::from_secs_f64(self.number(name)?).ok_or_else(|| self.bad_value(name))
    }

    /// Hours.
    pub fn hours(&self, name: &str) -> Result<Span, PolicyError> {
        Span::from_secs_f64(self.number(name)? * 3600.0).ok_or_else(|| self.bad_value(name))
    }

    /// The one of `words` that the knob names.
    pub fn one_of<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<T, PolicyError> {
        let text = self.text(name);
        words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| self.bad_value(name))
    }

    /// What happens behind a job that does not fit: the knob `skip`.
    pub fn skip(&self) -> Result<Behind, PolicyError> {
        Ok(if self.flag("skip")? { Behind::Skip } else { Behind::Blocked })
    }

    /// Whether everything is placed anew at each event: the knob `replace`.
    pub fn replaces_all(&self) -> Result<bool, PolicyError> {
        self.one_of("replace", &[("keep", false), ("all", true)])
    }

    /// Where run times come from: the knob `estimates`.
    pub fn estimates(&self) -> Result<Estimates, PolicyError> {
        match self.text("estimates") {
            "users" => Ok(Estimates::Users),
            "auto" if self.context.estimates => Ok(Estimates::Users),
            "true" | "auto" => Ok(Estimates::True),
            _ => Err(self.bad_value("estimates")),
        }
    }

    /// Which nodes: the knob `place`.
    pub fn placer(&self) -> Result<Placer, PolicyError> {
        let bad = || self.bad_value("place");
        let spec = PolicySpec::parse(self.text("place")).map_err(|_| bad())?;
        if let ("skew", Some(names), 1) = (spec.name.as_str(), spec.knobs.get("skewed"), spec.knobs.len()) {
            let names: Vec<String> = names.split('+').map(|name| name.trim().to_owned()).collect();
            let empty = names.iter().any(String::is_empty);
            return if empty { Err(bad()) } else { Ok(Placer::Skew(Skewed::new(names))) };
        }
        if spec.name == "pal" {
            return across_milli(&spec)
                .map(|across_milli| Placer::Variable(Variable::Pal { across_milli }))
                .ok_or_else(bad);
        }
        if let Some(rule) = scored::rule(of_fgd(&spec.name)) {
            let scored = scored::placer(rule, &spec, self.context.seed).ok_or_else(bad)?;
            return Ok(if spec.name == "milp" { Placer::Milp(scored) } else { Placer::Scored(scored) });
        }
        let seed = match spec.knobs.get("seed") {
            Some(seed) if spec.knobs.len() == 1 => seed.parse().map_err(|_| bad())?,
            None if spec.knobs.is_empty() => self.context.seed,
            _ => return Err(bad()),
        };
        match spec.name.as_str() {
            "random" => Ok(Placer::Random { seed }),
            _ if !spec.knobs.is_empty() => Err(bad()),
            "best-fit" => Ok(Placer::BestFit),
            "worst-fit" => Ok(Placer::WorstFit),
            "first-fit" => Ok(Placer::FirstFit),
            "pack" => Ok(Placer::Pack),
            "consolidate" => Ok(Placer::Consolidate),
            "spread" => Ok(Placer::Spread),
            "pm-first" => Ok(Placer::Variable(Variable::PmFirst)),
            _ => Err(bad()),
        }
    }

    /// The name of the placer, where the policy has one, and the value of one of its own knobs.
    fn placing(&self, knob: &str) -> Option<(String, Option<String>)> {
        let own = of_fgd(self.entry.name);
        if scored::rule(own).is_some() {
            return Some((own.to_owned(), self.spec.knobs.get(knob).cloned()));
        }
        let mut spec = PolicySpec::parse(self.text("place")).ok()?;
        let value = spec.knobs.remove(knob);
        Some((of_fgd(&spec.name).to_owned(), value))
    }

    /// Whether the seed of the context changes what it decides.
    pub(super) fn is_seeded(&self) -> bool {
        let by_lot = |name: &str| name == "random" || scored::rule(name).is_some();
        let placing =
            self.placing("seed").is_some_and(|(name, seed)| seed.is_none_or(|text| text == "auto") && by_lot(&name));
        placing || self.text("model") == "random"
    }

    /// Whether it wants to be told which tasks are to be expected: where `fgd` places, unless it looks at the last jobs
    /// instead, and where the policy has a knob `workload` that is `declared`.
    pub(super) fn expects_workload(&self) -> bool {
        let follows =
            |(name, window): (String, Option<String>)| name == "fgd" && window.is_none_or(|text| text == "none");
        self.placing("window").is_some_and(follows) || self.text("workload") == "declared"
    }

    /// The parts of a pipeline, from the knobs `place` and `skip`.
    pub fn parts(&self, order: impl Order + 'static, evict: Option<Evict>) -> Result<Parts, PolicyError> {
        Ok(Parts { order: Box::new(order), placer: self.placer()?, behind: self.skip()?, evict })
    }
}

/// The placer whose knobs a placer has: `milp` places single tasks as `fgd` does.
fn of_fgd(name: &str) -> &str {
    if name == "milp" { "fgd" } else { name }
}

/// The locality penalty of several nodes of `pal`, in thousandths: from 1 to 100, and 1.5 where it is not given (PAL, SC 2024).
fn across_milli(pal: &PolicySpec) -> Option<u32> {
    let given = match pal.knobs.get("l-across") {
        Some(text) if pal.knobs.len() == 1 => text.parse().ok()?,
        None if pal.knobs.is_empty() => 1.5,
        _ => return None,
    };
    (1.0..=100.0).contains(&given).then(|| (given * 1000.0_f64).round() as u32)
}
