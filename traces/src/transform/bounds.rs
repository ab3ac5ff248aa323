//! Limits on the size of gangs.

use super::Work;
use crate::trace::TraceJob;

/// Leaves out gangs of more than `gpus` GPUs.
pub(super) fn max_gpus(work: &mut Work<'_>, gpus: u32) {
    work.keep("the gang is larger than max_gpus", |job| u64::from(job.gpu_milli) <= u64::from(gpus) * 1000);
}

/// Makes larger gangs as large as `gpus` GPUs. Run times stay.
pub(super) fn cap_gpus(work: &mut Work<'_>, gpus: u32) {
    work.change("the gang was larger than cap_gpus: made smaller", |job| clip(job, gpus));
}

/// Whole tasks are left out where the gang is divided into tasks; CPU and memory shrink with the gang.
fn clip(job: &mut TraceJob, gpus: u32) -> bool {
    let cap_milli = gpus.saturating_mul(1000);
    if job.gpu_milli <= cap_milli {
        return false;
    }
    let part = |amount: u32, keep: u32, of: u32| (u64::from(amount) * u64::from(keep) / u64::from(of)) as u32;
    let of = job.gpu_milli;
    // Whole tasks stay, or one that is smaller than it was; a gang that is not divided is one task.
    let each = of.checked_div(job.tasks).filter(|each| *each <= cap_milli);
    let tasks = each.and_then(|each| cap_milli.checked_div(each));
    let keep = each.zip(tasks).map_or(cap_milli, |(each, tasks)| each * tasks);
    if let Some(details) = job.details.said_mut() {
        details.tasks = tasks.unwrap_or(details.tasks.min(1));
        details.cpu_milli = part(details.cpu_milli, keep, of);
        details.memory_mib = part(details.memory_mib, keep, of);
    }
    job.gpu_milli = keep;
    true
}
