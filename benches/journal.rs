//! Writing and reading a journal in memory.
//!
//! Baseline: `copy`, the same bytes copied once and their checksum taken, which no format can avoid.

#![allow(clippy::print_stdout, clippy::expect_used, reason = "a benchmark prints what it measures beside criterion")]

mod support;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::journal::{Entry, Reader, Writer};
use simulator::journal::header;
use simulator::metrics::Segments;
use simulator::physics::Physics;
use simulator::run::{RunSpec, replay_recorded};
use simulator::tenants::TenantTerms;
use simulator::workload::Workload;

fn recorded() -> Vec<u8> {
    let trace = support::trace(20_000, 800, 0.9).into();
    let inventory = support::cluster(100);
    let workload = Workload::new(&trace, &inventory, &TenantTerms::default());
    let physics = Physics::default();
    let policy = "fifo[skip=true]".to_owned();
    let spec =
        RunSpec { inventory: &inventory, policy, physics: &physics, load: 1.0, seed: 1, segments: Segments::Off };
    let mut writer = Writer::new(&header(&spec, &workload));
    replay_recorded(&spec, &workload, &mut writer).expect("a sound replay");
    writer.take()
}

fn read(bytes: &[u8]) -> Vec<Entry> {
    let (_, mut reader) = Reader::new(bytes).expect("a sound journal");
    std::iter::from_fn(|| reader.next_entry().expect("a sound journal")).collect()
}

fn journal(criterion: &mut Criterion) {
    let bytes = recorded();
    let entries = read(&bytes);
    println!("journal of 20,000 jobs: {} records, {} bytes", entries.len(), bytes.len());
    let mut group = criterion.benchmark_group("journal");
    group.throughput(Throughput::Bytes(bytes.len() as u64)).sample_size(20);
    group.bench_function("copy", |b| {
        b.iter(|| {
            let copy = black_box(&bytes).clone();
            let sum = copy.iter().fold(0u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(*byte)));
            black_box((copy, sum))
        });
    });
    group.bench_function("write", |b| {
        b.iter(|| {
            let mut writer = Writer::default();
            for entry in &entries {
                writer.entry(entry);
            }
            black_box(writer.take())
        });
    });
    group.bench_function("read", |b| b.iter(|| black_box(read(&bytes)).len()));
    group.finish();
}

criterion_group!(benches, journal);
criterion_main!(benches);
