//! The keys of changes and their values.

use engine::Span;

use super::amount::Amount;
use super::estimates::Errors;
use super::filters;
use super::moment::{Moment, duration_us};
use super::{Change, Changes, Kind, TraceError};
use crate::error::shown;

/// The keys, with what they mean.
const KEYS: [(&str, &str); 16] = [
    ("window", "FROM..TO: only jobs submitted then; time zero moves to FROM"),
    ("sample_jobs", "that many jobs, or that share of them, drawn without replacement"),
    ("sample_tenants", "all jobs of that many tenants, or of that share of them"),
    ("rate", "arrivals that many times as fast"),
    ("load", "arrivals at which the jobs offer this load on `gpus` GPUs"),
    ("gpus", "the GPUs that `load` is meant for"),
    ("stretch", "all times that many times as long"),
    ("shift", "all jobs later by this, or earlier where it begins with -"),
    ("repeat", "that many copies, one after the other"),
    ("cap_gpus", "larger gangs are made this large"),
    ("max_gpus", "larger gangs are left out"),
    ("min_run_s", "jobs that run shorter are left out"),
    ("max_run_s", "jobs that run longer are left out"),
    ("estimates", "estimates of run times by a model of their error"),
    ("seed", "seed of what is drawn by the keys behind it"),
    ("filter", "the filter of a paper, by its name"),
];

/// The keys of changes.
pub(crate) fn keys() -> impl Iterator<Item = &'static str> {
    KEYS.into_iter().map(|(key, _)| key)
}

/// Whether `key` is the key of a change.
pub(crate) fn is_key(key: &str) -> bool {
    keys().any(|known| known == key)
}

/// A key and its value.
struct Pair<'a> {
    place: &'a str,
    key: &'a str,
    value: &'a str,
}

impl Changes {
    /// The keys that may stand in brackets behind a trace, with what they mean.
    pub fn keys() -> impl Iterator<Item = (&'static str, &'static str)> {
        KEYS.into_iter()
    }

    /// Reads pairs of key and value.
    pub(crate) fn parse(place: &str, pairs: &[(String, String)]) -> Result<Self, TraceError> {
        let gpus = pairs.iter().find(|(key, _)| key == "gpus").map(|(key, value)| Pair { place, key, value });
        if let Some(pair) = gpus.as_ref().filter(|_| !pairs.iter().any(|(key, _)| key == "load")) {
            let error =
                TraceError::new(pair.place, "`gpus` says for how many GPUs `load` is meant, and there is no `load`");
            return Err(error.in_field("gpus").with_hint("write load=0.9,gpus=64, or cap_gpus=64, or max_gpus=64"));
        }
        let gpus = gpus.map(|pair| pair.count(u32::MAX / 1000)).transpose()?;
        let (mut list, mut seed): (Vec<Change>, u64) = (Vec::new(), 1);
        for (key, value) in pairs {
            let pair = Pair { place, key, value };
            match key.as_str() {
                "gpus" => {}
                "seed" => seed = value.parse().map_err(|_| pair.bad("a whole number of at least 0"))?,
                _ => {
                    let kind = pair.kind(gpus)?;
                    let text = kind.text(key, value, seed);
                    list.push(Change { written: format!("{key}={value}"), text, seed, kind });
                }
            }
        }
        Ok(Self { list })
    }
}

impl Kind {
    /// The change as it may be written again.
    fn text(&self, key: &str, value: &str, seed: u64) -> String {
        let drawn = match self {
            Self::SampleJobs(_) | Self::SampleTenants(_) => true,
            Self::Estimates(errors) => !matches!(errors, Errors::None | Errors::Exact),
            _ => false,
        };
        match self {
            Self::Load { gpus, .. } => format!("{key}={value},gpus={gpus}"),
            _ if drawn => format!("{key}={value},seed={seed}"),
            _ => format!("{key}={value}"),
        }
    }
}

impl Pair<'_> {
    fn kind(&self, gpus: Option<u32>) -> Result<Kind, TraceError> {
        const GPUS_MAX: u32 = u32::MAX / 1000;
        Ok(match self.key {
            "window" => self.window()?,
            "sample_jobs" => Kind::SampleJobs(self.amount()?),
            "sample_tenants" => Kind::SampleTenants(self.amount()?),
            "rate" => Kind::Rate(self.factor()?),
            "load" => {
                let error = || TraceError::new(self.place, "a load needs to know for how many GPUs").in_field(self.key);
                let load = self.factor()?;
                let gpus = gpus.ok_or_else(|| error().with_hint("write load=0.9,gpus=64; or rate=1.2 for a rate"))?;
                Kind::Load { load, gpus }
            }
            "stretch" => Kind::Stretch(self.factor()?),
            "shift" => self.shift()?,
            "repeat" => Kind::Repeat(self.count(1_000_000)?),
            "cap_gpus" => Kind::CapGpus(self.count(GPUS_MAX)?),
            "max_gpus" => Kind::MaxGpus(self.count(GPUS_MAX)?),
            "min_run_s" => Kind::MinRun(self.span()?),
            "max_run_s" => Kind::MaxRun(self.span()?),
            "estimates" => Kind::Estimates(Errors::parse(self.value).ok_or_else(|| self.bad(Errors::WANTED))?),
            "filter" => filters::named(self.place, self.value)?,
            _ => {
                let error = TraceError::new(self.place, "no such key").in_field(shown(self.key));
                return Err(error.with_hint(format!("the keys are {}", keys().collect::<Vec<_>>().join(", "))));
            }
        })
    }

    fn bad(&self, wanted: &str) -> TraceError {
        let error = TraceError::new(self.place, format!("`{}` is not {wanted}", shown(self.value)));
        error.in_field(self.key).with_hint(format!("write {}=VALUE with {wanted}", self.key))
    }

    fn window(&self) -> Result<Kind, TraceError> {
        let bad = || self.bad(Moment::WANTED);
        let (from, to) = self.value.split_once("..").ok_or_else(bad)?;
        let end = |text: &str| Moment::parse(text.trim()).ok_or_else(bad);
        Ok(Kind::Window(end(from)?, end(to)?))
    }

    fn amount(&self) -> Result<Amount, TraceError> {
        Amount::parse(self.value).ok_or_else(|| self.bad(Amount::WANTED))
    }

    fn factor(&self) -> Result<f64, TraceError> {
        let factor = self.value.parse::<f64>().ok().filter(|factor| (1e-6..=1e6).contains(factor));
        factor.ok_or_else(|| self.bad("a number above 0, at most 1000000"))
    }

    fn count(&self, max: u32) -> Result<u32, TraceError> {
        let count = self.value.parse().ok().filter(|count| (1..=max).contains(count));
        count.ok_or_else(|| self.bad(&format!("a whole number from 1 to {max}")))
    }

    fn span(&self) -> Result<Span, TraceError> {
        duration_us(self.value).map(Span).ok_or_else(|| self.bad("a number of seconds, or a time such as 10m"))
    }

    fn shift(&self) -> Result<Kind, TraceError> {
        let (back, text) = match self.value.strip_prefix('-') {
            Some(text) => (true, text),
            None => (false, self.value.strip_prefix('+').unwrap_or(self.value)),
        };
        let us = duration_us(text)
            .and_then(|us| i64::try_from(us).ok())
            .ok_or_else(|| self.bad("a time such as 6h or -6h"))?;
        Ok(Kind::Shift(if back { -us } else { us }))
    }
}
