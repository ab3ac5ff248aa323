//! GPUs that differ, and jobs that feel it more or less.

use engine::{Inventory, Variability};
use traces::{Details, JobType, Trace};

use super::Chance;

/// In some clusters GPUs differ, for two classes of applications.
pub(super) fn with_scores(mut inventory: Inventory, chance: &mut Chance) -> Inventory {
    if chance.one_in(2) {
        return inventory;
    }
    for (class, jobs) in [("A", Some(vec!["kind-0".to_owned()])), ("B", None)] {
        let score = |chance: &mut Chance| chance.pick(&[850, 1000, 1000, 1250, 3000]);
        let scores = inventory.nodes.iter().map(|node| (0..node.gpus).map(|_| score(chance)).collect()).collect();
        inventory.variability.push(Variability::exact(class, jobs, scores));
    }
    inventory
}

/// Kinds of some jobs.
pub(super) fn with_kinds(mut trace: Trace, chance: &mut Chance) -> Trace {
    let kind = |at: u32| JobType { name: format!("kind-{at}"), batch_size: None, batch_mode: None };
    trace.job_types = (0..2).map(kind).collect();
    for job in &mut trace.jobs {
        let job_type = chance.pick(&[None, Some(0), Some(1)]);
        job.details = Details { job_type, ..(*job.details).clone() }.into();
    }
    trace
}
