//! Synergy and Blox: what their parser keeps of the job log of Philly.
//!
//! `parse_jobs(sum_attempts, multigpu)` reads the attempts of a job. It skips attempts without a start or an end, and
//! those with no GPU, no time, or (`multigpu`) more than 16 GPUs. With `sum_attempts` a job runs as long as its attempts
//! together; it is kept if that sum is above 10^1.5 minutes (1,897.4 s) and below 10^4 minutes (600,000 s). Without
//! `multigpu` its gang becomes one GPU. Without `sum_attempts` the sum is never increased, so the same test drops every
//! job: the published code keeps none.
//!
//! A trace has jobs, not attempts. The run time of the job stands for the sum of its attempts.

use engine::Span;

use super::{Filter, Work, force_one_gpu, whole_gpus};

/// 10^1.5 minutes, rounded to a microsecond, and 10^4 minutes: both excluded.
const SHORTEST: Span = Span(1_897_366_596);
const LONGEST: Span = Span(600_000_000_000);
/// Larger attempts are skipped where gangs are kept.
const GPUS_MAX: u32 = 16_000;

const SYNERGY: &str = "Mohan et al., Synergy, OSDI'22; msr-fiddle/synergy, simulator/helpers/parse_philly_jobs.py, \
                       parse_jobs(sum_attempts=True, multigpu=True)";

pub(super) static BLOX: Filter = Filter {
    name: "blox",
    citation: "Agarwal et al., Blox, EuroSys'24; msr-fiddle/blox, workload/parse_philly_jobs.py, \
               parse_jobs(sum_attempts=False)",
    rule: "drops every job: the published code tests a sum of attempts that it never increases in this mode; use \
           blox-sum or blox-multi",
    argument: "",
    make: |work, _| {
        work.keep("the sum of the attempts is never increased", |_| false);
        Ok(())
    },
};

pub(super) static SUM: Filter = Filter {
    name: "blox-sum",
    citation: "Agarwal et al., Blox, EuroSys'24; msr-fiddle/blox, workload/parse_philly_jobs.py, \
               parse_jobs(sum_attempts=True, multigpu=False); the same in msr-fiddle/synergy",
    rule: "drops jobs without GPUs or run time; keeps 10^1.5 min < run time < 10^4 min; every gang becomes one GPU",
    argument: "",
    make: |work, _| {
        bounds(work);
        work.change("the gang was not one GPU: made one GPU", force_one_gpu);
        Ok(())
    },
};

pub(super) static MULTI: Filter = Filter {
    name: "blox-multi",
    citation: "Agarwal et al., Blox, EuroSys'24; msr-fiddle/blox, workload/parse_philly_jobs.py, \
               parse_jobs(sum_attempts=True, multigpu=True)",
    rule: "drops gangs of more than 16 GPUs and jobs without GPUs or run time; keeps 10^1.5 min < run time < 10^4 min",
    argument: "",
    make: |work, _| {
        multi(work);
        Ok(())
    },
};

pub(super) static SYNERGY_MULTI: Filter = Filter {
    name: "synergy-multi",
    citation: SYNERGY,
    rule: "as blox-multi; then gangs of other sizes than 1, 2, 4, 8 and 16 become one GPU",
    argument: "",
    make: |work, _| {
        multi(work);
        work.change("the gang was not 1, 2, 4, 8 or 16 GPUs: made one GPU", |job| {
            !matches!(whole_gpus(job), Some(1 | 2 | 4 | 8 | 16)) && force_one_gpu(job)
        });
        Ok(())
    },
};

fn multi(work: &mut Work<'_>) {
    work.keep("the gang has more than 16 GPUs", |job| job.gpu_milli <= GPUS_MAX);
    bounds(work);
}

fn bounds(work: &mut Work<'_>) {
    work.keep("no GPUs or no run time", |job| job.gpu_milli > 0 && job.duration > Span(0));
    work.keep("the run time is at most 10^1.5 minutes", |job| job.duration > SHORTEST);
    work.keep("the run time is at least 10^4 minutes", |job| job.duration < LONGEST);
}
