//! Gavel: what its distribution of Philly jobs holds.
//!
//! The code that made `scheduler/philly_job_distribution.pickle` is not published; the rule is read off the 33,192
//! pairs of run time and gang in it, none of which breaks it.

use engine::Span;

use super::{Filter, whole_gpus};

pub(super) static GAVEL: Filter = Filter {
    name: "gavel",
    citation: "Narayanan et al., Gavel, OSDI'20; stanford-futuredata/gavel, scheduler/philly_job_distribution.pickle \
               (the code that made it is not published: the rule is read off its contents)",
    rule: "keeps run time >= 3,600 s and gangs of 1, 2, 4 and 8 GPUs",
    argument: "",
    make: |work, _| {
        work.keep("the run time is below an hour", |job| job.duration >= Span::secs(3600));
        work.keep("the gang is not 1, 2, 4 or 8 GPUs", |job| matches!(whole_gpus(job), Some(1 | 2 | 4 | 8)));
        Ok(())
    },
};
