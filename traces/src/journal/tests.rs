//! A journal by hand: each kind of end, each kind of damage, each kind of gang.

use engine::journal::{Entry, Header, VERSION, Writer};
use engine::{
    ClassId, Command, Event, Exit, GpuRequest, Input, Inventory, JobId, JobSpec, Outcome, Placement, Rate, RunId,
    Shape, Span, TaskGroup, TaskRequest, TenantId, Time,
};

use super::gang::Gang;
use super::{Cut, OwnTime, Recording, Stop};
use crate::trace::{Recorded, TraceJob};

const REFUSED: Cut = Cut::Refused { hint: "HINT" };

fn writer() -> Writer {
    Writer::new(&Header {
        version: VERSION,
        trainyard_version: "0".to_owned(),
        policy: "fifo".to_owned(),
        estimates: false,
        seed: 1,
        inventory: Inventory::uniform(2, 8, "A100"),
        notes: vec![("origin".to_owned(), "2026-01-02 03:04:05".to_owned())],
    })
}

fn record(writer: &mut Writer, at_s: u64, facts: Vec<Event>, orders: Vec<Command>) {
    let facts = facts.into_iter().map(|event| Input { at: Time(at_s * 1_000_000), event }).collect();
    writer.entry(&Entry { facts, orders, notes: Vec::new() });
}

fn run(job: u32, attempt: u32) -> RunId {
    RunId { job: JobId(job), attempt }
}

fn launch(job: u32, attempt: u32, from_s: u64) -> Command {
    Command::Launch { run: run(job, attempt), placement: Placement::new(), resume_from: Span::secs(from_s) }
}

fn started(job: u32, attempt: u32) -> Event {
    Event::Started { run: run(job, attempt), rate: Rate::FULL }
}

fn ended(job: u32, attempt: u32, exit: Exit, saved_s: Option<u64>) -> Event {
    Event::Ended { run: run(job, attempt), exit, saved: saved_s.map(Span::secs) }
}

fn close(job: u32, outcome: Outcome) -> Command {
    Command::Close { job: JobId(job), outcome }
}

fn declarations() -> Vec<Event> {
    let tenant = |id: usize, name: &str, parent: Option<u32>| Event::TenantDeclared {
        tenant: TenantId::new(id),
        name: name.to_owned(),
        parent: parent.map(TenantId),
        weight_milli: 1000,
    };
    let shape = Shape::uniform(2, TaskRequest::whole_gpus(1));
    vec![Event::ClassDeclared { class: ClassId(0), shape }, tenant(0, "org", None), tenant(1, "team", Some(0))]
}

fn submitted(job: u32) -> Event {
    let spec = Box::new(JobSpec::plain(ClassId(0), TenantId(1)));
    Event::Submitted { job: JobId(job), spec, truth: None }
}

/// Job 0 is preempted, loses some work, and finishes; 1 fails twice; 2 is cancelled while it waits, 3 while it runs; 4
/// hits its limit; 5 still runs; 6 still waits.
fn a_day() -> Vec<u8> {
    let mut writer = writer();
    let to = &mut writer;
    record(to, 0, declarations(), vec![]);
    record(to, 1, (0..7).map(submitted).collect(), vec![launch(0, 1, 0), launch(1, 1, 0)]);
    record(to, 3, vec![started(0, 1), started(1, 1)], vec![]);
    record(to, 13, vec![ended(1, 1, Exit::Failed(7), None)], vec![launch(1, 2, 0)]);
    record(to, 14, vec![started(1, 2)], vec![]);
    record(to, 20, vec![ended(1, 2, Exit::Failed(9), None)], vec![close(1, Outcome::Failed)]);
    let drain = Command::Drain { run: run(0, 1), grace: Span::secs(9) };
    record(to, 43, vec![Event::Cancelled { job: JobId(2) }], vec![close(2, Outcome::Cancelled), drain]);
    record(to, 48, vec![ended(0, 1, Exit::Stopped, Some(30))], vec![launch(3, 1, 0), launch(4, 1, 0)]);
    record(to, 50, vec![started(3, 1), started(4, 1)], vec![]);
    let drain = |job| Command::Drain { run: run(job, 1), grace: Span::ZERO };
    record(to, 60, vec![Event::Cancelled { job: JobId(3) }], vec![drain(3), drain(4)]);
    let orders = vec![close(3, Outcome::Cancelled), close(4, Outcome::TimedOut), launch(0, 2, 30), launch(5, 1, 0)];
    record(to, 61, vec![ended(3, 1, Exit::Stopped, None), ended(4, 1, Exit::Failed(143), None)], orders);
    record(to, 64, vec![started(0, 2), started(5, 1)], vec![]);
    record(to, 84, vec![ended(0, 2, Exit::Completed, Some(50))], vec![close(0, Outcome::Finished)]);
    writer.take()
}

#[test]
fn runs_and_jobs_have_times_of_their_own() {
    let mut own = Recording::read("day", &a_day(), REFUSED).unwrap().own_times();
    assert_eq!(
        (own.launch(run(0, 1)), own.launch(run(3, 1)), own.launch(run(2, 1))),
        (Some(secs(2)), Some(secs(2)), None)
    );
    // It had saved ten seconds before it was told to stop, and nothing after.
    let stop = Stop { took: Some(secs(5)), saved_after: None, starts_yet: false };
    assert_eq!((own.stop(run(0, 1)), own.stop(run(0, 2)), own.stop(run(1, 1))), (Some(stop), Some(stop), None));
    assert_eq!((own.notice(JobId(0)), own.notice(JobId(5))), (Some(secs(0)), None));
    assert_eq!((own.saves(JobId(0)), own.saves(JobId(6)), own.kill(run(3, 1))), (Some([].as_slice()), None, None));
    own.forget(OwnTime::Stops);
    assert_eq!((own.stop(run(0, 1)), own.launch(run(0, 1))), (None, Some(secs(2))));
    own.forget(OwnTime::Saves);
    assert_eq!(own.saves(JobId(0)), None);
}

fn secs(secs: u64) -> Span {
    Span::secs(secs)
}

#[test]
fn each_job_is_told_by_what_it_did_or_counted() {
    let recording = Recording::read("day", &a_day(), REFUSED).unwrap();
    let trace = recording.trace().unwrap();
    let told = |job: &TraceJob| (job.id.to_string(), job.duration.0 / 1_000_000, job.recorded);
    let expected = [
        ("0", 50, Recorded::Finished),
        ("1", 6, Recorded::Failed),
        ("3", 11, Recorded::Killed),
        ("4", 11, Recorded::TimedOut),
        ("5", 20, Recorded::Censored),
    ];
    let found: Vec<_> = trace.jobs.iter().map(told).collect();
    assert_eq!(found, expected.map(|(id, work, end)| (id.to_owned(), work, end)));
    let dropped: Vec<_> = trace.ledger.dropped.iter().map(|(cause, count)| (cause.as_str(), *count)).collect();
    assert_eq!(dropped, [("cancelled before it made progress", 1), ("still waited at the end of the journal", 1)]);
    assert_eq!((trace.ledger.rows, trace.ledger.changed.len()), (7, 1));
    assert_eq!((trace.tenants.as_slice(), trace.jobs[0].tenant), (&["org/team".to_owned()][..], 0));
    assert_eq!(trace.origin.as_deref(), Some("2026-01-02 03:04:05"));
    assert_eq!((trace.jobs[0].gpu_milli, trace.jobs[0].tasks, trace.jobs[0].start), (2000, 2, Some(Time(1_000_000))));
    assert_eq!(recording.whole().unwrap().jobs.len(), 7);
}

#[test]
fn failures_and_overheads_are_kept() {
    let recording = Recording::read("day", &a_day(), REFUSED).unwrap();
    let failures: Vec<_> = recording.jobs[1].failures.iter().map(|failure| (failure.after, failure.code)).collect();
    assert_eq!(failures, [(Span::secs(10), 7), (Span::secs(6), 9)]);
    // A program that exits with an error because it was told to stop has not failed.
    assert!(recording.jobs[4].failures.is_empty());
    let measures = recording.measures();
    assert_eq!(
        (measures.launch.runs, measures.launch.p50, measures.launch.p90),
        (5, Some(Span::secs(2)), Some(Span::secs(3)))
    );
    assert_eq!((measures.relaunch.runs, measures.relaunch.p50), (2, Some(Span::secs(1))));
    assert_eq!((measures.drain.runs, measures.drain.p50, measures.kill.runs), (3, Some(Span::secs(1)), 0));
    // One of three kept its work.
    assert_eq!((measures.stops_save, measures.save_interval), (Some(false), None));
}

#[test]
fn a_cut_is_refused_or_used_and_damage_never() {
    let day = a_day();
    let error = |bytes: &[u8], cut| Recording::read("day", bytes, cut).unwrap_err().into_error();
    let cut = error(&day[..day.len() - 1], REFUSED);
    assert!(cut.to_string().starts_with("day: the file ends inside record 13, which starts at byte "), "{cut}");
    assert!(cut.to_string().ends_with("; the 12 records before it are sound"), "{cut}");
    assert!(cut.hint().unwrap().ends_with("; HINT"));
    let used = Recording::read("day", &day[..day.len() - 1], Cut::Allowed).unwrap();
    assert_eq!((used.cut, used.entries.len(), used.jobs[0].outcome), (Some(13), 12, None));
    assert_eq!(used.trace().unwrap().history[0].what, "journal cut off inside record 13");
    for at in (4..day.len()).step_by(7) {
        let mut bytes = day.clone();
        bytes[at] ^= 0x10;
        assert!(error(&bytes, Cut::Allowed).to_string().contains("is damaged"), "byte {at}");
    }
    for length in 0..day.len() {
        let _ = Recording::read("day", &day[..length], Cut::Allowed).map(|recording| recording.trace());
    }
}

#[test]
fn what_contradicts_itself_is_named() {
    let said = |facts: Vec<Event>, orders: Vec<Command>| {
        let mut writer = writer();
        record(&mut writer, 0, declarations(), vec![]);
        record(&mut writer, 5, vec![submitted(0)], vec![]);
        record(&mut writer, 5, facts, orders);
        Recording::read("day", &writer.take(), REFUSED).unwrap_err().into_error().to_string()
    };
    assert_eq!(said(vec![submitted(0)], vec![]), "day: record 3: j0 was submitted out of order");
    assert_eq!(said(vec![started(3, 1)], vec![]), "day: record 3: j3 does not exist");
    assert_eq!(said(vec![], vec![launch(1, 1, 0)]), "day: record 3: j1 does not exist");
    assert_eq!(said(vec![], vec![close(9, Outcome::Failed)]), "day: record 3: j9 does not exist");
    let spec = Box::new(JobSpec::plain(ClassId(4), TenantId(0)));
    let unknown = Event::Submitted { job: JobId(1), spec, truth: None };
    assert!(said(vec![unknown], vec![]).contains("names a class, a tenant"));
    let node = Event::NodeDown { node: engine::NodeId(2) };
    assert!(said(vec![node], vec![]).ends_with("refers to what is not there"));
}

#[test]
fn gangs_are_what_a_trace_says_of_them() {
    let inventory = Inventory::uniform(4, 8, "A100");
    let task = |gpus| TaskRequest { cpu_milli: 1000, memory_mib: 3, ..TaskRequest::whole_gpus(gpus) };
    let part = |milli| TaskRequest { gpus: GpuRequest::Milli(milli), ..task(0) };
    let of = |shape: &Shape| {
        let gang = Gang::of(shape, &inventory);
        (gang.gpu_milli, gang.tasks, gang.cpu_milli, gang.memory_mib, gang.lost.is_some())
    };
    assert_eq!(of(&Shape::uniform(1, task(4))), (4000, 0, 1000, 3, false));
    assert_eq!(of(&Shape::uniform(4, task(1))), (4000, 4, 4000, 12, false));
    assert_eq!(of(&Shape::uniform(1, task(16))), (16_000, 1, 1000, 3, false), "a task larger than any node");
    assert_eq!(of(&Shape::uniform(3, part(500))), (1500, 3, 3000, 9, false));
    assert_eq!(of(&Shape::uniform(1, part(250))), (250, 0, 1000, 3, false));
    assert_eq!(of(&Shape::uniform(3, task(0))), (0, 3, 3000, 9, false));
    // Whole nodes and a remainder, as the cluster makes them: CPU is that of which 7 and 4 are the shares.
    let base = TaskRequest { cpu_milli: 20_001, memory_mib: 7, ..TaskRequest::whole_gpus(0) };
    let shape = Shape::gang(20, 8, base);
    let (gpus, tasks, cpu, memory, lost) = of(&shape);
    assert_eq!((gpus, tasks, lost), (20_000, 0, false));
    let again = TaskRequest { cpu_milli: cpu, memory_mib: memory, ..TaskRequest::whole_gpus(0) };
    assert_eq!(Shape::gang(20, 8, again), shape);
    let group = |tasks_min, tasks_max, request| TaskGroup { tasks_min, tasks_max, request };
    let mixed = Shape { groups: [group(1, 1, task(4)), group(2, 2, part(300))].into_iter().collect(), ..shape.clone() };
    assert_eq!(of(&mixed), (5000, 0, 3000, 9, true));
    let grows = Shape { groups: [group(1, 3, task(1))].into_iter().collect(), ..shape };
    assert_eq!(of(&grows), (3000, 3, 3000, 9, true));
}
