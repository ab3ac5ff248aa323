//! `ElasticFlow`: what its generator keeps of a recorded trace.

use engine::Span;

use super::{Filter, whole_gpus};
use crate::trace::Recorded;

pub(super) static ELASTICFLOW: Filter = Filter {
    name: "elasticflow",
    citation: "Gu et al., ElasticFlow, ASPLOS'23; pkusys/ElasticFlow, \
               ElasticFlow/trace_generator/generate_trace_from_itp.py, main()",
    rule: "drops jobs that failed, gangs of 3, 5, 6 and 7 GPUs, run times below 10 minutes, and gangs of more than 64 \
           GPUs; a trace without outcomes has no failed jobs",
    argument: "",
    make: |work, _| {
        work.keep("failed", |job| job.recorded != Recorded::Failed);
        work.keep("the gang has 3, 5, 6 or 7 GPUs", |job| !matches!(whole_gpus(job), Some(3 | 5 | 6 | 7)));
        work.keep("the run time is below 10 minutes", |job| job.duration >= Span::secs(600));
        work.keep("the gang has more than 64 GPUs", |job| job.gpu_milli <= 64_000);
        Ok(())
    },
};
