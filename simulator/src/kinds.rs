//! Kinds of jobs as the engine knows them: what a table of throughput says of a gang of so many GPUs on each model.

use std::collections::BTreeMap;

use engine::{Event, Inventory, JobId, KindId, MILLI, ModelId, ModelSet};

use crate::speed::Speeds;
use crate::workload::Workload;

/// The kinds of the jobs of one workload on one cluster.
#[derive(Debug, Default)]
pub(crate) struct Kinds {
    speeds: Vec<Vec<u32>>,
    /// By kind of the trace and GPUs of the gang.
    ids: BTreeMap<(u32, u32), Option<KindId>>,
}

impl Kinds {
    /// All kinds of which a speed is known. None on a cluster of one model, where there is nothing to choose.
    pub(crate) fn new(workload: &Workload<'_>, speeds: &Speeds<'_>, inventory: &Inventory) -> Self {
        let mut kinds = Self::default();
        if inventory.models.len() < 2 || !speeds.are_measured() {
            return kinds;
        }
        let models = (0..inventory.models.len()).map(|model| ModelId(model as u8));
        let nodes: Vec<(ModelId, u32)> =
            models.map(|model| (model, inventory.largest_node(ModelSet::NONE.with(model)))).collect();
        for job in 0..workload.len() {
            let Some(key) = key(workload, JobId::new(job)) else { continue };
            let next = KindId::new(kinds.speeds.len());
            if kinds.ids.contains_key(&key) {
                continue;
            }
            let on =
                |(model, per_node): &(ModelId, u32)| speeds.alone_ppm(key.0, key.1, *model, *per_node).unwrap_or(0);
            let ppm: Vec<u32> = nodes.iter().map(on).collect();
            let known = ppm.iter().any(|ppm| *ppm > 0);
            kinds.ids.insert(key, known.then_some(next));
            if known {
                kinds.speeds.push(ppm);
            }
        }
        kinds
    }

    /// What must be declared before the first job.
    pub(crate) fn declarations(&self) -> impl Iterator<Item = Event> + '_ {
        let kinds = self.speeds.iter().enumerate();
        kinds.map(|(at, ppm)| Event::KindDeclared { kind: KindId::new(at), ppm: ppm.clone() })
    }

    /// The submission of a job, with its kind.
    pub(crate) fn submission(&self, workload: &Workload<'_>, index: usize) -> Event {
        let mut event = workload.submission(index);
        if let Event::Submitted { job, spec, .. } = &mut event
            && !self.ids.is_empty()
        {
            spec.kind = key(workload, *job).and_then(|key| self.ids.get(&key).copied().flatten());
        }
        event
    }
}

/// What decides the kind of a job.
fn key(workload: &Workload<'_>, job: JobId) -> Option<(u32, u32)> {
    let of_trace = &workload.trace().jobs[job.index()];
    let whole = of_trace.gpu_milli > 0 && of_trace.gpu_milli.is_multiple_of(MILLI);
    Some((of_trace.job_type?, of_trace.gpu_milli / MILLI)).filter(|_| whole)
}
