//! Events of pods, as a Prometheus or Kubernetes export gives them: a CSV file with one row a run of a pod.
//!
//! Columns: `job`, `pod`, `node`, `start`, `end` (needed); `namespace`, `user`, `queue`; `gpus`, `gpu_model`, `cpu`
//! (cores, or `500m`), `memory` (bytes, or `64Gi`), each of the pod; `created` or `submit`; `phase` or `status`
//! (Kubernetes' pod phases); `reason`; `priority` (a number); `priority_class` (a name, not used). The values are
//! those of kube-state-metrics (<https://github.com/kubernetes/kube-state-metrics>, Apache-2.0, `docs/metrics`):
//! `kube_pod_info`, `kube_pod_created`, `kube_pod_start_time`, `kube_pod_completion_time`,
//! `kube_pod_container_resource_requests`.
//!
//! Times are Unix times in seconds, milliseconds, microseconds or nanoseconds, told by their size, or dates by
//! RFC 3339; one way a column. An empty cell, `NaN`, `null`, `None` and `<none>` mean that there is no value.
//!
//! Rows with the same namespace and job are one job:
//! - its gang is the largest number of its pods that ran at one instant (an end at that instant is before a start);
//!   pods without GPUs beside pods with GPUs, such as launchers, are not counted in the gang. So a pod that is started
//!   again, under its own name or another one, does not make the gang larger;
//! - it starts when the gang is first complete, and its run time is the time from then in which any pod of the gang
//!   ran, without gaps;
//! - it is submitted when its first pod was created, or else when its first pod started;
//! - its outcome is that of the pod that ended last, of several the worst;
//! - a pod without start never ran; one without end still ran at the last time in the file, unless its phase says that
//!   it ended: then nobody knows how long it ran, and it is left out and counted.
//!
//! The node is not used: a replay places jobs anew. Without the column `gpus` every pod has one GPU, which is a guess;
//! an empty cell means none. Each row beyond the first of a job is counted as joined.

use std::collections::BTreeMap;

use super::{Signs, Spec};
use crate::build::{Builder, Twins, no_jobs};
use crate::error::TraceError;
use crate::input::Input;
use crate::table::Table;
use crate::trace::Trace;

pub(crate) mod clock;
mod columns;
mod gang;
mod job;
#[cfg(test)]
mod tests;

use columns::{Columns, NEEDED};
use job::{Pods, make};

pub(super) static SPEC: Spec = Spec {
    name: "events",
    aliases: &["kubernetes", "prometheus"],
    about: "runs of pods (job, pod, node, start, end), as exported from Prometheus or Kubernetes",
    options: &[],
    signs: Signs::Columns(&NEEDED),
    read,
};

/// Reads runs of pods.
fn read(input: &Input<'_>) -> Result<Trace, TraceError> {
    let mut table = Table::open(input.file, input.text)?;
    let mut columns = Columns::find(table.header())?;
    let mut builder = Builder::new(input.file, SPEC.name);
    builder.ledger.ignored_columns = Columns::ignored(table.header());
    let mut jobs: Vec<Pods> = Vec::new();
    let mut known: BTreeMap<(String, String), usize> = BTreeMap::new();
    while let Some(cells) = table.next()? {
        builder.row();
        let Some(pod) = columns.pod(&cells, &mut builder.ledger)? else { continue };
        let key = (pod.namespace.clone(), pod.job.clone());
        if let Some(at) = known.get(&key) {
            jobs[*at].push(pod);
        } else {
            known.insert(key, jobs.len());
            jobs.push(Pods::of(pod));
        }
    }
    columns.check_clocks(input.file)?;
    if jobs.is_empty() {
        return Err(no_jobs(input.file, &builder.ledger));
    }
    if !columns.say_gpus() {
        builder.ledger.change_row("no column gpus: one GPU a pod (counted once)");
    }
    let clock = columns.clock();
    for pods in jobs {
        let (job, place) = make(pods, &clock, input.file, &mut builder)?;
        builder.push(job, place);
    }
    builder.finish(Twins::Refused, clock.origin())
}
