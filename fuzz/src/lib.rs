//! What the fuzz targets share: the promises of a reader of traces.

use traces::{Format, Trace, TraceError};

/// Reads `bytes` as `format` (`None`: found from the content), and checks what comes out.
pub fn read(format: Option<Format>, bytes: &[u8]) {
    match traces::read_bytes("input", format, bytes) {
        Ok(trace) => {
            check(&trace);
            check_round_trip(&trace);
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

/// What every reader promises.
fn check(trace: &Trace) {
    assert!(!trace.jobs.is_empty(), "a trace without jobs is an error");
    assert!(trace.jobs.is_sorted_by_key(|job| job.submit), "jobs are sorted by submission");
    for job in &trace.jobs {
        assert!((job.tenant as usize) < trace.tenants.len(), "{} has no tenant", job.id);
        assert!(job.models.is_none_or(|set| (set as usize) < trace.model_sets.len()), "{} has no models", job.id);
        let task_milli = job.gpu_milli / job.tasks.max(1);
        assert_eq!(task_milli * job.tasks.max(1), job.gpu_milli, "the tasks of {} are not equal", job.id);
        assert!(task_milli <= 1000 || task_milli % 1000 == 0, "{} has {} milli-GPUs", job.id, job.gpu_milli);
        assert!(job.queue.is_none_or(|queue| (queue as usize) < trace.queues.len()), "{} has no queue", job.id);
        assert!(job.job_type.is_none_or(|kind| (kind as usize) < trace.job_types.len()), "{} has no type", job.id);
    }
    let dropped: u64 = trace.ledger.dropped.values().sum();
    if !["philly-log", "events"].contains(&trace.format.as_str()) {
        assert_eq!(trace.jobs.len() as u64 + dropped, trace.ledger.rows, "every row is a job or counted as dropped");
    }
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
    assert!(!error.message().is_empty() && error.to_string().len() < 2000, "{error}");
}
