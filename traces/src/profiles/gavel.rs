//! Throughput tables of Gavel (Narayanan et al., OSDI 2020) and Shockwave (Zheng et al., NSDI 2023).
//!
//! JSON: `{worker type: {job: {"null": alone, other job: [this, other]}}}`. A rate is training steps of the whole gang
//! a second. A job is the text of a Python tuple, `('ResNet-18 (batch size 32)', 2)`: kind of job and scale factor
//! (GPUs). The batch size counts samples on each GPU. Older tables have the kind alone: one GPU.
//!
//! A worker type that ends with `_unconsolidated` is the same GPU model with the gang on several nodes; without the
//! ending the gang is on one. A list of two is space sharing on the same GPUs: the rate of this job, that of the other.
//! The published tables give each pair in both directions. 0: the job or the pair does not fit there, or, for pairs,
//! was never run; it is kept as 0.
//!
//! Upstream: <https://github.com/stanford-futuredata/gavel> (`scheduler/*_throughputs.json`),
//! <https://github.com/uw-mad-dash/shockwave>, both MIT.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::ThroughputTable;
use super::entries::{Key, Spread};
use super::query::{JobTypeId, Neighbour};
use crate::error::{TraceError, shown};

pub(crate) mod key;

/// Ending of the worker types whose gangs are on several nodes.
const UNCONSOLIDATED: &str = "_unconsolidated";
/// The key of the rate alone.
const ALONE: &str = "null";

/// Whether a text looks like such a table: an object of objects of objects, in which a job runs alone.
pub(super) fn fits(text: &str) -> bool {
    let mut rest = text;
    for _ in 0..3 {
        let Some(inner) = rest.trim_start().strip_prefix('{') else { return false };
        rest = inner.split_once("\":").map_or("", |(_, value)| value);
    }
    text.contains("\"null\"")
}

/// A JSON object in the order of the file, with keys that stand twice.
struct Ordered<T>(Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Pairs<T> {
            type Value = Ordered<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Ordered(pairs))
            }
        }
        deserializer.deserialize_map(Pairs(std::marker::PhantomData))
    }
}

type Jobs = Ordered<Ordered<Value>>;

/// Reads a table.
pub(super) fn read(table: &mut ThroughputTable, file: &str, text: &str) -> Result<(), TraceError> {
    let workers: Ordered<Jobs> = serde_json::from_str(text).map_err(|error| broken(file, &error))?;
    for (worker, jobs) in &workers.0 {
        let (model, spread) = match worker.strip_suffix(UNCONSOLIDATED) {
            Some(model) => (model, Spread::SeveralNodes),
            None => (worker.as_str(), Spread::OneNode),
        };
        if model.trim().is_empty() {
            let error = TraceError::new(file, "the worker type has no name").in_field(shown(worker));
            return Err(error.with_hint("name a GPU model such as v100"));
        }
        let model = table.add_model(model).0;
        Reader { table: &mut *table, file, worker, model, spread, others: Vec::new() }.read(jobs)?;
    }
    Ok(())
}

fn broken(file: &str, error: &serde_json::Error) -> TraceError {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or(&text);
    let error = TraceError::new(file, format!("the JSON is broken: {}", shown(what))).at_line(error.line() as u64);
    error.with_hint("the form is {worker type: {job: {\"null\": rate, other job: [rate, rate]}}}")
}

/// Reads the jobs of one worker type.
struct Reader<'a> {
    table: &'a mut ThroughputTable,
    file: &'a str,
    worker: &'a str,
    model: u32,
    spread: Spread,
    /// The other direction of pairs, as their first job tells it.
    others: Vec<(Key, f64)>,
}

impl Reader<'_> {
    fn read(mut self, jobs: &Jobs) -> Result<(), TraceError> {
        for (job, rates) in &jobs.0 {
            let this = self.job(job)?;
            for (other, value) in &rates.0 {
                self.table.ledger.rows += 1;
                if other == ALONE {
                    let rate = self.rate(value, &[job])?;
                    let key = self.key(this, 0);
                    self.table.add(key, rate);
                } else {
                    self.pair(this, job, other, value)?;
                }
            }
        }
        for (key, rate) in std::mem::take(&mut self.others) {
            match self.table.entry(&key) {
                None => {
                    self.table.ledger.change_row("a pair given in one direction only: read in both");
                    self.table.set(key, rate);
                }
                Some(own) if own.total_cmp(&rate).is_eq() => {}
                Some(_) => self.table.ledger.change_row("the two directions of a pair differ: each job's own is kept"),
            }
        }
        Ok(())
    }

    fn pair(&mut self, this: Neighbour, job: &str, other: &str, value: &Value) -> Result<(), TraceError> {
        let path = [job, other];
        let beside = self.job(other)?;
        let Some([own, others]) = value.as_array().map(Vec::as_slice) else {
            let error = self.error(&path, "a pair of jobs needs a list of two rates");
            return Err(error.with_hint("write [rate of this job, rate of the other]"));
        };
        let (own, others) = (self.rate(own, &path)?, self.rate(others, &path)?);
        let (key, mirror) = (self.beside(this, beside), self.beside(beside, this));
        self.table.add(key, own);
        if key != mirror || own.total_cmp(&others).is_ne() {
            self.others.push((mirror, others));
        }
        Ok(())
    }

    fn job(&mut self, text: &str) -> Result<Neighbour, TraceError> {
        let Some((name, gpus)) = key::job(text) else {
            let error = self.error(&[text], "this is not the key of a job");
            return Err(error.with_hint("write ('KIND', GPUS), such as ('ResNet-18 (batch size 32)', 2)"));
        };
        let JobTypeId(job_type) = self.table.add_job_type(key::job_type(&name));
        Ok(Neighbour { job_type: JobTypeId(job_type), gpus })
    }

    fn key(&self, job: Neighbour, beside: u32) -> Key {
        Key { job_type: job.job_type.0, model: self.model, gpus: job.gpus, spread: self.spread, beside }
    }

    fn beside(&mut self, job: Neighbour, other: Neighbour) -> Key {
        let beside = self.table.add_neighbour(other);
        self.key(job, beside)
    }

    fn rate(&self, value: &Value, path: &[&str]) -> Result<f64, TraceError> {
        match value.as_f64() {
            Some(rate) if rate.is_finite() && rate >= 0.0 => Ok(rate),
            _ => {
                let error = self.error(path, format!("`{}` is not a rate", shown(&value.to_string())));
                Err(error.with_hint("write steps a second, a number of at least 0"))
            }
        }
    }

    fn error(&self, path: &[&str], message: impl Into<String>) -> TraceError {
        let path: Vec<String> = std::iter::once(self.worker).chain(path.iter().copied()).map(shown).collect();
        TraceError::new(self.file, message).in_field(path.join(" / "))
    }
}
