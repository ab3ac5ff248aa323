//! `policies`: what the registry knows.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ::policies::registry::{self, Entry, Knob, Preset};
use ::policies::{Context, build};
use serde::Serialize;

use crate::cli::{Format, PoliciesArgs};
use crate::error::Error;
use crate::{stdout, table};

/// Version of the JSON.
const SCHEMA: u32 = 1;
const WIDTH: usize = 96;

/// A policy as JSON.
#[derive(Serialize)]
struct PolicyInfo {
    schema: u32,
    name: &'static str,
    summary: &'static str,
    objective: &'static str,
    knows: &'static str,
    /// `no`, `yes`, or `without-estimates`; with default knobs.
    clairvoyant: &'static str,
    source: &'static str,
    knobs: Vec<KnobInfo>,
    presets: Vec<PresetInfo>,
}

/// A published configuration as JSON.
#[derive(Serialize)]
struct PresetInfo {
    name: &'static str,
    source: &'static str,
    knobs: BTreeMap<&'static str, &'static str>,
}

/// A knob as JSON.
#[derive(Serialize)]
struct KnobInfo {
    name: &'static str,
    default: &'static str,
    values: &'static str,
    help: &'static str,
}

/// Runs the command.
pub(crate) fn run(args: &PoliciesArgs) -> Result<(), Error> {
    match (&args.name, args.format) {
        (None, Format::Table) => stdout::show(&list()?),
        (None, Format::Json) => {
            stdout::show_json(&registry::all().iter().copied().map(info).collect::<Result<Vec<_>, Error>>()?)
        }
        (Some(name), format) => {
            let entry = named(name)?;
            match format {
                Format::Table => stdout::show(&described(entry)?),
                Format::Json => stdout::show_json(&info(entry)?),
            }
        }
    }
}

/// The policy of this name; `name[...]` will do. The registry words what is wrong with an unknown name.
fn named(text: &str) -> Result<&'static Entry, Error> {
    let built = build(text, Context::default())?;
    let name = built.text.split('[').next().unwrap_or(text);
    registry::find(name).ok_or_else(|| Error::input(format!("no policy `{name}`"), "`trainyard policies` lists all"))
}

/// Whether it sees true durations: with the users' estimates at hand, and without.
fn clairvoyant(entry: &Entry) -> Result<&'static str, Error> {
    let sees = |estimates| Ok::<_, Error>(build(entry.name, Context { estimates, seed: 0 })?.clairvoyant);
    Ok(match (sees(true)?, sees(false)?) {
        (true, _) => "yes",
        (false, true) => "without-estimates",
        (false, false) => "no",
    })
}

fn clairvoyant_words(entry: &Entry) -> Result<&'static str, Error> {
    Ok(match clairvoyant(entry)? {
        "without-estimates" => "if the trace has no estimates",
        word => word,
    })
}

fn list() -> Result<String, Error> {
    let mut rows = Vec::new();
    for entry in registry::all() {
        rows.push(vec![entry.name.to_owned(), clairvoyant_words(entry)?.to_owned(), entry.summary.to_owned()]);
    }
    let text = table::words(&["policy", "clairvoyant", "what it does"], &rows);
    Ok(text + "\nA clairvoyant policy sees the true durations. `trainyard policies NAME` says more about one.\n")
}

fn described(entry: &Entry) -> Result<String, Error> {
    let line = |name: &str, text: &str| format!("{name:<13}{}\n", table::wrapped(text, WIDTH - 13, "             "));
    let mut text = format!("{}: {}\n\n", entry.name, entry.summary);
    text += &line("objective", entry.objective);
    text += &line("must know", entry.knows);
    text += &line("clairvoyant", clairvoyant_words(entry)?);
    text += &line("from", entry.source);
    text += "\nKnobs\n";
    for knob in entry.knobs {
        let _ = writeln!(text, "  {}={}", knob.name, knob.default);
        let _ = writeln!(text, "      {}", table::wrapped(knob.help, WIDTH - 6, "      "));
        let _ = writeln!(text, "      values: {}", table::wrapped(knob.values, WIDTH - 14, "              "));
    }
    if !entry.presets.is_empty() {
        text += "\nPresets\n";
    }
    for preset in entry.presets {
        let _ = writeln!(text, "  preset={}", preset.name);
        let _ = writeln!(text, "      {}", table::wrapped(preset.source, WIDTH - 6, "      "));
        let knobs: Vec<String> = preset.knobs.iter().map(|(knob, value)| format!("{knob}={value}")).collect();
        let _ = writeln!(text, "      sets: {}", table::wrapped(&knobs.join(", "), WIDTH - 12, "            "));
    }
    if let Some(knob) = entry.knobs.last() {
        let _ = writeln!(text, "\nSuch as: {}[{}={}]", entry.name, knob.name, knob.default);
    }
    Ok(text)
}

fn info(entry: &Entry) -> Result<PolicyInfo, Error> {
    let Entry { name, summary, objective, knows, source, .. } = *entry;
    let knob = |knob: &Knob| KnobInfo { name: knob.name, default: knob.default, values: knob.values, help: knob.help };
    let preset = |preset: &Preset| PresetInfo {
        name: preset.name,
        source: preset.source,
        knobs: preset.knobs.iter().copied().collect(),
    };
    let (clairvoyant, knobs) = (clairvoyant(entry)?, entry.knobs.iter().map(knob).collect());
    let presets = entry.presets.iter().map(preset).collect();
    Ok(PolicyInfo { schema: SCHEMA, name, summary, objective, knows, clairvoyant, source, knobs, presets })
}
