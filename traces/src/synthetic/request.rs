//! The text `NAME[key=value,...]` that asks for a generated trace.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::{Drawing, Model, models, read_model};
use crate::bytes;
use crate::error::{TraceError, shown};
use crate::similar::nearest;
use crate::source::unknown_key;
use crate::transform::{self, Changes, Errors};

/// Keys that a request may set.
const KEYS: [&str; 8] = ["jobs", "load", "seed", "gpus", "max_gpus", "max_hours", "estimates", "draw"];

/// What to generate.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The statistics.
    pub model: Arc<Model>,
    /// Its name, or the path of its file, as it was written.
    pub name: String,
    /// Number of jobs, 1 to 10 million; by default 5,000.
    pub jobs: u32,
    /// Offered load: GPU-time of all jobs over GPU-time of the cluster between first and last arrival; default 0.9.
    pub load: f64,
    /// Seed of everything that is drawn; default 1.
    pub seed: u64,
    /// GPUs of the cluster for which the load is meant; each model has its own default.
    pub gpus: u32,
    /// Larger gangs are never drawn; by default as large as the cluster.
    pub max_gpus: u32,
    /// Longer run times are drawn again, in hours; by default the longest of the model's source.
    pub max_hours: Option<f64>,
    /// What users say about run times.
    pub estimates: Estimates,
    /// How the mix is drawn.
    pub drawing: Drawing,
    /// What is done to the jobs afterwards; the seed of the request is theirs, too.
    pub changes: Changes,
}

/// What users say about run times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Estimates {
    /// What the model says; only where it says something.
    Model,
    /// A model of their error.
    By(Errors),
}

impl Request {
    /// A request with every default of `model`.
    pub fn new(model: &Arc<Model>) -> Self {
        let estimates = if model.estimates.is_some() { Estimates::Model } else { Estimates::By(Errors::Inflated) };
        Self {
            model: Arc::clone(model),
            name: model.name.clone(),
            jobs: 5000,
            load: 0.9,
            seed: 1,
            gpus: model.cluster_gpus,
            max_gpus: model.cluster_gpus,
            max_hours: None,
            estimates,
            drawing: Drawing::Even,
            changes: Changes::default(),
        }
    }

    /// Reads `NAME` or `NAME[key=value,...]`.
    pub fn parse(text: &str) -> Result<Self, TraceError> {
        let place = format!("synthetic:{}", shown(text));
        let (name, body) = split(text.trim()).ok_or_else(|| {
            TraceError::new(&place, "the brackets do not match").with_hint("write synthetic:NAME[key=value,...]")
        })?;
        let mut request = Self { name: name.to_owned(), ..Self::new(&model(&place, name)?) };
        let mut set: Vec<&str> = Vec::new();
        let mut changes: Vec<(String, String)> = Vec::new();
        for pair in body.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (key, value) = (key.trim(), value.trim());
            if !KEYS.contains(&key) && transform::is_key(key) {
                changes.push((key.to_owned(), value.to_owned()));
                continue;
            }
            if set.contains(&key) {
                return Err(TraceError::new(&place, "the key is given twice")
                    .in_field(shown(key))
                    .with_hint("keep one"));
            }
            request.set(&place, key, value)?;
            set.push(key);
        }
        if !set.contains(&"max_gpus") {
            request.max_gpus = request.gpus;
        }
        if !request
            .model
            .classes
            .iter()
            .flat_map(|class| &class.gangs)
            .any(|gang| gang.0 <= f64::from(request.max_gpus))
        {
            let error = TraceError::new(&place, "the model has no gang that is as small").in_field("max_gpus");
            return Err(error.with_hint("ask for more"));
        }
        changes.insert(0, ("seed".to_owned(), request.seed.to_string()));
        request.changes = Changes::parse(&place, &changes)?;
        Ok(request)
    }

    fn set(&mut self, place: &str, key: &str, value: &str) -> Result<(), TraceError> {
        let bad = |wanted: &str| {
            let message = format!("`{}` is not {wanted}", shown(value));
            TraceError::new(place, message).in_field(key).with_hint(format!("write {key}=VALUE with {wanted}"))
        };
        let positive = |limit: f64| value.parse().ok().filter(|number: &f64| *number > 0.0 && *number <= limit);
        let count = |limit: u32| value.parse().ok().filter(|number| (1..=limit).contains(number));
        match key {
            "jobs" => self.jobs = count(10_000_000).ok_or_else(|| bad("a whole number from 1 to 10000000"))?,
            "load" => self.load = positive(1000.0).ok_or_else(|| bad("a number above 0, at most 1000"))?,
            "seed" => self.seed = value.parse().map_err(|_| bad("a whole number of at least 0"))?,
            "gpus" => self.gpus = count(1_000_000).ok_or_else(|| bad("a whole number from 1 to 1000000"))?,
            "max_gpus" => self.max_gpus = count(1_000_000).ok_or_else(|| bad("a whole number from 1 to 1000000"))?,
            "max_hours" => {
                let hours = positive(1e6).filter(|hours| *hours >= 0.1);
                self.max_hours = Some(hours.ok_or_else(|| bad("a number from 0.1 to 1000000"))?);
            }
            "estimates" if value == "model" && self.model.estimates.is_some() => self.estimates = Estimates::Model,
            "estimates" => self.estimates = Estimates::By(Errors::parse(value).ok_or_else(|| bad(Errors::WANTED))?),
            "draw" => {
                self.drawing = match value {
                    "even" => Drawing::Even,
                    "random" => Drawing::Random,
                    _ => return Err(bad("`even` or `random`")),
                }
            }
            _ => return Err(unknown_key(place, key, keys)),
        }
        Ok(())
    }
}

/// Name and what stands in the brackets.
fn split(text: &str) -> Option<(&str, &str)> {
    match text.split_once('[') {
        None if text.contains(']') => None,
        None => Some((text, "")),
        Some((name, rest)) => {
            rest.strip_suffix(']').filter(|body| !body.contains(['[', ']'])).map(|body| (name.trim(), body))
        }
    }
}

/// The model of that name, or in that file.
fn model(place: &str, name: &str) -> Result<Arc<Model>, TraceError> {
    if let Some(model) = models().iter().find(|model| model.name == name) {
        return Ok(Arc::clone(model));
    }
    if Path::new(name).extension().is_some_and(|extension| extension == "toml") {
        let read = bytes::read_file(name)?;
        return read_model(name, bytes::text(name, &read)?).map(Arc::new);
    }
    let names = || models().iter().map(|model| model.name.as_str());
    let hint = match nearest(name, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            format!("the models are {}; or name the file of a model, FILE.toml", names().collect::<Vec<_>>().join(", "))
        }
    };
    Err(TraceError::new(place, format!("no model is called `{}`", shown(name))).with_hint(hint))
}

/// The keys of a request: those of the model, and those of changes.
fn keys() -> impl Iterator<Item = &'static str> {
    KEYS.into_iter().chain(transform::keys().filter(|key| !KEYS.contains(key)))
}

impl fmt::Display for Request {
    /// The full text, with every default written out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, jobs, load, seed, gpus, max_gpus, max_hours, estimates, drawing, changes, .. } = self;
        write!(f, "synthetic:{name}[jobs={jobs},load={load},seed={seed},gpus={gpus},max_gpus={max_gpus}")?;
        if let Some(hours) = max_hours {
            write!(f, ",max_hours={hours}")?;
        }
        match estimates {
            Estimates::Model => f.write_str(",estimates=model")?,
            Estimates::By(errors) => write!(f, ",estimates={errors}")?,
        }
        if *drawing == Drawing::Random {
            f.write_str(",draw=random")?;
        }
        changes.written().try_for_each(|change| write!(f, ",{change}"))?;
        f.write_str("]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_and_keys() {
        let request = Request::parse("helios").unwrap();
        let text = "synthetic:helios[jobs=5000,load=0.9,seed=1,gpus=1080,max_gpus=1080,estimates=inflated]";
        assert_eq!(request.to_string(), text);
        assert_eq!(Request::parse(text.strip_prefix("synthetic:").unwrap()).unwrap(), request);
        let request = Request::parse("philly[ jobs=10, load=1.5,seed=7,gpus=64,max_hours=24,estimates=none]").unwrap();
        let text = "synthetic:philly[jobs=10,load=1.5,seed=7,gpus=64,max_gpus=64,max_hours=24,estimates=none]";
        assert_eq!(request.to_string(), text);
        let request = Request::parse("philly[rate=2,jobs=10,window=0h..9d]").unwrap();
        assert!(request.to_string().ends_with(",estimates=inflated,rate=2,window=0h..9d]"));
    }

    #[test]
    fn errors() {
        let text = |text: &str| {
            let error = Request::parse(text).unwrap_err();
            format!("{error} | {}", error.hint().unwrap_or_default())
        };
        assert_eq!(text("phily"), "synthetic:phily: no model is called `phily` | did you mean `philly`?");
        assert_eq!(
            text(""),
            "synthetic:: no model is called `` | the models are philly, helios, llm; or name the file \
             of a model, FILE.toml"
        );
        assert_eq!(
            text("philly[job=3]"),
            "synthetic:philly[job=3]: field `job`: no such key | did you mean `jobs`? The keys are jobs, load, seed, gpus, \
             max_gpus, max_hours, estimates, draw, window, sample_jobs, sample_tenants, rate, stretch, shift, repeat, cap_gpus, \
             min_run_s, max_run_s, filter"
        );
        assert_eq!(
            text("philly[jobs=-3]"),
            "synthetic:philly[jobs=-3]: field `jobs`: `-3` is not a whole number from 1 to 10000000 | write jobs=VALUE \
             with a whole number from 1 to 10000000"
        );
        for load in ["0", "-1", "nan", "inf", "x", ""] {
            let error = Request::parse(&format!("llm[load={load}]")).unwrap_err();
            assert_eq!(error.message(), format!("`{load}` is not a number above 0, at most 1000"));
        }
        assert_eq!(
            text("philly[estimates=padded]"),
            "synthetic:philly[estimates=padded]: field `estimates`: `padded` is not `none`, `exact`, `inflated`, \
             `fmodel:F` or `lognormal:SIGMA` | write estimates=VALUE with `none`, `exact`, `inflated`, `fmodel:F` or \
             `lognormal:SIGMA`"
        );
        assert_eq!(
            text("philly[seed=1,seed=2]"),
            "synthetic:philly[seed=1,seed=2]: field `seed`: the key is given twice | keep one"
        );
        for broken in ["philly[jobs=3", "philly]", "philly[[jobs=3]]", "philly[jobs=3]x"] {
            assert_eq!(
                text(broken),
                format!("synthetic:{broken}: the brackets do not match | write synthetic:NAME[key=value,...]")
            );
        }
    }
}
