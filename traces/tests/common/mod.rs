//! What the tests share.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::print_stdout)]

use std::path::PathBuf;

use proptest::prelude::*;
use traces::{Details, JobType, Recorded, Trace, TraceError, TraceJob, Wishes};

/// An error with its hint.
pub fn text(error: &TraceError) -> String {
    format!("{error}\nhint: {}", error.hint().unwrap_or("NONE"))
}

/// The folder with the real traces; a test that needs it says so and returns when it is not there.
pub fn data(file: &str) -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("TRAINYARD_DATA") {
        return Some(PathBuf::from(folder).join("traces").join(file));
    }
    println!("skipped: TRAINYARD_DATA does not name the folder with the real traces");
    None
}

/// What the indices of a job mean: tenant, models, queue, kind.
pub type Names = (String, Option<Vec<String>>, Option<String>, Option<JobType>);

/// A job with its names instead of indices, for comparisons across tables.
pub fn named(trace: &Trace) -> Vec<(TraceJob, Names)> {
    let name = |job: &TraceJob| {
        let names = (
            trace.tenants[job.tenant as usize].clone(),
            job.models.map(|set| trace.model_sets[set as usize].clone()),
            job.queue.map(|queue| trace.queues[queue as usize].clone()),
            job.job_type.map(|kind| trace.job_types[kind as usize].clone()),
        );
        let mut bare = TraceJob { tenant: 0, ..job.clone() };
        (bare.models, bare.queue, bare.job_type) = (None, None, None);
        (bare, names)
    };
    trace.jobs.iter().map(name).collect()
}

fn recorded() -> impl Strategy<Value = Recorded> {
    prop_oneof![
        Just(Recorded::Unknown),
        Just(Recorded::Finished),
        Just(Recorded::Failed),
        Just(Recorded::Killed),
        Just(Recorded::TimedOut),
        Just(Recorded::NodeFailed),
        Just(Recorded::Censored)
    ]
}

fn micros() -> impl Strategy<Value = u64> {
    prop_oneof![0..10_000_000u64, 0..=i64::MAX as u64, Just(i64::MAX as u64)]
}

/// GPUs and tasks: whole GPUs or a part of one, or equal tasks of either.
fn gang() -> impl Strategy<Value = (u32, u32)> {
    let whole = prop_oneof![0..=1000u32, (1..4_294_000u32).prop_map(|gpus| gpus * 1000)].prop_map(|milli| (milli, 0));
    let tasks = (prop_oneof![0..=1000u32, (1..16u32).prop_map(|gpus| gpus * 1000)], 1..100u32);
    prop_oneof![whole, tasks.prop_map(|(milli, tasks)| (milli * tasks, tasks))]
}

fn job() -> impl Strategy<Value = TraceJob> {
    let amounts = (gang(), 0..u32::MAX, 0..u32::MAX, prop::option::of(0..3u32), 0..4u32);
    let times =
        (micros(), micros(), prop::option::of(micros()), prop::option::of(micros()), prop::option::of(micros()));
    let training = (prop::option::of(0..3u32), prop::option::of(micros()), any::<u32>());
    let level = || prop::option::of(prop::sample::select(engine::Level::ALL.to_vec()));
    let wishes = (
        prop::option::of(micros()),
        prop::option::of(micros()),
        prop::option::of("[ -~é]{0,6}[a-z,]"),
        level(),
        level(),
    );
    let queued = (prop::option::of(0..2u32), prop::option::of("[ -~é]{0,6}[a-z,]"), prop::option::of(micros()));
    (amounts, times, any::<i32>(), any::<bool>(), recorded(), training, queued, wishes).prop_map(
        |(
            (gang, cpu_milli, memory_mib, models, tenant),
            times,
            priority,
            preemptible,
            recorded,
            training,
            queued,
            wishes,
        )| {
            TraceJob {
                id: "".into(),
                submit: engine::Time(times.0),
                duration: engine::Span(times.1),
                gpu_milli: gang.0,
                tenant,
                priority,
                preemptible,
                recorded,
                details: Details {
                    cpu_milli,
                    memory_mib,
                    models,
                    estimate: times.2.map(engine::Span),
                    tasks: gang.1,
                    queue: queued.0,
                    name: queued.1.map(Into::into),
                    start: queued.2.map(engine::Time),
                    job_type: training.0,
                    steps: training.1,
                    weight_milli: training.2,
                    wishes: Wishes {
                        time_limit: times.3.map(engine::Span),
                        deadline: times.4.map(engine::Time),
                        start_by: wishes.0.map(engine::Time),
                        restart: wishes.1.map(engine::Span),
                        qos: wishes.2.map(Into::into),
                        required: wishes.3,
                        preferred: wishes.4,
                    }
                    .into(),
                }
                .into(),
            }
        },
    )
}

/// Traces with every column in use and awkward names.
pub fn trace() -> impl Strategy<Value = Trace> {
    let ids = prop::collection::btree_set("[ -~é\n]{0,6}[a-z,\"]", 1..20);
    (ids, prop::collection::vec(job(), 20)).prop_map(|(ids, mut jobs)| {
        jobs.truncate(ids.len());
        for (job, id) in jobs.iter_mut().zip(ids) {
            job.id = id.into();
        }
        jobs.sort_by_key(|job| job.submit);
        Trace {
            source: "generated".to_owned(),
            format: "canonical".to_owned(),
            jobs,
            tenants: ["all", "org/team/a b", "ü/\"q\"", "x,y"].map(str::to_owned).to_vec(),
            model_sets: vec![
                vec!["A100".to_owned()],
                vec!["V100".to_owned(), "A100".to_owned()],
                vec!["with, comma".to_owned()],
            ],
            queues: vec!["gpu".to_owned(), "a, b".to_owned()],
            job_types: vec![
                JobType { name: "bert".to_owned(), ..JobType::default() },
                JobType { name: "ResNet-18".to_owned(), batch_size: Some(32), batch_mode: None },
                JobType { name: "x,y".to_owned(), batch_size: Some(0), batch_mode: Some("gns".to_owned()) },
            ],
            ..Trace::default()
        }
    })
}
