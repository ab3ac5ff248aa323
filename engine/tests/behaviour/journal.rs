//! The journal: what is written is read back, and no damage goes unnoticed.

use engine::journal::{Damage, Entry, Header, Reader, VERSION, Writer};
use engine::{
    Alarm, Amounts, AppId, ClassId, Command, Event, Exit, GpuRequest, Input, Inventory, JobId, JobSpec, KindId, Level,
    ModelSet, NameId, NodeId, Outcome, QueueId, Rate, RetryRule, RunId, Shape, Slice, Span, TaskGroup, TaskRequest,
    TenantId, Terms, Time, Variability,
};
use proptest::prelude::*;

fn header() -> Header {
    let scores = Variability::exact("A", Some(vec!["lm".to_owned()]), vec![vec![900, 1250], vec![1000; 8]]);
    Header {
        version: VERSION,
        trainyard_version: "0.0.0-test".to_owned(),
        policy: "fifo[skip=true]".to_owned(),
        estimates: true,
        seed: 7,
        inventory: Inventory { variability: vec![scores], ..Inventory::uniform(2, 8, "A100") },
        notes: vec![("trace".to_owned(), "none".to_owned())],
    }
}

fn time() -> impl Strategy<Value = Time> {
    any::<u64>().prop_map(Time)
}

fn span() -> impl Strategy<Value = Span> {
    any::<u64>().prop_map(Span)
}

fn job() -> impl Strategy<Value = JobId> {
    any::<u32>().prop_map(JobId)
}

fn node() -> impl Strategy<Value = NodeId> {
    any::<u32>().prop_map(NodeId)
}

fn run() -> impl Strategy<Value = RunId> {
    (job(), any::<u32>()).prop_map(|(job, attempt)| RunId { job, attempt })
}

fn kind() -> impl Strategy<Value = Alarm> {
    prop::sample::select(vec![Alarm::TimeLimit, Alarm::Grace, Alarm::Backoff])
}

fn shape() -> impl Strategy<Value = Shape> {
    let gpus = prop_oneof![any::<u32>().prop_map(GpuRequest::Whole), any::<u16>().prop_map(GpuRequest::Milli)];
    let request = (gpus, any::<u32>(), any::<u32>(), any::<u64>()).prop_map(|(gpus, cpu_milli, memory_mib, models)| {
        TaskRequest { gpus, cpu_milli, memory_mib, models: ModelSet(models) }
    });
    let group = (any::<u32>(), any::<u32>(), request);
    let group = group.prop_map(|(tasks_min, tasks_max, request)| TaskGroup { tasks_min, tasks_max, request });
    let level = || prop::option::of(prop::sample::select(Level::ALL.to_vec()));
    (prop::collection::vec(group, 0..4), level(), level()).prop_map(|(groups, required, preferred)| Shape {
        groups: groups.into_iter().collect(),
        required,
        preferred,
    })
}

fn spec() -> impl Strategy<Value = JobSpec> {
    let name = || prop::option::of(any::<u32>());
    let ids = (any::<u32>(), any::<u32>(), any::<u16>(), any::<i32>(), any::<(bool, bool)>(), name(), name());
    let retry = (any::<u16>(), prop::collection::vec(any::<i32>(), 0..4), any::<u16>(), span()).prop_map(
        |(failures_max, codes, node_losses_max, backoff)| RetryRule {
            failures_max,
            codes: codes.into_iter().collect(),
            node_losses_max,
            backoff,
        },
    );
    let maybe = || prop::option::of(span());
    let times = (maybe(), maybe(), prop::option::of(time()), span(), prop::option::of(time()), maybe());
    (ids, times, retry, prop::collection::vec(job(), 0..4)).prop_map(|(ids, times, retry, after)| JobSpec {
        class: ClassId(ids.0),
        tenant: TenantId(ids.1),
        queue: QueueId(ids.2),
        priority: ids.3,
        preemptible: ids.4.0,
        held: ids.4.1,
        estimate: times.0,
        time_limit: times.1,
        deadline: times.2,
        start_by: times.4,
        restart: times.5,
        name: ids.5.map(NameId),
        qos: ids.6.map(NameId),
        app: AppId(ids.0 as u8),
        kind: ids.5.map(KindId),
        grace: times.3,
        retry,
        after: after.into_iter().collect(),
    })
}

fn terms() -> impl Strategy<Value = Terms> {
    let amounts =
        any::<[u64; 3]>().prop_map(|[gpu_milli, cpu_milli, memory_mib]| Amounts { gpu_milli, cpu_milli, memory_mib });
    let maybe = || prop::option::of(amounts.clone());
    (any::<u32>(), maybe(), maybe(), maybe(), maybe(), any::<i32>()).prop_map(
        |(weight_milli, quota, borrow, lend, limit, priority)| Terms {
            weight_milli,
            quota,
            borrow,
            lend,
            limit,
            priority,
        },
    )
}

fn event() -> impl Strategy<Value = Event> {
    let exit = prop_oneof![Just(Exit::Completed), Just(Exit::Stopped), any::<i32>().prop_map(Exit::Failed)];
    let about_runs = prop_oneof![
        (run(), exit, prop::option::of(span())).prop_map(|(run, exit, saved)| Event::Ended { run, exit, saved }),
        (run(), any::<u32>()).prop_map(|(run, ppm)| Event::Started { run, rate: Rate::ppm(ppm) }),
        (run(), span()).prop_map(|(run, work)| Event::Saved { run, work }),
        (run(), kind()).prop_map(|(run, kind)| Event::Alarm { run, kind }),
    ];
    let about_nodes = prop_oneof![
        node().prop_map(|node| Event::NodeDown { node }),
        node().prop_map(|node| Event::NodeUp { node }),
        node().prop_map(|node| Event::NodeDrained { node }),
        node().prop_map(|node| Event::NodeResumed { node }),
    ];
    let about_jobs = prop_oneof![
        (job(), spec(), prop::option::of(span())).prop_map(|(job, spec, truth)| Event::Submitted {
            job,
            spec: Box::new(spec),
            truth
        }),
        job().prop_map(|job| Event::Cancelled { job }),
        job().prop_map(|job| Event::JobHeld { job }),
        job().prop_map(|job| Event::JobReleased { job }),
        job().prop_map(|job| Event::PutFirst { job }),
    ];
    let declared = prop_oneof![
        (any::<u32>(), shape()).prop_map(|(class, shape)| Event::ClassDeclared { class: ClassId(class), shape }),
        (any::<u32>(), ".*", prop::option::of(any::<u32>()), any::<u32>()).prop_map(
            |(tenant, name, parent, weight)| {
                Event::TenantDeclared {
                    tenant: TenantId(tenant),
                    name,
                    parent: parent.map(TenantId),
                    weight_milli: weight,
                }
            }
        ),
        (any::<u16>(), ".*").prop_map(|(queue, name)| Event::QueueDeclared { queue: QueueId(queue), name }),
        (any::<u32>(), ".*").prop_map(|(name, text)| Event::NameDeclared { name: NameId(name), text }),
        (any::<u32>(), terms()).prop_map(|(tenant, terms)| Event::TermsChanged { tenant: TenantId(tenant), terms }),
        (job(), span()).prop_map(|(job, owed)| Event::RestartOwed { job, owed }),
        (any::<u32>(), prop::collection::vec(any::<u32>(), 0..4))
            .prop_map(|(kind, ppm)| Event::KindDeclared { kind: KindId(kind), ppm }),
        any::<bool>().prop_map(|idle| Event::Round { idle }),
        (shape(), any::<u64>()).prop_map(|(shape, count)| Event::WorkloadDeclared {
            tasks: shape.groups.iter().map(|group| (group.request, count)).collect()
        }),
        Just(Event::Woke),
    ];
    prop_oneof![about_runs, about_nodes, about_jobs, declared]
}

fn command() -> impl Strategy<Value = Command> {
    let slice = (node(), any::<u16>(), any::<u16>(), any::<u64>(), any::<u32>(), any::<u32>()).prop_map(
        |(node, bank, milli, mask, cpu_milli, memory_mib)| Slice { node, bank, milli, mask, cpu_milli, memory_mib },
    );
    let outcomes = vec![Outcome::Finished, Outcome::TimedOut, Outcome::Rejected, Outcome::ParentFailed];
    prop_oneof![
        (run(), prop::collection::vec(slice, 0..4), span()).prop_map(|(run, slices, resume_from)| Command::Launch {
            run,
            placement: slices.into_iter().collect(),
            resume_from
        }),
        (run(), span()).prop_map(|(run, grace)| Command::Drain { run, grace }),
        run().prop_map(|run| Command::Kill { run }),
        (time(), run(), kind()).prop_map(|(at, run, kind)| Command::Alarm { at, run, kind }),
        time().prop_map(|at| Command::Wake { at }),
        (job(), prop::sample::select(outcomes)).prop_map(|(job, outcome)| Command::Close { job, outcome }),
    ]
}

fn entries(most: usize) -> impl Strategy<Value = Vec<Entry>> {
    let fact = (time(), event()).prop_map(|(at, event)| Input { at, event });
    let note = prop::collection::vec(any::<u8>(), 0..9);
    let entry =
        (prop::collection::vec(fact, 0..5), prop::collection::vec(command(), 0..5), prop::collection::vec(note, 0..3));
    prop::collection::vec(entry.prop_map(|(facts, orders, notes)| Entry { facts, orders, notes }), 0..most)
}

/// The journal of `entries`, and where each record starts: the header, the entries, the end.
fn write(entries: &[Entry]) -> (Vec<u8>, Vec<usize>) {
    let mut writer = Writer::new(&header());
    let mut starts = vec![4, writer.len()];
    for entry in entries {
        writer.entry(entry);
        starts.push(writer.len());
    }
    (writer.take(), starts)
}

/// What can be read, and what is wrong with the rest.
fn read(bytes: &[u8]) -> (Vec<Entry>, Result<(), Damage>) {
    let mut found = Vec::new();
    let mut reader = match Reader::new(bytes) {
        Ok((_, reader)) => reader,
        Err(damage) => return (found, Err(damage)),
    };
    loop {
        match reader.next_entry() {
            Ok(Some(entry)) => found.push(entry),
            Ok(None) => return (found, Ok(())),
            Err(damage) => return (found, Err(damage)),
        }
    }
}

/// A small journal with facts and orders of several kinds.
fn small() -> Vec<Entry> {
    let run = RunId { job: JobId(0), attempt: 1 };
    let at = |secs: u64, event| Input { at: Time(secs * 1_000_000), event };
    let spec = Box::new(JobSpec::plain(ClassId(0), TenantId(0)));
    let slice = Slice { node: NodeId(1), bank: 0, milli: 1000, mask: 0xff, cpu_milli: 0, memory_mib: 0 };
    let launch = Command::Launch { run, placement: [slice].into_iter().collect(), resume_from: Span::ZERO };
    vec![
        Entry {
            facts: vec![at(1, Event::Submitted { job: JobId(0), spec, truth: None })],
            orders: vec![launch],
            notes: vec![b"who".to_vec()],
        },
        Entry { facts: vec![at(2, Event::Started { run, rate: Rate::FULL })], ..Entry::default() },
        Entry::default(),
        Entry {
            facts: vec![at(9, Event::Ended { run, exit: Exit::Completed, saved: None })],
            orders: vec![Command::Close { job: JobId(0), outcome: Outcome::Finished }],
            notes: Vec::new(),
        },
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_written_is_read_back(entries in entries(8)) {
        let (bytes, starts) = write(&entries);
        let (read_header, mut reader) = Reader::new(&bytes).unwrap();
        prop_assert_eq!(read_header, header());
        for (at, entry) in entries.iter().enumerate() {
            prop_assert_eq!(reader.offset(), starts[at + 1]);
            let found = reader.next_entry().unwrap();
            prop_assert_eq!(found.as_ref(), Some(entry));
            prop_assert_eq!(reader.record(), at as u64 + 1);
        }
        prop_assert_eq!(reader.next_entry(), Ok(None));
    }

    #[test]
    fn a_damaged_journal_never_panics_and_never_lies(
        entries in entries(5),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 1..=255u8), 1..4),
    ) {
        let (mut bytes, _) = write(&entries);
        for (index, flip) in flips {
            let at = index.index(bytes.len());
            bytes[at] ^= flip;
        }
        let (found, _) = read(&bytes);
        prop_assert!(found.iter().zip(&entries).all(|(a, b)| a == b));
    }

    #[test]
    fn any_bytes_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let journal = [b"TYJ1".as_slice(), &bytes].concat();
        prop_assert!(read(&journal).1.is_err());
    }
}

#[test]
fn every_flipped_bit_is_found_and_its_record_named() {
    let (bytes, starts) = write(&small());
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            let (found, damage) = read(&damaged);
            let record = starts.partition_point(|start| *start <= at);
            let expected = match record {
                0 => Damage::NotAJournal,
                _ => Damage::Record { record: record as u64 - 1, offset: starts[record - 1], what: "" },
            };
            let damage = match damage {
                Err(Damage::Record { record, offset, .. }) => Damage::Record { record, offset, what: "" },
                other => other.expect_err("the damage was not found"),
            };
            assert_eq!(damage, expected, "bit {bit} of byte {at}");
            assert_eq!(found, small()[..record.saturating_sub(2).min(found.len())], "sound records before it");
            assert_eq!(found.len(), record.saturating_sub(2));
        }
    }
}

#[test]
fn every_cut_leaves_the_sound_records_before_it() {
    let (bytes, starts) = write(&small());
    for cut in 0..bytes.len() {
        let (found, damage) = read(&bytes[..cut]);
        let whole = starts.iter().filter(|start| **start <= cut).count();
        assert_eq!(found, small()[..whole.saturating_sub(2)], "cut at {cut}");
        let clean = whole >= 2 && starts[whole - 1] == cut;
        let expected = match whole {
            0 => Err(Damage::NotAJournal),
            _ if clean => Ok(()),
            _ => Err(Damage::Truncated { record: whole as u64 - 1, offset: starts[whole - 1] }),
        };
        assert_eq!(damage, expected, "cut at {cut}");
    }
}

#[test]
fn other_versions_and_other_files_are_told_apart() {
    let writer = Writer::new(&Header { version: VERSION + 1, ..header() }).take();
    assert_eq!(read(&writer).1, Err(Damage::Version { found: VERSION + 1 }));
    assert_eq!(read(b"PK\x03\x04 something else").1, Err(Damage::NotAJournal));
    assert_eq!(read(b"").1, Err(Damage::NotAJournal));
}
