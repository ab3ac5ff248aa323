//! What a policy of a peer is called here, with the options that make its peculiarities: the one place to fill in.

use policies::Context;
use simulator::physics::Physics;

/// A policy of ours with the physics of the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ours {
    /// As `--policy` takes it.
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

/// Results of Tiresias' simulator that are known to be broken.
const LOSES_JOBS: Means = Not("the peer loses jobs without a word when it preempts on nodes (scheme yarn)");
/// Policies that need an allocation from a linear program.
const NEEDS_LP: Means = Not("its allocation comes from a linear program, which is not built yet");
/// Policies that draw.
const DRAWS: Means = Not("the peer draws GPU types by lot: its draws cannot be had again");

/// Family, variant (scheme, placer, kind of cluster), name of the peer; `*` is any variant, `{n}` a number.
#[rustfmt::skip]
static MAPPINGS: &[(&str, &str, &str, Means)] = &[
    ("tiresias", "count", "fifo", Same("fifo", &[])),
    ("tiresias", "yarn", "fifo", Same("fifo[place=first-fit]", &[])),
    ("tiresias", "count", "fjf", Same("fifo[skip=true]", &[])),
    ("tiresias", "yarn", "fjf", Same("fifo[place=first-fit,skip=true]", &[])),
    ("tiresias", "count", "shortest", Same("srtf", &[])),
    ("tiresias", "count", "shortest-gpu", Same("srsf", &[])),
    ("tiresias", "yarn", "*", LOSES_JOBS),

    ("helios_lucid", "consolidate", "fifo", Same("fifo", &[])),
    ("helios_lucid", "consolidate", "sjf", Same("sjf", &[])),

    ("gavel", "types", "fifo", DRAWS),
    ("gavel", "*", "*", NEEDS_LP),

    ("pai", "", "fifo", Same("fifo[skip=true]", &[])),
    ("pai", "", "sjf", Same("sjf[skip=true]", &[])),
];

/// What is ours for policy `peer` of a family, or why there is nothing.
pub(crate) fn ours(family: &str, variant: &str, peer: &str) -> Result<Ours, String> {
    let fits = |pattern: &str, text: &str| pattern == "*" || pattern == text;
    for (of, among, name, means) in MAPPINGS {
        if *of != family || !fits(among, variant) {
            continue;
        }
        let Some(number) = captured(name, peer) else { continue };
        return match means {
            Not(reason) => Err((*reason).to_owned()),
            Same(policy, settings) => {
                let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
                checked(Ours { policy: policy.replace("{n}", number), settings })
            }
        };
    }
    let variant = if variant.is_empty() { String::new() } else { format!(" with `{variant}`") };
    Err(format!("no policy here is known to be its `{peer}`{variant}"))
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

/// Whether this build knows the policy and the settings.
fn checked(ours: Ours) -> Result<Ours, String> {
    policies::build(&ours.policy, Context::default()).map_err(|error| error.to_string())?;
    Physics::parse(&ours.settings).map_err(|error| error.to_string())?;
    Ok(ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mapping_is_known_to_this_build() {
        for (family, variant, peer, means) in MAPPINGS {
            if let Same(policy, settings) = means {
                let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
                let found = checked(Ours { policy: policy.replace("{n}", "1"), settings });
                assert!(found.is_ok(), "{family} {variant} {peer}: {found:?}");
            }
        }
    }

    #[test]
    fn numbers_are_captured() {
        assert_eq!(captured("dlas-gpu-{n}", "dlas-gpu-0.5"), Some("0.5"));
        assert_eq!(captured("dlas-gpu-{n}", "dlas-gpu-gittins"), None);
        assert_eq!(captured("dlas", "dlas-gpu"), None);
    }

    #[test]
    fn what_is_not_covered_has_a_reason() {
        assert_eq!(ours("tiresias", "count", "fjf").unwrap().policy, "fifo[skip=true]");
        assert!(ours("tiresias", "yarn", "shortest").unwrap_err().contains("loses jobs"));
        assert_eq!(ours("tiresias", "count", "x").unwrap_err(), "no policy here is known to be its `x` with `count`");
    }
}
