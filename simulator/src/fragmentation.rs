//! What a replay's idle GPUs are worth: F of the trace's own jobs, the largest gang that one node could take, and who waits
//! although enough GPUs are idle. All are exact integrals: a look after each step costs what the step changed.

mod blocked;
mod gang;

use engine::{Core, Inventory};
use policies::fragmentation::{COVER_PPM, Meter, Workload as Typical};

use self::blocked::Blocked;
use self::gang::LargestGang;
use crate::workload::Workload;

/// Integrals over time, in microseconds.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    /// Thousandths of a GPU x weight.
    fragmented: u128,
    /// Thousandths of a GPU.
    idle: u128,
    /// GPUs.
    largest: u128,
    span: u128,
}

/// Follows the idle GPUs of one replay.
#[derive(Debug)]
pub(crate) struct Idle {
    meter: Meter,
    largest: LargestGang,
    blocked: Blocked,
    free_milli: u64,
    sums: Sums,
    /// The same when a job ended last.
    at_last_end: Sums,
}

/// The figures of a whole replay.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct IdleFigures {
    /// Thousandths of a GPU x microseconds; `None` where the trace has no task.
    pub(crate) fragmented: Option<f64>,
    /// The same of all idle GPUs on nodes that are up.
    pub(crate) idle: f64,
    /// Mean of the largest gang; `None` where no time passed.
    pub(crate) largest_gang_mean: Option<f64>,
    pub(crate) blocked_jobs: u64,
    pub(crate) blocked_s: f64,
}

impl Idle {
    /// Nothing seen yet.
    pub(crate) fn new(workload: &Workload<'_>, inventory: &Inventory) -> Self {
        let tasks = workload.mix();
        Self {
            meter: Meter::new(Typical::of(&tasks, COVER_PPM)),
            largest: LargestGang::new(&tasks, inventory),
            blocked: Blocked::default(),
            free_milli: 0,
            sums: Sums::default(),
            at_last_end: Sums::default(),
        }
    }

    /// All stayed as it was for so many microseconds.
    pub(crate) fn advance(&mut self, span: u64) {
        let wide = u128::from(span);
        self.sums.fragmented += u128::from(self.meter.sum()) * wide;
        self.sums.idle += u128::from(self.free_milli) * wide;
        self.sums.largest += u128::from(self.largest.gpus()) * wide;
        self.sums.span += wide;
        self.blocked.advance(span);
    }

    /// Catches up with the core after a step.
    pub(crate) fn follow(&mut self, core: &Core) {
        let cluster = core.state().cluster();
        self.meter.follow(cluster);
        self.largest.follow(cluster);
        self.free_milli = cluster.free_gpu_milli();
        self.blocked.follow(core.state());
    }

    /// A job has ended, whatever the outcome.
    pub(crate) fn ended(&mut self) {
        self.at_last_end = self.sums;
    }

    /// F in GPUs and the largest gang, now.
    pub(crate) fn now(&self) -> [f64; 2] {
        [self.meter.milli() / 1000.0, f64::from(self.largest.gpus())]
    }

    /// The figures, from the first submission to the last end.
    pub(crate) fn figures(&mut self) -> IdleFigures {
        let (sums, total) = (self.at_last_end, self.meter.workload().total());
        let (blocked_jobs, blocked_s) = self.blocked.figures();
        IdleFigures {
            fragmented: (total > 0).then(|| sums.fragmented as f64 / total as f64),
            idle: sums.idle as f64,
            largest_gang_mean: (sums.span > 0).then(|| sums.largest as f64 / sums.span as f64),
            blocked_jobs,
            blocked_s,
        }
    }
}
