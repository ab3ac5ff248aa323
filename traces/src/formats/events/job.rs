//! One job out of the runs of its pods.

use std::collections::{BTreeMap, BTreeSet};

use engine::{Span, Time};

use super::columns::{Clock, Pod};
use super::gang::{Held, cover, peak};
use crate::build::Builder;
use crate::canonical::words::below_unlimited;
use crate::details::Details;
use crate::error::TraceError;
use crate::table::Place;
use crate::trace::{Ledger, Recorded, TraceJob};

/// The pods of one job.
pub(super) struct Pods {
    pods: Vec<Pod>,
    place: Place,
}

impl Pods {
    pub(super) fn of(pod: Pod) -> Self {
        Self { place: pod.place, pods: vec![pod] }
    }

    pub(super) fn push(&mut self, pod: Pod) {
        self.pods.push(pod);
    }
}

/// The size of a gang.
struct Gang {
    gpu_milli: u32,
    tasks: u32,
}

/// Makes the job.
pub(super) fn make(
    pods: Pods,
    clock: &Clock,
    file: &str,
    builder: &mut Builder,
) -> Result<(TraceJob, Place), TraceError> {
    let place = pods.place;
    let too_large = |field: &str| too_large(file, place, field);
    let running = pods.pods.iter().any(|pod| pod.end.is_none());
    let pods = settled(pods.pods, clock.last, &mut builder.ledger);
    let with_gpus = pods.iter().any(|pod| pod.gpu_milli > 0);
    let members: Vec<&Pod> = pods.iter().filter(|pod| !with_gpus || pod.gpu_milli > 0).collect();
    if members.len() < pods.len() {
        builder.ledger.change_row("pods without GPUs in a gang with GPUs: not counted as tasks");
    }
    let (count, complete) = peak(members.iter().map(|pod| held(pod, 1)));
    let gang = gang(&members, count, &mut builder.ledger).ok_or_else(|| too_large("gpus"))?;
    let run = cover(members.iter().map(|pod| held(pod, 1)), complete);
    if run.gaps > 0 {
        builder.ledger.change_row("stopped and ran again: the time between is no run time");
    }
    if running {
        builder.ledger.change_row("still running at the end of the file: run time so far");
    }
    let total = |amount: &dyn Fn(&Pod) -> u32| below_unlimited(peak(pods.iter().map(|pod| held(pod, amount(pod)))).0);
    let first = &pods[0];
    let job = TraceJob {
        tenant: tenant(first, builder),
        priority: first.priority,
        recorded: if running { Recorded::Censored } else { outcome(&pods) },
        details: Details {
            cpu_milli: total(&|pod| pod.cpu_milli).ok_or_else(|| too_large("cpu"))?,
            memory_mib: total(&|pod| pod.memory_mib).ok_or_else(|| too_large("memory"))?,
            models: models(&members, builder),
            tasks: gang.tasks,
            queue: builder.queue(&first.queue),
            name: Some(first.job.as_str().into()),
            start: Some(since(complete, clock)),
            ..Details::NONE
        }
        .into(),
        ..TraceJob::plain(id(first), submit(&pods, clock, &mut builder.ledger), Span(run.busy_us), gang.gpu_milli)
    };
    Ok((job, place))
}

fn held(pod: &Pod, amount: u32) -> Held {
    Held { start: pod.start, end: pod.end.unwrap_or(pod.start), amount: u64::from(amount) }
}

fn since(at: i64, clock: &Clock) -> Time {
    Time(at.abs_diff(clock.zero))
}

/// The pods, by their start and with an end, each row beyond the first counted as joined, and what one pod did at one
/// time joined into one run.
fn settled(mut pods: Vec<Pod>, last: i64, ledger: &mut Ledger) -> Vec<Pod> {
    for pod in &mut pods {
        pod.end.get_or_insert(last);
    }
    pods.sort_by(|a, b| (a.start, &a.name).cmp(&(b.start, &b.name)));
    let mut latest: BTreeMap<String, usize> = BTreeMap::new();
    let mut kept: Vec<Pod> = Vec::with_capacity(pods.len());
    let mut ended = i64::MAX;
    for pod in pods {
        let before = latest.get(&pod.name).copied();
        let overlaps = |before: &Pod| pod.start == before.start || before.end.is_some_and(|end| pod.start < end);
        if let Some(before) = before.map(|at| &mut kept[at]).filter(|before| overlaps(before)) {
            ledger.drop_row("the same pod at the same time: one run");
            if pod.end > before.end {
                (before.end, before.recorded) = (pod.end, pod.recorded);
            }
            continue;
        }
        if !kept.is_empty() {
            ledger.drop_row(if before.is_some() || pod.start >= ended {
                "a pod that ran again or in the place of another: joined with its job"
            } else {
                "a further pod of a gang: joined with its job"
            });
        }
        ended = ended.min(pod.end.unwrap_or(last));
        latest.insert(pod.name.clone(), kept.len());
        kept.push(pod);
    }
    kept
}

/// GPUs and tasks of a gang of `count` pods; `None` where they are too many.
fn gang(members: &[&Pod], count: u64, ledger: &mut Ledger) -> Option<Gang> {
    let sizes: BTreeSet<u32> = members.iter().map(|pod| pod.gpu_milli).collect();
    let (sum, _) = peak(members.iter().map(|pod| held(pod, pod.gpu_milli)));
    if sizes.len() == 1 {
        return Some(Gang { gpu_milli: below_unlimited(sum)?, tasks: below_unlimited(count)? });
    }
    ledger.change_row("pods of one gang with different GPUs: a gang without tasks");
    let whole = if sum > 1000 { sum.div_ceil(1000) * 1000 } else { sum };
    if whole != sum {
        ledger.change_row("parts of GPUs in a gang without tasks: rounded up to whole GPUs");
    }
    Some(Gang { gpu_milli: below_unlimited(whole)?, tasks: 0 })
}

fn models(members: &[&Pod], builder: &mut Builder) -> Option<u32> {
    let names: BTreeSet<&str> = members.iter().map(|pod| pod.model.as_str()).filter(|name| !name.is_empty()).collect();
    if names.len() > 1 {
        builder.ledger.change_row("several GPU models in one job: any of them will do");
    }
    builder.models(names.into_iter().map(str::to_owned).collect())
}

fn tenant(pod: &Pod, builder: &mut Builder) -> u32 {
    match (&*pod.namespace, &pod.user) {
        ("", None) => builder.tenant(""),
        ("", Some(user)) => builder.tenant_of(&[user]),
        (namespace, None) => builder.tenant_of(&[namespace]),
        (namespace, Some(user)) => builder.tenant_of(&[namespace, user]),
    }
}

/// The name of the job, behind its namespace where there is one.
fn id(pod: &Pod) -> String {
    if pod.namespace.is_empty() { pod.job.clone() } else { format!("{}/{}", pod.namespace, pod.job) }
}

fn submit(pods: &[Pod], clock: &Clock, ledger: &mut Ledger) -> Time {
    let created = pods.iter().filter_map(|pod| pod.created).min();
    let first = pods.iter().map(|pod| pod.start).min().unwrap_or(clock.zero);
    if created.is_none() {
        ledger.change_row("no time of creation: submitted when its first pod started");
    }
    since(created.map_or(first, |created| created.min(first)), clock)
}

/// How the pods ended that ended last: of several, the worst.
fn outcome(pods: &[Pod]) -> Recorded {
    let last = pods.iter().filter_map(|pod| pod.end).max();
    let worst = |recorded: &Recorded| match recorded {
        Recorded::Unknown => 0,
        Recorded::Finished => 1,
        Recorded::Censored => 2,
        Recorded::Failed => 3,
        Recorded::Killed => 4,
        Recorded::TimedOut => 5,
        Recorded::NodeFailed => 6,
    };
    pods.iter().filter(|pod| pod.end == last).map(|pod| pod.recorded).max_by_key(worst).unwrap_or_default()
}

fn too_large(file: &str, place: Place, field: &str) -> TraceError {
    let error = match place {
        Place::Line(line) => TraceError::new(file, "the sum over the pods of this job is too large").at_line(line),
        Place::Row(row) => TraceError::new(file, format!("row {row}: the sum over the pods of this job is too large")),
    };
    error.in_field(field).with_hint("check the unit of the column")
}
