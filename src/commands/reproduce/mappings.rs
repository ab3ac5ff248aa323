//! What a policy of a peer is called here, with the options that make its peculiarities: the one place to fill in.

use policies::Context;
use simulator::physics::Physics;

/// A policy of ours with the physics of the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ours {
    /// As `--policy` takes it, but for `{samples}`.
    pub(crate) policy: String,
    /// As `--set` takes them.
    pub(crate) settings: Vec<String>,
}

/// What stands beside a policy of a peer.
enum Means {
    /// The policy and the physics that are the same.
    Same(&'static str, &'static [&'static str]),
    /// The peer's results are not to be trusted, or cannot be had again, for this reason.
    Not(&'static str),
}

use Means::{Not, Same};

/// What stands in a policy for the values of a file.
pub(crate) const SAMPLES: &str = "{samples}";

/// Results of Tiresias' simulator that are known to be broken.
const LOSES_JOBS: Means = Not("the peer loses jobs without a word when it preempts on nodes (scheme yarn)");
/// Policies that need an allocation from a linear program.
const NEEDS_LP: Means = Not("its allocation comes from a linear program, which is not built yet");
/// Policies that draw.
const DRAWS: Means = Not("the peer draws GPU types by lot: its draws cannot be had again");

/// Family, variant (scheme, placer, kind of cluster), name of the peer; `*` is any, `{n}` a number. `{samples}` of a policy
/// stands for the values of a file that the family names. Where several rows fit, the first that this build knows counts.
#[rustfmt::skip]
static MAPPINGS: &[(&str, &str, &str, Means)] = &[
    ("tiresias", "count", "fifo", Same("fifo", &[])),
    ("tiresias", "yarn", "fifo", Same("fifo[place=first-fit]", &[])),
    ("tiresias", "count", "fjf", Same("fifo[skip=true]", &[])),
    ("tiresias", "yarn", "fjf", Same("fifo[place=first-fit,skip=true]", &[])),
    ("tiresias", "count", "sjf", Same("smallest-gang[preset=artifact]", &[])),
    ("tiresias", "count", "shortest", Same("srtf[replace=all]", &[])),
    ("tiresias", "count", "shortest-gpu", Same("srsf[replace=all]", &[])),
    ("tiresias", "count", "dlas", Same("tiresias[preset=nsdi19,replace=all,service=time,wake=artifact]", &[])),
    ("tiresias", "count", "dlas-gpu", Same("tiresias[preset=nsdi19,replace=all,wake=artifact]", &[])),
    ("tiresias", "count", "dlas-gpu-{n}", Same("tiresias[preset=nsdi19,promote={n},replace=all,wake=artifact]", &[])),
    // With a promote knob the artifact forgets to rank by the index.
    ("tiresias", "count", "dlas-gpu-gittins-{n}", Same("tiresias[preset=nsdi19,promote={n},replace=all,wake=artifact]", &[])),
    ("tiresias", "count", "dlas-gpu-gittins", Same("tiresias[preset=nsdi19,quantum=3250,rank=artifact,replace=all,samples={samples},wake=artifact]", &[])),
    ("tiresias", "yarn", "*", LOSES_JOBS),

    ("muri", "", "shortest", Same("srtf[place=first-fit,replace=all]", &["restart_at=stop"])),
    ("muri", "", "shortest-gpu", Same("srsf[place=first-fit,replace=all]", &["restart_at=stop"])),
    ("muri", "", "dlas-gpu", Same("tiresias[preset=nsdi19,replace=all,wake=ceiling]", &["restart_at=stop"])),

    ("helios_lucid", "consolidate", "fifo", Same("fifo", &[])),
    ("helios_lucid", "consolidate", "sjf", Same("sjf", &[])),
    ("helios_lucid", "consolidate", "srtf", Same("srtf-rounds[preset=helios]", &["physics=helios"])),

    ("gavel", "alike", "fifo", Same("fifo-rounds[preset=gavel]", &["physics=gavel"])),
    ("gavel", "types", "fifo", DRAWS),
    ("gavel", "*", "*", NEEDS_LP),

    ("blox", "", "las", Same("las-rounds[preset=blox]", &["physics=blox"])),

    ("openb", "", "Random", Same("openb-random", &[])),
    ("openb", "", "DotProd", Same("dot-prod", &[])),
    ("openb", "", "GpuClustering", Same("gpu-clustering", &[])),
    ("openb", "", "GpuPacking", Same("gpu-packing", &[])),
    ("openb", "", "BestFit", Same("openb-best-fit", &[])),
    ("openb", "", "FGD", Same("fgd", &[])),

    ("pai", "", "fifo", Same("fifo[skip=true]", &[])),
    ("pai", "", "sjf", Same("sjf[skip=true]", &[])),
    // The estimates that the list comes with, as priorities.
    ("pai", "", "sju", Same("fifo[skip=true]", &[])),
    ("pai", "", "sjg", Same("fifo[skip=true]", &[])),
    ("pai", "", "sjgg", Same("fifo[skip=true]", &[])),
];

/// What is ours for policy `peer` of a family, or why there is nothing.
pub(crate) fn ours(family: &str, variant: &str, peer: &str) -> Result<Ours, String> {
    let fits = |pattern: &str, text: &str| pattern == "*" || pattern == text;
    let mut unknown = None;
    for (of, among, name, means) in MAPPINGS {
        if *of != family || !fits(among, variant) {
            continue;
        }
        let Some(number) = captured(name, peer) else { continue };
        match means {
            Not(reason) => return Err(unknown.unwrap_or_else(|| (*reason).to_owned())),
            Same(policy, settings) => match checked(policy, &decimal(number), settings) {
                Ok(ours) => return Ok(ours),
                Err(reason) => unknown = unknown.or(Some(reason)),
            },
        }
    }
    let variant = if variant.is_empty() { String::new() } else { format!(" with `{variant}`") };
    Err(unknown.unwrap_or_else(|| format!("no policy here is known to be its `{peer}`{variant}")))
}

/// The number that stands for `{n}` of `pattern` in `text`; empty where it has none. `None`: they differ.
fn captured<'a>(pattern: &str, text: &'a str) -> Option<&'a str> {
    match pattern.split_once("{n}") {
        None => (pattern == "*" || pattern == text).then_some(""),
        Some((head, tail)) => {
            let number = text.strip_prefix(head)?.strip_suffix(tail)?;
            let is_number = number.parse::<f64>().is_ok_and(f64::is_finite);
            is_number.then_some(number)
        }
    }
}

/// A number in a name: `05` is a half.
fn decimal(number: &str) -> String {
    match number.strip_prefix('0') {
        Some(rest) if !rest.is_empty() && !rest.starts_with('.') => format!("0.{rest}"),
        _ => number.to_owned(),
    }
}

/// The policy and the settings, if this build knows them.
fn checked(policy: &str, number: &str, settings: &[&str]) -> Result<Ours, String> {
    let policy = policy.replace("{n}", number);
    policies::build(&policy.replace(SAMPLES, "1"), Context::default()).map_err(|error| error.to_string())?;
    Physics::parse(settings).map_err(|error| error.to_string())?;
    Ok(Ours { policy, settings: settings.iter().map(|setting| (*setting).to_owned()).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mapping_is_known_to_this_build() {
        for (family, variant, peer, means) in MAPPINGS {
            if let Same(policy, settings) = means {
                let found = checked(policy, "1", settings);
                assert!(found.is_ok(), "{family} {variant} {peer}: {found:?}");
            }
        }
    }

    #[test]
    fn numbers_are_captured() {
        assert_eq!(captured("dlas-gpu-{n}", "dlas-gpu-0.5"), Some("0.5"));
        assert_eq!(captured("dlas-gpu-{n}", "dlas-gpu-gittins"), None);
        assert_eq!(captured("dlas", "dlas-gpu"), None);
        assert_eq!(["05", "0.5", "0", "10"].map(decimal), ["0.5", "0.5", "0", "10"]);
    }

    #[test]
    fn what_is_not_covered_has_a_reason() {
        assert_eq!(ours("tiresias", "count", "fjf").unwrap().policy, "fifo[skip=true]");
        assert!(ours("tiresias", "yarn", "shortest").unwrap_err().contains("loses jobs"));
        assert_eq!(ours("tiresias", "count", "x").unwrap_err(), "no policy here is known to be its `x` with `count`");
    }
}
