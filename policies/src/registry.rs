//! Every policy by name, with its knobs, what it must know, and where it is from.

mod backfill;
mod basic;
mod fair;
mod guards;
mod knobs;
mod list;
mod milp;
mod names;
mod orders;
mod placement;
mod quota;
mod rounds;
mod scored;
mod sla;
mod slurm;
mod tiresias;

use std::sync::LazyLock;

use engine::Policy;

pub use self::knobs::{Knobs, PLACE, SKIP_OFF, SKIP_ON};
pub use self::names::Registry;
use crate::spec::{PolicyError, PolicySpec};

/// What a policy can count on where it is built.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context {
    /// The jobs carry the users' estimates.
    pub estimates: bool,
    /// Seed of what a policy draws by lot, where no knob gives one.
    pub seed: u64,
}

/// A knob of a policy.
#[derive(Clone, Copy, Debug)]
pub struct Knob {
    /// Its name.
    pub name: &'static str,
    /// Its value when it is not given.
    pub default: &'static str,
    /// The values that it takes.
    pub values: &'static str,
    /// What it does.
    pub help: &'static str,
}

impl Knob {
    /// A knob.
    pub const fn new(name: &'static str, default: &'static str, values: &'static str, help: &'static str) -> Self {
        Self { name, default, values, help }
    }
}

/// A published configuration of a policy: `name[preset=...]`. Knobs that are given too override it.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// Which publication or artifact it is from.
    pub source: &'static str,
    /// The knobs that it sets.
    pub knobs: &'static [(&'static str, &'static str)],
}

/// A policy in the registry.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// What it does, in a line.
    pub summary: &'static str,
    /// What it is for.
    pub objective: &'static str,
    /// What it must know.
    pub knows: &'static str,
    /// Where it is from.
    pub source: &'static str,
    /// Its knobs.
    pub knobs: &'static [Knob],
    /// Published configurations.
    pub presets: &'static [Preset],
    /// Makes it.
    pub build: fn(&Knobs<'_>) -> Result<Box<dyn Policy>, PolicyError>,
}

/// A policy ready to run.
pub struct Built {
    /// The policy.
    pub policy: Box<dyn Policy>,
    /// Its text in a normal form.
    pub text: String,
    /// Whether it looks at true durations.
    pub clairvoyant: bool,
    /// Whether the seed of the context changes what it decides.
    pub seeded: bool,
}

impl std::fmt::Debug for Built {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Built")
            .field("text", &self.text)
            .field("clairvoyant", &self.clairvoyant)
            .finish_non_exhaustive()
    }
}

/// All policies, by name.
pub fn all() -> &'static [&'static Entry] {
    static SORTED: LazyLock<Vec<&'static Entry>> = LazyLock::new(|| {
        let mut entries = list::ENTRIES.to_vec();
        entries.sort_by_key(|entry| entry.name);
        entries
    });
    &SORTED
}

/// The policy called `name`.
pub fn find(name: &str) -> Option<&'static Entry> {
    all().iter().copied().find(|entry| entry.name == name)
}

/// Builds the built-in policy that `text` describes.
pub fn build(text: &str, context: Context) -> Result<Built, PolicyError> {
    Registry::default().build(text, context)
}

impl Entry {
    /// Builds the policy with the knobs of `spec`.
    pub fn build(&self, spec: &PolicySpec, context: Context) -> Result<Built, PolicyError> {
        let knobs = Knobs::new(spec, self, context)?;
        let policy = (self.build)(&knobs)?;
        let clairvoyant = policy.needs().oracle;
        let seeded = knobs.is_seeded();
        let policy = if knobs.expects_workload() { scored::expecting(policy) } else { policy };
        Ok(Built { policy, text: spec.to_string(), clairvoyant, seeded })
    }
}

fn unknown_policy(name: &str, names: &[&str]) -> PolicyError {
    let hint = match closest(name, names) {
        Some(near) => format!("did you mean `{near}`? `trainyard policies` lists all"),
        None => format!("known are {}", names.join(", ")),
    };
    PolicyError::new(name, "no policy has this name", hint)
}

/// The one of `known` that differs from `name` in at most two letters.
fn closest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let scored = known.iter().map(|candidate| (distance(name, candidate), *candidate));
    scored.min().filter(|(score, _)| *score <= 2).map(|(_, candidate)| candidate)
}

/// Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, right) in b.chars().enumerate() {
            let substitute = diagonal + usize::from(left != right);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        let error = build(text, Context::default()).unwrap_err();
        format!("{error} | {}", error.hint.clone().unwrap_or_default())
    }

    #[test]
    fn all_build_with_their_defaults_and_are_sorted() {
        for entry in all() {
            assert!(build(entry.name, Context::default()).is_ok(), "{}", entry.name);
        }
        assert!(all().is_sorted_by_key(|entry| entry.name));
    }

    #[test]
    fn clairvoyance_is_said() {
        let clairvoyant = |text, estimates| build(text, Context { estimates, seed: 0 }).unwrap().clairvoyant;
        assert!(!clairvoyant("fifo", true));
        assert!(clairvoyant("srtf", true));
        assert!(clairvoyant("easy", false));
        assert!(!clairvoyant("easy", true));
        assert!(clairvoyant("easy[estimates=true]", true));
    }

    #[test]
    fn mistakes_are_named_with_a_hint() {
        assert_eq!(
            fault("fifi"),
            "policy `fifi`: no policy has this name | did you mean `fifo`? `trainyard policies` lists all"
        );
        assert_eq!(fault("fifo[skp=true]"), "policy `fifo[skp=true]`: it has no knob `skp` | did you mean `skip`?");
        assert_eq!(
            fault("fifo[skip=maybe]"),
            "policy `fifo[skip=maybe]`: knob `skip` cannot be `maybe` | it takes true, false"
        );
        assert!(fault("fifo[place=random[sed=1]]").contains("knob `place` cannot be"));
        assert!(fault("fair-share[half-life=0]").contains("hours, more than 0"));
    }
}
