//! Amounts in the notations of Slurm: TRES and GRES lists, memory, spans of time.

use std::collections::BTreeMap;

use crate::decimal::{self, Flaw};

/// What a list of trackable resources says about a job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Amounts {
    /// GPUs over all nodes.
    pub(super) gpus: u64,
    /// GPUs by model, where the list says models.
    pub(super) models: BTreeMap<String, u64>,
    pub(super) cpus: Option<u64>,
    pub(super) memory_mib: Option<u64>,
    pub(super) nodes: Option<u64>,
    /// It has parts of GPUs (`gres/shard`, `gres/mps`), whose size only the cluster knows.
    pub(super) parts: bool,
}

impl Amounts {
    /// Adds GPUs of a model. A sum that no number holds stays at the largest, which is too large for a job.
    fn add(&mut self, model: &str, gpus: u64) {
        let sum = self.models.entry(model.to_owned()).or_default();
        *sum = sum.saturating_add(gpus);
    }
}

/// Reads a TRES list such as `cpu=8,mem=64G,node=2,billing=8,gres/gpu=16,gres/gpu:a100=16`.
pub(super) fn tres(text: &str) -> Result<Amounts, Flaw> {
    let mut amounts = Amounts::default();
    let mut total = None;
    for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        let (name, value) = item.split_once('=').ok_or(Flaw::Garbage)?;
        match name {
            "cpu" => amounts.cpus = Some(whole(value)?),
            "mem" => amounts.memory_mib = Some(memory_mib(value)?),
            "node" => amounts.nodes = Some(whole(value)?),
            "gres/gpu" => total = Some(whole(value)?),
            "gres/shard" | "gres/mps" => amounts.parts |= whole(value)? > 0,
            _ => {
                if let Some(model) = name.strip_prefix("gres/gpu:") {
                    amounts.add(model, whole(value)?);
                }
            }
        }
    }
    amounts.models.retain(|_, gpus| *gpus > 0);
    amounts.gpus = total.unwrap_or_else(|| amounts.models.values().fold(0, |sum, gpus| sum.saturating_add(*gpus)));
    Ok(amounts)
}

/// Reads a list of generic resources as Slurm wrote it before 21.08: `gpu:4`, `gpu:a100:4(S:0-1)`, `PER_NODE:gpu:2`.
/// The counts are over all nodes (`gres_alloc` and `gres_req` in `slurmctld.h`), but for `PER_NODE`.
pub(super) fn gres(text: &str, nodes: u64) -> Result<Amounts, Flaw> {
    let mut amounts = Amounts::default();
    for item in text.split(',').map(|item| item.split('(').next().unwrap_or_default().trim()) {
        let (item, times) = match item.strip_prefix("PER_NODE:") {
            Some(item) => (item, nodes.max(1)),
            None => (item.strip_prefix("PER_JOB:").unwrap_or(item), 1),
        };
        let item = item.strip_prefix("gres:").or_else(|| item.strip_prefix("gres/")).unwrap_or(item);
        let mut words = item.split([':', '=']);
        match words.next() {
            Some("gpu") => {}
            Some("shard" | "mps") => {
                amounts.parts = true;
                continue;
            }
            _ => continue,
        }
        let words: Vec<&str> = words.collect();
        let (model, count) = match words.as_slice() {
            [] => (None, 1),
            [one] => whole(one).map_or((Some(*one), 1), |count| (None, count)),
            [model, count] => (Some(*model), whole(count)?),
            _ => return Err(Flaw::Garbage),
        };
        let count = count.saturating_mul(times);
        amounts.gpus = amounts.gpus.saturating_add(count);
        if let Some(model) = model.filter(|_| count > 0) {
            amounts.add(model, count);
        }
    }
    Ok(amounts)
}

/// A whole number of at least 0.
pub(super) fn whole(text: &str) -> Result<u64, Flaw> {
    match decimal::scaled(text, 0)? {
        number if number.rounded => Err(Flaw::Fraction),
        number => Ok(number.value),
    }
}

/// Memory such as `64G`, `1.50T` or `4000M` in MiB, to the nearest; without a unit it is MiB.
pub(super) fn memory_mib(text: &str) -> Result<u64, Flaw> {
    let text = text.trim();
    let (number, kib) = match text.chars().last().map(|c| c.to_ascii_uppercase()) {
        Some('K') => (&text[..text.len() - 1], 1),
        Some('M') => (&text[..text.len() - 1], 1 << 10),
        Some('G') => (&text[..text.len() - 1], 1 << 20),
        Some('T') => (&text[..text.len() - 1], 1 << 30),
        Some('P') => (&text[..text.len() - 1], 1u64 << 40),
        _ => (text, 1 << 10),
    };
    let parts = u128::from(decimal::scaled(number, 6)?.value) * u128::from(kib);
    u64::try_from((parts + 512_000_000) / 1_024_000_000).map_err(|_| Flaw::TooLarge)
}

/// What a request for memory is for: `64Gn` a node, `4000Mc` a CPU; without a letter, since 21.08, the whole job.
pub(super) fn requested_mib(text: &str, nodes: u64, cpus: u64) -> Result<u64, Flaw> {
    let text = text.trim();
    let (text, times) = match text.strip_suffix('n') {
        Some(text) => (text, nodes),
        None => text.strip_suffix('c').map_or((text, 1), |text| (text, cpus)),
    };
    memory_mib(text)?.checked_mul(times).ok_or(Flaw::TooLarge)
}

/// A span such as `1-02:03:04`, `02:03:04` or `03:04` in microseconds.
pub(super) fn span_us(text: &str) -> Result<u64, Flaw> {
    let text = text.trim();
    let (days, clock) = match text.split_once('-') {
        Some((days, clock)) => (plain(days)?, clock),
        None => (0, text),
    };
    let parts: Vec<&str> = clock.split(':').collect();
    let (hours, minutes, seconds) = match parts.as_slice() {
        [hours, minutes, seconds] => (plain(hours)?, plain(minutes)?, *seconds),
        [minutes, seconds] if days == 0 => (0, plain(minutes)?, *seconds),
        _ => return Err(Flaw::Garbage),
    };
    let seconds = decimal::scaled(seconds, 6)?.value;
    if seconds >= 60_000_000 || parts.len() == 3 && minutes >= 60 {
        return Err(Flaw::Garbage);
    }
    let minutes = days.checked_mul(1440).and_then(|sum| sum.checked_add(hours.checked_mul(60)?)?.checked_add(minutes));
    let micros = minutes.and_then(|minutes| minutes.checked_mul(60_000_000)?.checked_add(seconds));
    micros.filter(|micros| i64::try_from(*micros).is_ok()).ok_or(Flaw::TooLarge)
}

/// Digits and nothing else.
fn plain(text: &str) -> Result<u64, Flaw> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Flaw::Garbage);
    }
    text.parse().map_err(|_| Flaw::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        let found = tres("cpu=8,mem=64G,node=2,billing=8,energy=9,gres/gpu=16,gres/gpu:a100=16,gres/gpumem=5").unwrap();
        assert_eq!((found.gpus, found.cpus, found.memory_mib, found.nodes), (16, Some(8), Some(65_536), Some(2)));
        assert_eq!(found.models.into_iter().collect::<Vec<_>>(), [("a100".to_owned(), 16)]);
        assert_eq!(tres("gres/gpu:a=2,gres/gpu:b=3").unwrap().gpus, 5);
        assert!(tres("cpu=1,gres/shard=2").unwrap().parts);
        let most = i64::MAX;
        let huge = format!("gres/gpu:a={most},gres/gpu:a={most},gres/gpu:a={most}");
        assert_eq!(tres(&huge).unwrap().gpus, u64::MAX);
        assert_eq!(gres(&format!("gpu:a:{most},gpu:a:{most},gpu:a:{most}"), 1).unwrap().gpus, u64::MAX);
        assert_eq!(
            (tres(""), tres("cpu"), tres("cpu=x")),
            (Ok(Amounts::default()), Err(Flaw::Garbage), Err(Flaw::Garbage))
        );
        let gpus = |text: &str| gres(text, 3).map(|found| (found.gpus, found.models.len()));
        assert_eq!(
            (gpus("gpu:4"), gpus("gpu:a100:4(S:0-1)"), gpus("gpu"), gpus("gpu:a100")),
            (Ok((4, 0)), Ok((4, 1)), Ok((1, 0)), Ok((1, 1)))
        );
        assert_eq!(
            (gpus("PER_NODE:gpu:2"), gpus("craynetwork:1,gpu:2"), gpus("")),
            (Ok((6, 0)), Ok((2, 0)), Ok((0, 0)))
        );
        assert_eq!(gpus("gpu:a:b:c"), Err(Flaw::Garbage));
    }

    #[test]
    fn memory() {
        assert_eq!((memory_mib("64G"), memory_mib("1.50T"), memory_mib("512K")), (Ok(65_536), Ok(1_572_864), Ok(1)));
        assert_eq!((memory_mib("100"), memory_mib("0"), memory_mib("G")), (Ok(100), Ok(0), Err(Flaw::Empty)));
        assert_eq!(
            (requested_mib("2Gn", 3, 8), requested_mib("100Mc", 3, 8), requested_mib("2G", 3, 8)),
            (Ok(6144), Ok(800), Ok(2048))
        );
    }

    #[test]
    fn spans() {
        assert_eq!(
            (span_us("1-00:00:01"), span_us("02:03:04"), span_us("03:04")),
            (Ok(86_401_000_000), Ok(7_384_000_000), Ok(184_000_000))
        );
        assert_eq!(span_us("00:00:01.5"), Ok(1_500_000));
        for text in ["", "5", "1-", "1:2:3:4", "01:60:00", "00:00:60", "-1:00:00", "x:00:00"] {
            assert!(span_us(text).is_err(), "{text}");
        }
        assert_eq!(span_us("99999999999999-00:00:00"), Err(Flaw::TooLarge));
    }
}
