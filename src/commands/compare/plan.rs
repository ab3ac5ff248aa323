//! What is to be compared: the experiment file, where there is one, and the options, which go before it.

use std::path::PathBuf;

use traces::TraceError;

use crate::cli::{CompareArgs, Load, Resample, Window};
use crate::error::Error;
use crate::experiment_file::{ExperimentFile, is_experiment};

/// Most seeds.
const SEEDS_MAX: u64 = 100_000;
/// Most threads.
const THREADS_MAX: usize = 4096;

/// What is to be compared.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) trace: String,
    pub(super) cluster: String,
    pub(super) policies: Vec<String>,
    pub(super) seeds: Vec<u64>,
    pub(super) loads: Vec<f64>,
    /// 0 for as many as there are cores.
    pub(super) threads: usize,
    pub(super) settings: Vec<String>,
    pub(super) tenants: Option<PathBuf>,
    pub(super) quotas: Option<PathBuf>,
    pub(super) expect: Option<String>,
    pub(super) resample: Option<Resample>,
    pub(super) window: Option<Window>,
    pub(super) out: PathBuf,
}

impl Plan {
    /// Puts file and options together.
    pub(super) fn of(args: CompareArgs) -> Result<Self, Error> {
        let subject = args.subject;
        let from_file = is_experiment(&subject);
        let file = if from_file {
            ExperimentFile::read(&subject)?
        } else {
            ExperimentFile { trace: Some(subject.clone()), ..ExperimentFile::default() }
        };
        let missing = |key: &str, option: &str| missing(from_file.then_some(subject.as_str()), key, option);
        let policies = if args.policies.is_empty() { file.policies } else { args.policies };
        if policies.is_empty() {
            return Err(missing("policies", "--policy POLICY"));
        }
        let loads = if args.loads.is_empty() { file.loads } else { args.loads };
        Ok(Self {
            trace: file.trace.ok_or_else(|| missing("trace", "a trace instead of the file"))?,
            cluster: args.cluster.or(file.cluster).ok_or_else(|| missing("cluster", "--cluster CLUSTER"))?,
            policies,
            seeds: seeds(args.seed.or(file.seed).unwrap_or(1), args.seeds.or(file.seeds).unwrap_or(1))?,
            loads: distinct_loads(&loads)?,
            threads: threads(args.threads.or(file.threads))?,
            settings: settings(file.set, args.world.set),
            tenants: args.world.tenants.or(file.tenants),
            quotas: args.world.quotas.or(file.quotas),
            expect: args.world.expect.or(file.expect),
            resample: args.resample.or(file.resample),
            window: args.window.or(file.window),
            out: args.out.or(file.out).ok_or_else(|| missing("out", "--out DIR"))?,
        })
    }
}

/// Neither the file nor an option says it.
fn missing(file: Option<&str>, key: &str, option: &str) -> Error {
    let Some(file) = file else {
        return Error::input(format!("{option} is missing"), "`trainyard compare --help` has examples");
    };
    let hint = format!("add a line `{key} = ...`, or give {option}");
    TraceError::new(file, "the key is missing").in_field(key).with_hint(hint).into()
}

pub(in crate::commands) fn seeds(base: u64, count: u64) -> Result<Vec<u64>, Error> {
    if !(1..=SEEDS_MAX).contains(&count) {
        return Err(Error::input(format!("{count} seeds"), format!("ask for 1 to {SEEDS_MAX}")));
    }
    let last = base.checked_add(count - 1).ok_or_else(|| Error::input("the seeds are too large", "lower --seed"))?;
    Ok((base..=last).collect())
}

fn distinct_loads(loads: &[Load]) -> Result<Vec<f64>, Error> {
    let mut distinct: Vec<f64> = Vec::new();
    for Load(load) in loads {
        if distinct.iter().any(|known| known.total_cmp(load).is_eq()) {
            return Err(Error::input(format!("load {load} is given twice"), "give each load once"));
        }
        distinct.push(*load);
    }
    if distinct.is_empty() {
        distinct.push(1.0);
    }
    Ok(distinct)
}

pub(in crate::commands) fn threads(threads: Option<usize>) -> Result<usize, Error> {
    match threads {
        None => Ok(0),
        Some(threads) if (1..=THREADS_MAX).contains(&threads) => Ok(threads),
        Some(threads) => Err(Error::input(format!("{threads} threads"), format!("ask for 1 to {THREADS_MAX}"))),
    }
}

/// The settings of the file that no option changes, then those of the options.
fn settings(file: Vec<String>, options: Vec<String>) -> Vec<String> {
    let key = |setting: &str| setting.split('=').next().unwrap_or(setting).trim().to_owned();
    let changed: Vec<String> = options.iter().map(|setting| key(setting)).collect();
    file.into_iter().filter(|setting| !changed.contains(&key(setting))).chain(options).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_go_before_the_file() {
        let file = ["restart_s=30", "drain_s=1"].map(str::to_owned).to_vec();
        assert_eq!(settings(file, vec!["restart_s=5".to_owned()]), ["drain_s=1", "restart_s=5"]);
    }

    #[test]
    fn seeds_are_counted_from_the_base() {
        assert_eq!(seeds(7, 3).unwrap(), [7, 8, 9]);
        assert!(seeds(1, 0).is_err() && seeds(u64::MAX, 2).is_err());
        assert_eq!(seeds(u64::MAX, 1).unwrap(), [u64::MAX]);
    }
}
