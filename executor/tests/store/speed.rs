//! Figures, not checks: `cargo test -p executor --test store speed -- --ignored --nocapture --test-threads 1`.

use std::path::Path;
use std::time::{Duration, Instant};

use executor::store::records::{
    HeldRow, JobFilter, JobRow, Liveness, Order, Projected, Reader, Records, Row, RunRow, Writer,
};
use executor::store::{Position, Start, Store};

use crate::records::{file, job};
use crate::support::{entry, header};

fn per_sec(count: u32, elapsed: Duration) -> f64 {
    f64::from(count) / elapsed.as_secs_f64()
}

fn commits(state: &Path, commits: u32, entries_each: u32) {
    let (mut store, _) = Store::open(state, &header("fifo"), Start::Newest).unwrap();
    let mut latencies = Vec::new();
    let begin = Instant::now();
    for at in 0..commits {
        let before = Instant::now();
        for more in 0..entries_each {
            store.append(&entry(u64::from(at + more))).unwrap();
        }
        store.commit().unwrap();
        latencies.push(before.elapsed());
    }
    let elapsed = begin.elapsed();
    latencies.sort_unstable();
    let [p50, p99] = [latencies.len() / 2, latencies.len() * 99 / 100].map(|at| latencies[at]);
    println!(
        "{entries_each} a commit: {:.0} commits/s, {:.0} entries/s, p50 {p50:?}, p99 {p99:?}, {} bytes",
        per_sec(commits, elapsed),
        per_sec(commits * entries_each, elapsed),
        store.segment_bytes()
    );
}

#[test]
#[ignore = "figures for people"]
fn speed_of_the_journal() {
    for (count, entries_each) in [(2000, 1), (500, 64)] {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        commits(folder.path(), count, entries_each);
        let begin = Instant::now();
        let (_, recovered) = Store::open(folder.path(), &header("fifo"), Start::Newest).unwrap();
        println!("  opened after {:?}: {} records", begin.elapsed(), recovered.end().unwrap().record);
    }
}

const JOBS: u32 = 100_000;

fn submitted(number: u32) -> Projected {
    let job = JobRow {
        tenant: format!("org{}/team{}", number % 3, number % 17),
        owner: format!("user{}", number % 50),
        name: Some(format!("train-{}", number % 1000)),
        ..job(number)
    };
    let held = HeldRow {
        job: number,
        attempt: 1,
        launched_us: u64::from(number),
        tenant: job.tenant.clone(),
        owner: job.owner.clone(),
        gpus: [("A100".to_owned(), 8000)].into_iter().collect(),
    };
    let run = RunRow { job: number, nodes: vec!["node-1".to_owned()], ..RunRow::default() };
    let job_file = r#"{"command":["python","train.py"],"gpus":8.0,"memory_mib":64000}"#.to_owned();
    let rows =
        vec![Row::Submitted { job: Box::new(job), job_file }, Row::Run(Box::new(run)), Row::Held(Box::new(held))];
    Projected { position: Position { segment: 1, record: u64::from(number) }, rows }
}

fn ended(number: u32) -> Projected {
    let Projected { rows, .. } = submitted(number);
    let Some(Row::Submitted { mut job, .. }) = rows.into_iter().next() else { unreachable!() };
    "done".clone_into(&mut job.state);
    job.ended_us = Some(1);
    let position = Position { segment: 2, record: u64::from(number) };
    Projected { position, rows: vec![Row::Job(job)] }
}

#[test]
#[ignore = "figures for people"]
fn speed_of_the_records() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = file(&folder);
    let writer = Writer::start(Records::open(&path, Position::START).unwrap().0, 1024).unwrap();
    let begin = Instant::now();
    (1..=JOBS).for_each(|number| writer.send(submitted(number)).unwrap());
    writer.sync().unwrap();
    println!("{JOBS} jobs, 3 rows each: {:.0} rows/s", per_sec(3 * JOBS, begin.elapsed()));
    let begin = Instant::now();
    (1..=JOBS / 2).for_each(|number| writer.send(ended(number)).unwrap());
    writer.sync().unwrap();
    println!("half of them ended: {:.0} rows/s", per_sec(JOBS / 2, begin.elapsed()));
    drop(writer);
    let begin = Instant::now();
    drop(Records::open(&path, Position { segment: 9, record: 0 }).unwrap());
    println!("opened and checked after {:?}: {} bytes", begin.elapsed(), std::fs::metadata(&path).unwrap().len());
    pages(&Reader::open(&path).unwrap());
}

fn pages(reader: &Reader) {
    let live = JobFilter { liveness: Liveness::Live, ..JobFilter::default() };
    let tenant = Some("org1".to_owned());
    let pages = [
        ("all", JobFilter { after: Some(90_000), ..JobFilter::default() }),
        ("live", live.clone()),
        ("live, newest first", JobFilter { order: Order::Newest, ..live.clone() }),
        ("live of a tenant", JobFilter { tenant: tenant.clone(), ..live.clone() }),
        ("of a tenant", JobFilter { tenant, ..JobFilter::default() }),
        (
            "in a state that none is in, live",
            JobFilter { states: vec!["x".to_owned(), "y".to_owned()], ..live.clone() },
        ),
        ("all live ones", JobFilter { limit: u32::MAX, ..live }),
    ];
    for (name, filter) in pages {
        let begin = Instant::now();
        let found = reader.jobs(&filter).unwrap().len();
        println!("page {name}: {found} jobs in {:?}", begin.elapsed());
    }
}
