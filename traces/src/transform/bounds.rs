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
    let (keep, of) = if job.tasks > 0 {
        let each = job.gpu_milli / job.tasks;
        let tasks = cap_milli / each;
        if tasks == 0 { (cap_milli, job.gpu_milli) } else { (tasks * each, job.gpu_milli) }
    } else {
        (cap_milli, job.gpu_milli)
    };
    if job.tasks > 0 {
        let each = job.gpu_milli / job.tasks;
        job.tasks = (keep / each).max(1);
    }
    job.cpu_milli = part(job.cpu_milli, keep, of);
    job.memory_mib = part(job.memory_mib, keep, of);
    job.gpu_milli = keep;
    true
}
