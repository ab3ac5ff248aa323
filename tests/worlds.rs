//! Two worlds, one journal: the live world with a paused clock and a launcher without programs does what the simulator does.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that drives programs, says what it measured, and ends where something is wrong"
)]

use std::cell::RefCell;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::rc::Rc;
use std::sync::Arc;

use engine::journal::{Entry, Reader, Writer};
use engine::{Core, Event, Inventory, Time, drive};
use executor::job_file::JobFile;
use executor::ledger::{Desk, Durable, Ledger};
use executor::note::Note;
use executor::rehearsal::rehearsal;
use executor::submission::Defaults;
use executor::world::{LiveWorld, Message, Shared};
use policies::Context;
use proptest::prelude::*;
use simulator::journal::header;
use simulator::metrics::Segments;
use simulator::physics::Physics;
use simulator::run::{RunSpec, replay_recorded};
use simulator::tenants::TenantTerms;
use simulator::workload::Workload;

/// A journal in memory.
#[derive(Default)]
struct Kept(Vec<Entry>);

impl Durable for Kept {
    type Error = Infallible;

    fn append(&mut self, entry: &Entry) -> Result<(), Infallible> {
        self.0.push(entry.clone());
        Ok(())
    }

    fn commit(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Jobs as rows of a trace: (seconds after the last one, GPUs, seconds, tenant, limit).
type Rows = Vec<(u32, u32, u32, u8, bool)>;

fn workload_of(rows: &Rows, folder: &std::path::Path) -> Arc<traces::Trace> {
    let mut text = "job_id,submit_s,gpus,duration_s,tenant,time_limit_s\n".to_owned();
    let mut at = 1;
    for (job, (wait, gpus, secs, tenant, limited)) in rows.iter().enumerate() {
        at += wait;
        let limit = if *limited { (secs / 2 + 1).to_string() } else { String::new() };
        writeln!(text, "j{job},{at},{gpus},{secs},t{tenant},{limit}").unwrap();
    }
    let path = folder.join("jobs.csv");
    std::fs::write(&path, text).unwrap();
    Arc::new(traces::load(path.to_str().unwrap()).unwrap())
}

fn simulated(workload: &Workload<'_>, inventory: &Inventory, policy: &str) -> Vec<Entry> {
    let physics = Physics::default();
    let policy = policy.to_owned();
    let spec = RunSpec { inventory, policy, physics: &physics, load: 1.0, seed: 1, segments: Segments::Off };
    let mut writer = Writer::new(&header(&spec, workload));
    replay_recorded(&spec, workload, &mut writer).unwrap();
    let bytes = writer.take();
    let (_, mut reader) = Reader::new(&bytes).unwrap();
    std::iter::from_fn(|| reader.next_entry().unwrap()).collect()
}

/// The same people and programs in the live world.
fn rehearsed(workload: &Workload<'_>, inventory: &Inventory, policy: &str) -> Vec<Entry> {
    let declared = Message::Facts(workload.declarations().collect(), Vec::new());
    let submitted = (0..workload.len()).map(|index| {
        let event = workload.submission(index);
        let Event::Submitted { job, .. } = event else { panic!("no submission") };
        let mut file = JobFile::plain(vec!["true".to_owned()]);
        file.gpus = f64::from(workload.trace().jobs[index].gpu_milli) / 1000.0;
        let note = Note::Job { job, file: Box::new(file), owner: "somebody".to_owned(), key: None, user: None };
        (workload.submit(index).unwrap(), Message::Facts(vec![event], vec![note]))
    });
    let work = (0..workload.len()).map(|index| workload.trace().jobs[index].duration).collect();
    let (inbox, launcher) = rehearsal([(Time::ZERO, declared)].into_iter().chain(submitted), work);
    let shared = Rc::new(RefCell::new(Shared::default()));
    let mut world = LiveWorld::new(inbox, launcher, Rc::clone(&shared), inventory.clone(), Defaults::default());
    let built = policies::build(policy, Context { estimates: workload.has_estimates(), seed: 1 }).unwrap();
    let mut core = Core::new(inventory.clone(), built.policy);
    let mut ledger = Ledger::new(Kept::default(), Rc::clone(&shared));
    drive(&mut core, &mut world, &mut ledger, &mut Desk::new(shared, ())).unwrap();
    core.check().unwrap();
    std::mem::take(&mut ledger.journal().0)
}

fn rows() -> impl Strategy<Value = Rows> {
    let row =
        (0..40u32, prop::sample::select(vec![1, 1, 2, 3, 4, 8, 12]), 1..200u32, 0..3u8, prop::bool::weighted(0.2));
    prop::collection::vec(row, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_live_world_writes_the_journal_of_the_simulator(
        rows in rows(),
        policy in prop::sample::select(vec![
            "fifo", "easy", "srtf", "las", "tiresias", "fair-share", "priority", "max-min", "conservative", "fifo[skip=true]",
        ]),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let trace = workload_of(&rows, folder.path());
        let inventory = Inventory::uniform(2, 8, "A100");
        let workload = Workload::new(&trace, &inventory, &TenantTerms::default());
        let theirs = simulated(&workload, &inventory, policy);
        let ours = rehearsed(&workload, &inventory, policy);
        let plain = |entry: &Entry| Entry { notes: Vec::new(), ..entry.clone() };
        // The simulator ends with the last job; a live world goes on, and wakes a policy that has asked for it.
        let idle = |entry: &Entry| entry.orders.is_empty() && entry.facts.iter().all(|fact| fact.event == Event::Woke);
        let last = ours.iter().rposition(|entry| !idle(entry)).map_or(0, |last| last + 1);
        let ours = &ours[..last];
        for (at, (one, other)) in theirs.iter().zip(ours).enumerate() {
            prop_assert_eq!(one, &plain(other), "entry {} under {}", at, policy);
        }
        prop_assert_eq!(theirs.len(), ours.len(), "{}", policy);
    }
}
