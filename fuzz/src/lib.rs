//! What the fuzz targets share: the promises of a reader of traces.

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use traces::{Format, Trace, TraceError};

/// A folder for files that a reader must find on disk.
pub static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("trainyard-fuzz-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder for temporary files");
    folder
});

/// Reads `bytes` as `format` (`None`: found from the content), and checks what comes out.
pub fn read(format: Option<Format>, bytes: &[u8]) {
    check_read(traces::read_bytes("input", format, bytes));
}

/// Reads what stands behind the first byte; the first byte chooses one of `ways`, each a format with the options that
/// stand in brackets behind the path: `swf`, `swf[size=max]`.
pub fn read_one_way(ways: &[&str], bytes: &[u8]) {
    let Some((&first, rest)) = bytes.split_first() else { return };
    let way = ways[usize::from(first) % ways.len()];
    let Some((format, options)) = way.split_once('[') else { return read(named(way), rest) };
    let path = FOLDER.join("input");
    fs::write(&path, rest).expect("a temporary file");
    check_read(traces::load(&format!("{format}:{}[{options}", path.display())));
}

/// A sound trace that comes back from the canonical form, or an error that says something.
pub fn check_read(result: Result<Trace, TraceError>) {
    match result {
        Ok(trace) => {
            let dropped: u64 = trace.ledger.dropped.values().sum();
            assert_eq!(
                trace.jobs.len() as u64 + dropped,
                trace.ledger.rows,
                "every row is a job or counted as dropped"
            );
            check_sound(&trace);
        }
        Err(error) => check_error(&error),
    }
}

/// The format called `name`.
pub fn named(name: &str) -> Option<Format> {
    let format = Format::named(name);
    assert!(format.is_some(), "{name} is a format");
    format
}

/// What every reader and every change promises.
pub fn check_sound(trace: &Trace) {
    assert!(!trace.jobs.is_empty(), "a trace without jobs is an error");
    assert!(trace.jobs.is_sorted_by_key(|job| job.submit), "jobs are sorted by submission");
    for job in &trace.jobs {
        assert!((job.tenant as usize) < trace.tenants.len(), "{} has no tenant", job.id);
        assert!(job.models.is_none_or(|set| (set as usize) < trace.model_sets.len()), "{} has no models", job.id);
        let task_milli = job.gpu_milli / job.tasks.max(1);
        assert_eq!(task_milli * job.tasks.max(1), job.gpu_milli, "the tasks of {} are not equal", job.id);
        assert!(task_milli <= 1000 || task_milli % 1000 == 0, "{} has {} milli-GPUs", job.id, job.gpu_milli);
        assert!(job.queue.is_none_or(|queue| (queue as usize) < trace.queues.len()), "{} has no queue", job.id);
        let may_start_early = trace.format == Format::CANONICAL.name();
        let starts_early = job.start.is_some_and(|start| start < job.submit);
        assert!(may_start_early || !starts_early, "{} starts before it is submitted", job.id);
        assert!(i64::try_from(job.submit.0.max(job.duration.0)).is_ok(), "a time of {} is too large to write", job.id);
        assert!(job.job_type.is_none_or(|kind| (kind as usize) < trace.job_types.len()), "{} has no type", job.id);
    }
    check_round_trip(trace);
    drop(traces::describe(trace, None));
    drop(traces::write_swf(trace, std::io::sink()));
}

fn check_round_trip(trace: &Trace) {
    let mut text = Vec::new();
    traces::write_csv(trace, &mut text).expect("memory can be written");
    let again = traces::read_bytes("written", Some(Format::CANONICAL), &text).expect("what was written can be read");
    assert_eq!(again.jobs.len(), trace.jobs.len(), "the number of jobs");
    for (job, copy) in trace.jobs.iter().zip(&again.jobs) {
        let tenants = (&trace.tenants[job.tenant as usize], &again.tenants[copy.tenant as usize]);
        assert_eq!(tenants.0, tenants.1, "the tenant of {}", job.id);
        let models = |trace: &Trace, set: Option<u32>| set.map(|set| trace.model_sets[set as usize].clone());
        assert_eq!(models(trace, job.models), models(&again, copy.models), "the models of {}", job.id);
        let queue = |trace: &Trace, queue: Option<u32>| queue.map(|queue| trace.queues[queue as usize].clone());
        assert_eq!(queue(trace, job.queue), queue(&again, copy.queue), "the queue of {}", job.id);
        let kind = |trace: &Trace, kind: Option<u32>| kind.map(|kind| trace.job_types[kind as usize].clone());
        assert_eq!(kind(trace, job.job_type), kind(&again, copy.job_type), "the type of {}", job.id);
        let mut copy = traces::TraceJob { tenant: job.tenant, ..copy.clone() };
        (copy.models, copy.queue, copy.job_type) = (job.models, job.queue, job.job_type);
        assert_eq!(job, &copy);
    }
}

/// An error says something.
pub fn check_error(error: &TraceError) {
    assert!(!error.message().is_empty() && error.to_string().chars().count() < 2000, "{error}");
}
