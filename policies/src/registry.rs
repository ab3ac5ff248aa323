//! Every policy by name, with its knobs, what it must know, and where it is from.

use engine::{Policy, Span};

use crate::easy::Estimates;
use crate::evict::Evict;
use crate::order::{Arrival, FairShare, Length, Order, Shortest};
use crate::pipeline::{Behind, Parts, Pipeline};
use crate::place::Placer;
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
    build: fn(&Knobs<'_>, Context) -> Result<Parts, PolicyError>,
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

const PLACE: Knob = Knob {
    name: "place",
    default: "best-fit",
    values: "best-fit, worst-fit, first-fit, pack, spread, random, random[seed=N]",
    help: "which nodes a gang gets",
};
const SKIP_OFF: Knob = Knob {
    name: "skip",
    default: "false",
    values: "true, false",
    help: "whether jobs behind one that does not fit may start",
};
const SKIP_ON: Knob = Knob { default: "true", ..SKIP_OFF };

/// All policies, by name.
pub fn all() -> &'static [Entry] {
    &ENTRIES
}

/// The policy called `name`.
pub fn find(name: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.name == name)
}

/// Builds the policy that `text` describes.
pub fn build(text: &str, context: Context) -> Result<Built, PolicyError> {
    let spec = PolicySpec::parse(text)?;
    let entry = find(&spec.name).ok_or_else(|| unknown_policy(&spec.name))?;
    let knobs = Knobs { spec: &spec, entry };
    knobs.check_names()?;
    let policy = Pipeline::new((entry.build)(&knobs, context)?);
    let clairvoyant = policy.needs().oracle;
    let seeded = knobs.text("place") == "random";
    Ok(Built { policy: Box::new(policy), text: spec.to_string(), clairvoyant, seeded })
}

fn unknown_policy(name: &str) -> PolicyError {
    let names: Vec<&str> = ENTRIES.iter().map(|entry| entry.name).collect();
    let hint = match closest(name, &names) {
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

/// The knobs that the user gave, checked against those of the entry.
struct Knobs<'a> {
    spec: &'a PolicySpec,
    entry: &'static Entry,
}

impl Knobs<'_> {
    fn check_names(&self) -> Result<(), PolicyError> {
        let known: Vec<&str> = self.entry.knobs.iter().map(|knob| knob.name).collect();
        let Some(unknown) = self.spec.knobs.keys().find(|key| !known.contains(&key.as_str())) else { return Ok(()) };
        let hint = match closest(unknown, &known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("`{}` has {}", self.entry.name, known.join(", ")),
        };
        Err(self.error(format!("it has no knob `{unknown}`"), hint))
    }

    fn error(&self, message: String, hint: String) -> PolicyError {
        PolicyError::new(&self.spec.to_string(), message, hint)
    }

    fn text(&self, name: &str) -> &str {
        let default = self.entry.knobs.iter().find(|knob| knob.name == name).map_or("", |knob| knob.default);
        self.spec.knobs.get(name).map_or(default, String::as_str)
    }

    fn bad_value(&self, name: &str) -> PolicyError {
        let values = self.entry.knobs.iter().find(|knob| knob.name == name).map_or("", |knob| knob.values);
        self.error(format!("knob `{name}` cannot be `{}`", self.text(name)), format!("it takes {values}"))
    }

    fn skip(&self) -> Result<Behind, PolicyError> {
        match self.text("skip") {
            "true" => Ok(Behind::Skip),
            "false" => Ok(Behind::Blocked),
            _ => Err(self.bad_value("skip")),
        }
    }

    fn hours(&self, name: &str) -> Result<Span, PolicyError> {
        let hours: f64 = self.text(name).parse().map_err(|_| self.bad_value(name))?;
        Span::from_secs_f64(hours * 3600.0).ok_or_else(|| self.bad_value(name))
    }

    fn placer(&self, context: Context) -> Result<Placer, PolicyError> {
        let spec = PolicySpec::parse(self.text("place")).map_err(|_| self.bad_value("place"))?;
        let seed = match spec.knobs.get("seed") {
            Some(seed) if spec.knobs.len() == 1 => seed.parse().map_err(|_| self.bad_value("place"))?,
            None if spec.knobs.is_empty() => context.seed,
            _ => return Err(self.bad_value("place")),
        };
        match spec.name.as_str() {
            "random" => Ok(Placer::Random { seed }),
            _ if !spec.knobs.is_empty() => Err(self.bad_value("place")),
            "best-fit" => Ok(Placer::BestFit),
            "worst-fit" => Ok(Placer::WorstFit),
            "first-fit" => Ok(Placer::FirstFit),
            "pack" => Ok(Placer::Pack),
            "spread" => Ok(Placer::Spread),
            _ => Err(self.bad_value("place")),
        }
    }

    fn parts(&self, context: Context, order: impl Order + 'static, evict: Option<Evict>) -> Result<Parts, PolicyError> {
        Ok(Parts { order: Box::new(order), placer: self.placer(context)?, behind: self.skip()?, evict })
    }
}

static ENTRIES: [Entry; 7] = [
    Entry {
        name: "easy",
        summary: "FIFO with EASY backfill",
        objective: "use gaps without delaying the first job that waits",
        knows: "run times: the users' estimates where the trace has them, else the true durations (clairvoyant)",
        source: "Lifka, JSSPP 1995; Mu'alem and Feitelson, TPDS 2001",
        knobs: &[
            Knob {
                name: "estimates",
                default: "auto",
                values: "auto, users, true",
                help: "where run times come from; auto: the users' where the trace has them, else the true ones",
            },
            PLACE,
        ],
        build: |knobs, context| {
            let estimates = match knobs.text("estimates") {
                "users" => Estimates::Users,
                "auto" if context.estimates => Estimates::Users,
                "true" | "auto" => Estimates::True,
                _ => return Err(knobs.bad_value("estimates")),
            };
            let (order, placer) = (Box::new(Arrival), knobs.placer(context)?);
            Ok(Parts { order, placer, behind: Behind::Easy(estimates), evict: None })
        },
    },
    Entry {
        name: "fair-share",
        summary: "two-level weighted fair share over tenants, usage decayed with a half-life",
        objective: "GPU-time in proportion to weights, between top-level tenants and inside each",
        knows: "tenants, their weights and their past usage",
        source: "Slurm priority/multifactor (half-life decay); Kueue KEP-4136 (entry penalty)",
        knobs: &[
            Knob {
                name: "half-life",
                default: "168",
                values: "hours, more than 0",
                help: "after so long usage counts half",
            },
            Knob {
                name: "commitment",
                default: "1",
                values: "hours, at least 0",
                help: "GPUs held now count as if they were held for so long",
            },
            SKIP_OFF,
            PLACE,
        ],
        build: |knobs, context| {
            let half_life = knobs.hours("half-life")?;
            if half_life == Span::ZERO {
                return Err(knobs.bad_value("half-life"));
            }
            knobs.parts(context, FairShare { half_life, commitment: knobs.hours("commitment")? }, None)
        },
    },
    Entry {
        name: "fifo",
        summary: "first in, first out, higher priorities first",
        objective: "order of arrival",
        knows: "nothing about the future",
        source: "common practice; with skip=true the fit-first form of Tiresias' simulator (fjf)",
        knobs: &[SKIP_OFF, PLACE],
        build: |knobs, context| knobs.parts(context, Arrival, None),
    },
    Entry {
        name: "priority",
        summary: "static priorities with preemption",
        objective: "higher priorities first, at the least loss of work",
        knows: "when jobs last saved",
        source: "Kubernetes and Slurm preemption by priority; victims by least lost work, whole gangs, strictly lower priorities",
        knobs: &[SKIP_ON, PLACE],
        build: |knobs, context| knobs.parts(context, Arrival, Some(Evict::LowerPriority)),
    },
    Entry {
        name: "sjf",
        summary: "shortest job first, without preemption",
        objective: "mean completion time",
        knows: "true durations (clairvoyant)",
        source: "policies of Philly-based simulators; `sjf` of Tiresias' simulator is something else (smallest gang first)",
        knobs: &[SKIP_OFF, PLACE],
        build: |knobs, context| knobs.parts(context, Shortest(Length::Duration), None),
    },
    Entry {
        name: "srsf",
        summary: "shortest remaining service (time x GPUs) first, with preemption",
        objective: "mean completion time of gangs",
        knows: "true durations (clairvoyant)",
        source: "Tiresias, NSDI 2019, section 3 (SRSF)",
        knobs: &[SKIP_ON, PLACE],
        build: |knobs, context| {
            let length = Length::RemainingService;
            knobs.parts(context, Shortest(length), Some(Evict::Longer(length)))
        },
    },
    Entry {
        name: "srtf",
        summary: "shortest remaining time first, with preemption",
        objective: "mean completion time",
        knows: "true durations (clairvoyant)",
        source: "Schrage, Operations Research 1968 (SRPT)",
        knobs: &[SKIP_ON, PLACE],
        build: |knobs, context| {
            let length = Length::Remaining;
            knobs.parts(context, Shortest(length), Some(Evict::Longer(length)))
        },
    },
];

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
