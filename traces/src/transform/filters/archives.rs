//! Simulators of archives: Batsim's converter of SWF, and the loader of the PAI simulator.

use engine::Span;

use super::{Filter, TraceError, Work};

pub(super) static BATSIM: Filter = Filter {
    name: "batsim",
    citation: "Batsim; oar-team/batsim, tools/swf_to_batsim_workload_delay.py",
    rule: "drops jobs without processors (here: GPUs) or run time; the estimate becomes the longer of twice the run \
           time and what was asked for, and so does the time limit where there is one; with the argument the \
           estimate stays, and jobs without one or with one that is not above the run time are dropped",
    argument: "given-walltime-only",
    make: batsim,
};

pub(super) static PAI_SIM: Filter = Filter {
    name: "pai-sim",
    citation: "Weng et al., MLaaS in the Wild, NSDI'22; alibaba/clusterdata, \
               cluster-trace-gpu-v2020/simulator/utils.py, _add_job()",
    rule: "run times are cut to whole seconds, and 0 becomes 1 s; no job is dropped",
    argument: "",
    make: |work, _| {
        work.change("the run time was below a second: made 1 s", |job| {
            let short = job.duration < Span::secs(1);
            if short {
                job.duration = Span::secs(1);
            }
            short
        });
        work.change("the run time was cut to whole seconds", |job| {
            let whole = Span(job.duration.0 / 1_000_000 * 1_000_000);
            std::mem::replace(&mut job.duration, whole) != whole
        });
        Ok(())
    },
};

fn batsim(work: &mut Work<'_>, argument: Option<&str>) -> Result<(), TraceError> {
    match argument {
        Some(text) if text != "given-walltime-only" => {
            return Err(BATSIM.bad(work, text, "`given-walltime-only`"));
        }
        _ => {}
    }
    work.keep("no GPUs", |job| job.gpu_milli > 0);
    work.keep("no run time", |job| job.duration > Span(0));
    if argument.is_some() {
        let given = |job: &crate::trace::TraceJob| job.estimate.or(job.time_limit);
        work.keep("what was asked for is not above the run time", |job| {
            given(job).is_some_and(|span| span > job.duration)
        });
        return Ok(());
    }
    work.change("the estimate was below twice the run time: made that", |job| {
        let twice = Span(job.duration.0.saturating_mul(2));
        let asked = job.estimate.or(job.time_limit);
        let wall = asked.map_or(twice, |asked| asked.max(twice));
        job.time_limit = job.time_limit.map(|_| wall);
        job.estimate = Some(wall);
        asked != Some(wall)
    });
    Ok(())
}
