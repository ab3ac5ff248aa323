//! `verify`: a journal replayed under the policy that wrote it.

mod report;
pub(super) mod words;

use ::policies::{Context, build};
use engine::journal::{Damage, Header, Reader};
use engine::replay::{ReplayError, Verdict, verify};
use engine::{Core, Policy};
use simulator::report::fmt;
use traces::journal::{Files, SegmentFile};

use super::recorded;
use crate::cli::{Format, VerifyArgs};
use crate::error::Error;
use crate::stdout;

const COPY_AGAIN: &str = "copy it again from where it was written, and keep what wrote it";

/// How far the replay has come, and how it ended.
struct Replayed {
    /// Records, facts and orders that replay identically, of all segments.
    records: u64,
    facts: u64,
    orders: u64,
    /// The last segment that was looked at, its header, and what was found in it.
    path: String,
    header: Header,
    outcome: Result<Verdict, ReplayError>,
}

/// Runs the command.
pub(crate) fn run(args: &VerifyArgs) -> Result<(), Error> {
    let files = Files::open(&args.journal.to_string_lossy()).map_err(recorded::failed)?;
    let found = replay(&files)?;
    if args.format == Format::Json {
        stdout::show_json(&report::of(&files, &found))?;
    }
    match found.outcome {
        Ok(Verdict::Identical { .. }) if args.format == Format::Table => stdout::show(&identical(&files, &found)),
        Ok(Verdict::Identical { .. }) => Ok(()),
        Ok(Verdict::Different { record, order, recorded, replayed }) => {
            let header = &found.header;
            let [recorded, replayed] =
                [recorded, replayed].map(|order| words::order(order.as_deref(), &header.inventory));
            let message = format!(
                "{}: different at record {}, order {order}\n  recorded: {recorded}\n  replayed: {replayed}",
                found.path,
                fmt::thousands(record),
            );
            Err(Error::failed(message, different_hint(header)))
        }
        Err(error) => Err(broken(&found.path, &error)),
    }
}

/// Replays segment by segment, up to the first in which something is found.
fn replay(files: &Files) -> Result<Replayed, Error> {
    let mut core: Option<Core> = None;
    let mut all = Replayed {
        records: 0,
        facts: 0,
        orders: 0,
        path: files.source.clone(),
        header: Header::default(),
        outcome: Ok(Verdict::Identical { records: 0, facts: 0, orders: 0 }),
    };
    for file in &files.segments {
        let (header, mut reader) = Reader::new(&file.bytes).map_err(|damage| unreadable(&file.path, &damage))?;
        let mut next = begin(files, file, &header, core.as_ref())?;
        all.outcome = verify(&mut next, &mut reader);
        (all.path, all.header) = (file.path.clone(), header);
        let (sound, facts, orders) = match &all.outcome {
            Ok(Verdict::Identical { records, facts, orders }) => (*records, *facts, *orders),
            Ok(Verdict::Different { record, .. })
            | Err(
                ReplayError::Fault { record, .. }
                | ReplayError::Damage(Damage::Record { record, .. } | Damage::Truncated { record, .. }),
            ) => (record.saturating_sub(1), 0, 0),
            Err(ReplayError::Damage(_)) => (0, 0, 0),
        };
        (all.records, all.facts, all.orders) = (all.records + sound, all.facts + facts, all.orders + orders);
        if !matches!(all.outcome, Ok(Verdict::Identical { .. })) {
            break;
        }
        core = Some(next);
    }
    Ok(all)
}

/// The core with which a segment begins, as the server began it that wrote it: from nothing, from the segment before, or from
/// the snapshot that is kept beside the journal.
fn begin(files: &Files, file: &SegmentFile, header: &Header, before: Option<&Core>) -> Result<Core, Error> {
    let policy: Box<dyn Policy> =
        build(&header.policy, Context { estimates: header.estimates, seed: header.seed })?.policy;
    let snapshot = match (before, &files.snapshot) {
        (Some(core), _) => core.snapshot(&[]),
        (None, Some(snapshot)) => snapshot.clone(),
        (None, None) if file.number.unwrap_or(1) == 1 => return Ok(Core::new(header.inventory.clone(), policy)),
        (None, None) => {
            let hint = "give the state folder, or put the segments before it, or its snapshot, beside it again";
            return Err(Error::failed(format!("{}: what was before this segment is not here", file.path), hint));
        }
    };
    let broken = |error| Error::failed(format!("the state before {}: {error}", file.path), COPY_AGAIN);
    Core::restore_on(&snapshot, &header.inventory, policy).map(|(core, _)| core).map_err(broken)
}

fn identical(files: &Files, found: &Replayed) -> String {
    let [records, facts, orders] = [found.records, found.facts, found.orders].map(fmt::thousands);
    let segments = match files.segments.len() {
        1 => String::new(),
        many => format!(" in {} segments", fmt::thousands(many as u64)),
    };
    let since = match files.first() {
        1 => String::new(),
        first => format!(", from the snapshot before segment {first}"),
    };
    format!("identical: {records} records, {facts} facts, {orders} orders{segments}{since}\n")
}

/// The header cannot be read.
fn unreadable(path: &str, damage: &Damage) -> Error {
    let message = format!("{path}: {damage}");
    match damage {
        Damage::NotAJournal => {
            let hint =
                "give the file that `trainyard simulate --journal` wrote, or the state folder of `trainyard serve`";
            Error::input(message, hint)
        }
        Damage::Version { .. } => Error::input(message, "replay it with the version of trainyard that wrote it"),
        Damage::Record { .. } | Damage::Truncated { .. } => {
            Error::failed(format!("{message}; without its header nothing of it can be replayed"), COPY_AGAIN)
        }
    }
}

/// A record cannot be read or replayed. Those before it were replayed, and are identical.
fn broken(path: &str, error: &ReplayError) -> Error {
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
    Error::failed(format!("{path}: {error}; {before}"), hint)
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
