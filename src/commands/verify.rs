//! `verify`: a journal replayed under the policy that wrote it.

pub(super) mod words;

use std::io::ErrorKind;
use std::path::Path;

use ::policies::{Context, build};
use engine::journal::{Damage, Header, Reader};
use engine::replay::{ReplayError, Verdict, verify};
use engine::{Command, Core};
use serde::Serialize;
use simulator::report::fmt;

use crate::cli::{Format, VerifyArgs};
use crate::error::Error;
use crate::stdout;

/// Version of the JSON.
const SCHEMA: u32 = 1;
const COPY_AGAIN: &str = "copy it again from where it was written, and keep what wrote it";

/// The result as JSON.
#[derive(Serialize)]
struct Report<'a> {
    schema: u32,
    journal: String,
    trainyard_version: &'a str,
    policy: &'a str,
    /// `identical`, `different`, `damaged`, `truncated` or `contradiction`.
    result: &'static str,
    /// Records that replay identically.
    records: u64,
    facts: Option<u64>,
    orders: Option<u64>,
    /// Record with the first difference or the damage.
    record: Option<u64>,
    /// Where a damaged record starts.
    byte: Option<usize>,
    /// Place of the first order that differs, from 1.
    order: Option<usize>,
    recorded: Option<&'a Command>,
    replayed: Option<&'a Command>,
}

/// Runs the command.
pub(crate) fn run(args: &VerifyArgs) -> Result<(), Error> {
    let path = &args.journal;
    let bytes = read(path)?;
    let (header, mut reader) = Reader::new(&bytes).map_err(|damage| unreadable(path, &damage))?;
    let built = build(&header.policy, Context { estimates: header.estimates, seed: header.seed })?;
    let mut core = Core::new(header.inventory.clone(), built.policy);
    let outcome = verify(&mut core, &mut reader);
    if args.format == Format::Json {
        stdout::show_json(&report(path, &header, &reader, &outcome))?;
    }
    match outcome {
        Ok(Verdict::Identical { records, facts, orders }) if args.format == Format::Table => {
            let [records, facts, orders] = [records, facts, orders].map(fmt::thousands);
            stdout::show(&format!("identical: {records} records, {facts} facts, {orders} orders\n"))
        }
        Ok(Verdict::Identical { .. }) => Ok(()),
        Ok(Verdict::Different { record, order, recorded, replayed }) => {
            let [recorded, replayed] =
                [recorded, replayed].map(|order| words::order(order.as_deref(), &header.inventory));
            let message = format!(
                "{}: different at record {}, order {order}\n  recorded: {recorded}\n  replayed: {replayed}",
                path.display(),
                fmt::thousands(record),
            );
            Err(Error::failed(message, different_hint(&header)))
        }
        Err(error) => Err(broken(path, &error)),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|error| {
        let what = match error.kind() {
            ErrorKind::NotFound => "no such file".to_owned(),
            _ if path.is_dir() => "this is a directory".to_owned(),
            _ => format!("not readable: {error}"),
        };
        Error::input(format!("{}: {what}", path.display()), "give the file that `trainyard simulate --journal` wrote")
    })
}

/// The header cannot be read.
fn unreadable(path: &Path, damage: &Damage) -> Error {
    let message = format!("{}: {damage}", path.display());
    match damage {
        Damage::NotAJournal => Error::input(message, "give the file that `trainyard simulate --journal` wrote"),
        Damage::Version { .. } => Error::input(message, "replay it with the version of trainyard that wrote it"),
        Damage::Record { .. } | Damage::Truncated { .. } => {
            Error::failed(format!("{message}; without its header nothing of it can be replayed"), COPY_AGAIN)
        }
    }
}

/// A record cannot be read or replayed. Those before it were replayed, and are identical.
fn broken(path: &Path, error: &ReplayError) -> Error {
    let record = match error {
        ReplayError::Damage(Damage::Record { record, .. } | Damage::Truncated { record, .. })
        | ReplayError::Fault { record, .. } => *record,
        ReplayError::Damage(_) => 0,
    };
    let before = match record.saturating_sub(1) {
        0 => "no record before it".to_owned(),
        1 => "the record before it is sound and replays identically".to_owned(),
        sound => format!("the {} records before it are sound and replay identically", fmt::thousands(sound)),
    };
    let hint = match error {
        ReplayError::Damage(Damage::Truncated { .. }) => "what wrote it was stopped there, or the copy is not whole",
        ReplayError::Damage(_) => COPY_AGAIN,
        ReplayError::Fault { .. } => "the journal was changed, or another version of trainyard wrote it",
    };
    Error::failed(format!("{}: {error}; {before}", path.display()), hint)
}

fn different_hint(header: &Header) -> String {
    let ours = env!("CARGO_PKG_VERSION");
    let theirs = &header.trainyard_version;
    if theirs == ours {
        format!("policy `{}` or the core has changed since it was written", header.policy)
    } else {
        format!("trainyard {theirs} wrote it, this is {ours}: behaviour has changed between them")
    }
}

fn report<'a>(
    path: &Path,
    header: &'a Header,
    reader: &Reader<'_>,
    outcome: &'a Result<Verdict, ReplayError>,
) -> Report<'a> {
    let mut report = Report {
        schema: SCHEMA,
        journal: path.display().to_string(),
        trainyard_version: &header.trainyard_version,
        policy: &header.policy,
        result: "identical",
        records: reader.record(),
        facts: None,
        orders: None,
        record: None,
        byte: None,
        order: None,
        recorded: None,
        replayed: None,
    };
    match outcome {
        Ok(Verdict::Identical { facts, orders, .. }) => (report.facts, report.orders) = (Some(*facts), Some(*orders)),
        Ok(Verdict::Different { record, order, recorded, replayed }) => {
            (report.result, report.records) = ("different", record.saturating_sub(1));
            (report.record, report.order) = (Some(*record), Some(*order));
            (report.recorded, report.replayed) = (recorded.as_deref(), replayed.as_deref());
        }
        Err(ReplayError::Damage(Damage::Truncated { record, offset })) => {
            (report.result, report.record, report.byte) = ("truncated", Some(*record), Some(*offset));
            report.records = record.saturating_sub(1);
        }
        Err(ReplayError::Damage(Damage::Record { record, offset, .. })) => {
            (report.result, report.record, report.byte) = ("damaged", Some(*record), Some(*offset));
            report.records = record.saturating_sub(1);
        }
        Err(ReplayError::Damage(_)) => report.result = "damaged",
        Err(ReplayError::Fault { record, .. }) => {
            (report.result, report.record) = ("contradiction", Some(*record));
            report.records = record.saturating_sub(1);
        }
    }
    report
}
