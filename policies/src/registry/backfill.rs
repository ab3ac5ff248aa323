//! EASY and conservative backfill.

use engine::Span;

use super::basic::boxed;
use super::knobs::{ESTIMATES, PLACE};
use super::{Entry, Knob, Preset};
use crate::conservative::{Conservative, QueueOrder, Settings};
use crate::easy::Passing;
use crate::order::Arrival;
use crate::pipeline::{Behind, Parts};

pub(super) static CONSERVATIVE: Entry = Entry {
    name: "conservative",
    summary: "backfill in which no reservation ever moves later",
    objective: "use gaps without delaying any of the first jobs that wait",
    knows: "run times: the users' estimates where the trace has them, else the true durations (clairvoyant)",
    source: "Mu'alem and Feitelson, TPDS 2001, section 2; compression in the order of the queue",
    knobs: &[
        Knob::new("depth", "500", "a whole number; 0: no limit", "most jobs that hold a reservation"),
        ESTIMATES,
        Knob::new("compress", "true", "true, false", "whether reservations move earlier when jobs end early"),
        Knob::new("order", "fifo", "fifo, sjf", "the queue: priority and arrival, or the shortest estimate first"),
        Knob::new(
            "resolution",
            "60",
            "seconds, more than 0",
            "a job that outlives its estimate is expected to end within so long, again and again",
        ),
        PLACE,
    ],
    presets: &[Preset {
        name: "slurm",
        source: "Slurm, sched/backfill: bf_max_job_test 500 and bf_resolution 60 s by default (slurm.conf manual)",
        knobs: &[("depth", "500"), ("resolution", "60"), ("order", "fifo")],
    }],
    build: |knobs| {
        let depth = usize::try_from(knobs.count("depth")?).map_err(|_| knobs.bad_value("depth"))?;
        let resolution = knobs.seconds("resolution")?;
        if resolution == Span::ZERO {
            return Err(knobs.bad_value("resolution"));
        }
        Ok(Box::new(Conservative::new(Settings {
            depth,
            estimates: knobs.estimates()?,
            compress: knobs.flag("compress")?,
            placer: knobs.placer()?,
            order: knobs.one_of("order", &[("fifo", QueueOrder::Priority), ("sjf", QueueOrder::Shortest)])?,
            resolution,
        })))
    },
};

pub(super) static EASY: Entry = Entry {
    name: "easy",
    summary: "FIFO with EASY backfill",
    objective: "use gaps without delaying the first job that waits",
    knows: "run times: the users' estimates where the trace has them, else the true durations (clairvoyant)",
    source: "Lifka, JSSPP 1995; Mu'alem and Feitelson, TPDS 2001; order=sjf: Tsafrir et al., TPDS 2007 (EASY-SJBF)",
    knobs: &[
        ESTIMATES,
        Knob::new(
            "order",
            "fifo",
            "fifo, sjf",
            "who passes first: the order of the queue, or the shortest estimate (EASY-SJBF)",
        ),
        PLACE,
    ],
    presets: &[],
    build: |knobs| {
        let estimates = knobs.estimates()?;
        let (order, placer) = (Box::new(Arrival), knobs.placer()?);
        let passing = knobs.one_of("order", &[("fifo", Passing::Queue), ("sjf", Passing::Shortest)])?;
        Ok(boxed(Parts { order, placer, behind: Behind::Easy(estimates, passing), evict: None }))
    },
};
