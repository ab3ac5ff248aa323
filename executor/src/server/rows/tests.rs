//! Usage in the records is the integral of the allocations in the journal, however the records are written.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::rc::Rc;

use engine::journal::Entry;
use engine::{Command, Core, Event, Inventory, JobId, ModelId, Time, drive};
use policies::Context;
use proptest::prelude::*;

use super::*;
use crate::calendar::{DAY_US, day_of, day_text};
use crate::job_file::{JobFile, Spoken};
use crate::ledger::{Desk, Durable, Ledger};
use crate::note::Audit;
use crate::rehearsal::rehearsal;
use crate::store::Position;
use crate::store::records::{Projected, Reader, Records, Usage, UsageFilter, UsageKey};
use crate::submission::Defaults;
use crate::world::{LiveWorld, Message, Request, Shared, Wish};

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

/// What somebody submits: when, with which work and file.
#[derive(Clone, Debug)]
struct Plan {
    at_s: u64,
    work_s: u64,
    owner: u8,
    file: JobFile,
    /// Cancelled so long after its submission.
    cancel_s: Option<u64>,
}

fn plan() -> impl Strategy<Value = Plan> {
    let gpus = prop::sample::select(vec![0.0, 0.25, 1.0, 1.0, 2.0, 4.0]);
    let times = (0..400_000_u64, 1..300_000_u64, prop::option::weighted(0.2, 1..200_000_u64));
    let limit = prop::option::weighted(0.2, 1..200_000_u64);
    (times, gpus, 1..3_u32, 0..3_u8, 0..3_i32, limit).prop_map(
        |((at_s, work_s, cancel_s), gpus, tasks, owner, priority, limit)| {
            let mut file = JobFile::plain(vec!["true".to_owned()]);
            file.tenant = Some(["a", "a/b", "c"][usize::from(owner)].to_owned());
            (file.gpus, file.tasks, file.priority) = (gpus, tasks, priority);
            file.time_limit = limit.map(|secs| Spoken(engine::Span::secs(secs)));
            Plan { at_s, work_s, owner, file, cancel_s }
        },
    )
}

/// Four GPUs of one model, four of another.
fn inventory() -> Inventory {
    let mut inventory = Inventory::uniform(2, 4, "A100");
    inventory.models.push(engine::GpuModel { name: "H100".to_owned(), memory_mib: 0, price_per_hour: None });
    inventory.nodes[1].model = ModelId(1);
    inventory
}

fn core() -> Core {
    let built = policies::build("priority", Context { estimates: true, seed: 1 });
    Core::new(inventory(), built.unwrap().policy)
}

fn ask(wish: Wish, owner: u8) -> Message {
    let audit = Audit { who: format!("user{owner}"), ..Audit::default() };
    Message::Request(Box::new(Request { wish, audit, answer: Box::new(drop) }))
}

/// What would be in the journal of a server.
fn journal(plans: &[Plan]) -> Vec<Entry> {
    let mut script = Vec::new();
    for (job, plan) in plans.iter().enumerate() {
        let wish = Wish::Submit { file: Box::new(plan.file.clone()), key: None, user: None };
        script.push((Time(plan.at_s * 1_000_000), ask(wish, plan.owner)));
        let cancelled = plan.cancel_s.map(|after| Time((plan.at_s + after) * 1_000_000 + 7));
        script.extend(cancelled.map(|at| (at, ask(Wish::Cancel(JobId::new(job)), plan.owner))));
    }
    script.sort_by_key(|(at, _)| *at);
    let work = plans.iter().map(|plan| engine::Span::secs(plan.work_s)).collect();
    let (inbox, launcher) = rehearsal(script, work);
    let shared = Rc::new(RefCell::new(Shared::default()));
    let mut world = LiveWorld::new(inbox, launcher, Rc::clone(&shared), inventory(), Defaults::default());
    let (mut core, mut ledger) = (core(), Ledger::new(Kept::default(), Rc::clone(&shared)));
    drive(&mut core, &mut world, &mut ledger, &mut Desk::new(shared, ())).unwrap();
    std::mem::take(&mut ledger.journal().0)
}

/// Tenant, owner, model, day.
type Key = (String, String, String, u32);

/// What the journal says by itself: from each order to launch to the fact that the run has ended, or to `now_us`.
fn integral(entries: &[Entry], origin_us: u64, now_us: u64) -> BTreeMap<Key, u128> {
    let (mut sums, mut open, mut files) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
    let (inventory, mut now) = (inventory(), 0);
    let mut close = |run, (placement, from): (engine::Placement, u64), to: u64, files: &[(String, String)]| {
        let engine::RunId { job, .. } = run;
        let (tenant, owner) = &files[job.index()];
        for slice in &placement {
            let model = inventory.models[inventory.nodes[slice.node.index()].model.index()].name.clone();
            let mut at = from;
            // Minute by minute, as nobody would do it elsewhere.
            while at < to {
                let next = (at + 60_000_000 - at % 60_000_000).min(to);
                let key = (tenant.clone(), owner.clone(), model.clone(), (at / DAY_US) as u32);
                *sums.entry(key).or_insert(0) += u128::from(slice.gpu_milli()) * u128::from(next - at);
                at = next;
            }
        }
    };
    for entry in entries {
        for bytes in &entry.notes {
            if let Note::Job { file, owner, .. } = Note::read(bytes).unwrap() {
                files.push((file.tenant.unwrap(), owner));
            }
        }
        for fact in &entry.facts {
            now = fact.at.0;
            if let Event::Ended { run, .. } = fact.event
                && let Some(held) = open.remove(&run)
            {
                close(run, held, origin_us + now, &files);
            }
        }
        for order in &entry.orders {
            if let Command::Launch { run, placement, .. } = order {
                open.insert(*run, (placement.clone(), origin_us + now));
            }
        }
    }
    for (run, held) in open {
        close(run, held, now_us, &files);
    }
    sums.retain(|_, sum| *sum > 0);
    sums
}

/// The records of each entry, as a server that replays the journal sends them; and the core after all of them.
fn projected(entries: &[Entry], origin_us: u64) -> (Vec<Projected>, Core) {
    let (mut core, mut shared, mut orders) = (core(), Shared::default(), Vec::new());
    let mut all = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        let notes: Vec<Note> = entry.notes.iter().map(|bytes| Note::read(bytes).unwrap()).collect();
        orders.clear();
        core.step(&entry.facts, &mut orders).unwrap();
        assert_eq!(orders, entry.orders);
        shared.replay(entry, &notes);
        let rows = Rows::of(&core, &shared.book, &entry.facts, &notes, origin_us);
        all.push(Projected { position: Position { segment: 1, record: at as u64 + 1 }, rows });
    }
    (all, core)
}

fn sums(expected: &BTreeMap<Key, u128>, part: impl Fn(&Key) -> String) -> BTreeMap<String, u128> {
    let mut sums = BTreeMap::new();
    for (key, sum) in expected {
        *sums.entry(part(key)).or_insert(0) += sum;
    }
    sums
}

fn held(usage: BTreeMap<String, Usage>) -> BTreeMap<String, u128> {
    let parts = |usage: &Usage| usage.finished + usage.failed + usage.stopped + usage.running;
    assert!(usage.values().all(|usage| parts(usage) == usage.held));
    usage.into_iter().map(|(key, usage)| (key, usage.held)).filter(|(_, held)| *held > 0).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn usage_is_the_integral_of_the_allocations_in_the_journal(
        plans in prop::collection::vec(plan(), 1..25),
        origin_us in 1_700_000_000_000_000..1_800_000_000_000_000_u64,
        cut in 0.0..1.2_f64,
        splits in prop::collection::vec((1_usize..20, 0_usize..5, any::<bool>()), 1..30),
    ) {
        let whole = journal(&plans);
        // Some journals end while runs go on.
        let entries = &whole[..((whole.len() as f64 * cut) as usize).min(whole.len())];
        let (all, core) = projected(entries, origin_us);
        let last_us = origin_us + core.state().now().0;
        let now_us = last_us + 3_000_000;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.sqlite");
        let end = all.last().map_or(Position::START, |last| last.position);
        // Parts of any size; some are sent twice, as after a crash, and the file is opened anew.
        let (mut records, _) = Records::open(&path, end).unwrap();
        let (mut done, mut splits) = (0, splits.into_iter().cycle());
        while done < all.len() {
            let (length, again, reopens) = splits.next().unwrap();
            if reopens {
                drop(records);
                (records, _) = Records::open(&path, end).unwrap();
            }
            let next = (done + length).min(all.len());
            records.apply(&all[done.saturating_sub(again)..next]).unwrap();
            done = next;
        }
        let expected = integral(entries, origin_us, now_us);
        let reader = Reader::open(&path).unwrap();
        let filter = |by, first, last, below: Option<&str>| UsageFilter { first, last, below: below.map(str::to_owned), by, now_us };
        let usage = |by| reader.usage(&filter(by, 0, day_of(now_us), None)).unwrap();
        prop_assert_eq!(held(usage(UsageKey::Tenant)), sums(&expected, |key| key.0.clone()));
        prop_assert_eq!(held(usage(UsageKey::Owner)), sums(&expected, |key| key.1.clone()));
        prop_assert_eq!(held(usage(UsageKey::Model)), sums(&expected, |key| key.2.clone()));
        prop_assert_eq!(held(usage(UsageKey::Day)), sums(&expected, |key| day_text(key.3)));
        // One day, and one tenant with those below it.
        let day = day_of(origin_us) + 2;
        let mut part = expected.clone();
        part.retain(|key, _| key.3 == day && key.0.starts_with('a'));
        let of_part = reader.usage(&filter(UsageKey::Tenant, day, day, Some("a"))).unwrap();
        prop_assert_eq!(held(of_part), sums(&part, |key| key.0.clone()));
        // What the engine itself has counted for runs that have ended, and the jobs that ended with a run.
        let (jobs, total) = (core.state().jobs(), usage(UsageKey::Tenant));
        let of_engine: u128 = jobs.iter().map(|job| job.held_milli_micros).sum();
        prop_assert_eq!(total.values().map(|usage| usage.finished + usage.failed + usage.stopped).sum::<u128>(), of_engine);
        let ended = entries.iter().flat_map(|entry| &entry.facts).filter(|fact| matches!(fact.event, Event::Ended { .. })).count();
        prop_assert_eq!(total.values().map(|usage| usage.runs).sum::<u64>(), ended as u64);
        let over = jobs.iter().filter(|job| job.outcome().is_some() && job.first_launch.known().is_some()).count();
        prop_assert!(total.values().map(|usage| usage.jobs).sum::<u64>() <= over as u64);
    }
}
