//! Response ratio, deadlines, and predicted lengths.

use super::basic::boxed;
use super::knobs::{ESTIMATES, PLACE, SKIP_OFF, SKIP_ON};
use super::{Entry, Knob, Preset};
use crate::evict::Evict;
use crate::order::{Deadline, PredictedService, PredictedTime, ResponseRatio};
use crate::pipeline::{Behind, Parts};
use crate::predict::{Features, Model, Pool, Rolling};

pub(super) static HRRN: Entry = Entry {
    name: "hrrn",
    summary: "highest response ratio next: (waited + run time) / run time",
    objective: "mean completion time without starving long jobs",
    knows: "run times: the users' estimates where the trace has them, else the true durations (clairvoyant)",
    source: "Brinch Hansen, BIT 1971",
    knobs: &[ESTIMATES, SKIP_OFF, PLACE],
    presets: &[],
    build: |knobs| knobs.parts(ResponseRatio(knobs.estimates()?), None).map(boxed),
};

pub(super) static EDF: Entry = Entry {
    name: "edf",
    summary: "earliest deadline first; jobs without a deadline last, in order of arrival",
    objective: "no deadline missed where none need be",
    knows: "deadlines",
    source: "Jackson 1955 (without preemption); Horn, Naval Research Logistics 1974; Liu and Layland, JACM 1973",
    knobs: &[
        Knob::new("preempt", "true", "true, false", "whether a job evicts those with later deadlines"),
        SKIP_ON,
        PLACE,
    ],
    presets: &[],
    build: |knobs| {
        let evict = knobs.flag("preempt")?.then_some(Evict::LaterDeadline);
        knobs.parts(Deadline, evict).map(boxed)
    },
};

const BEHIND_QUEUE: Knob = Knob::new(
    "behind",
    "queue",
    "queue, tenant, blocked, skip",
    "who may pass a job that does not fit: other queues, other top-level tenants, nobody, everybody",
);

pub(super) static QSSF: Entry = Entry {
    name: "qssf",
    summary: "quasi-shortest service first: smallest GPUs x run time, predicted from the user's jobs of like names",
    objective: "mean completion time without knowing durations",
    knows: "run times, users, names and GPUs of jobs that have ended",
    source: "Helios: Hu et al., SC 2021, section 4.2, and its artifact",
    knobs: &[
        Knob::new(
            "model",
            "none",
            "none, estimates",
            "what stands in for the learnt model: nothing, or the job's estimate",
        ),
        Knob::new("alpha", "0.1", "0 to 1", "weight of the rolling estimate where the job has a model's"),
        Knob::new("names", "user", "user, all", "whose jobs are searched for like names"),
        Knob::new("matches", "2", "a whole number, at least 1", "how many like names count"),
        Knob::new("cutoff", "0.6", "0 to 1", "least similarity of a like name"),
        BEHIND_QUEUE,
        PLACE,
    ],
    presets: &[Preset {
        name: "sc21",
        source: "the artifact's CombinedEstimator: import the model's output as estimates",
        knobs: &[("model", "estimates"), ("alpha", "0.1"), ("names", "all"), ("behind", "tenant"), ("place", "pack")],
    }],
    build: |knobs| {
        let words = [
            ("queue", Behind::Queue),
            ("tenant", Behind::Tenant),
            ("blocked", Behind::Blocked),
            ("skip", Behind::Skip),
        ];
        let share = |name| {
            let number = knobs.number(name)?;
            if number > 1.0 { Err(knobs.bad_value(name)) } else { Ok(number) }
        };
        let matches = knobs.count("matches")?;
        if matches == 0 {
            return Err(knobs.bad_value("matches"));
        }
        let rolling = Rolling {
            alpha_ppm: (share("alpha")? * 1e6).round() as u32,
            model: knobs.one_of("model", &[("none", Model::None), ("estimates", Model::Estimates)])?,
            pool: knobs.one_of("names", &[("user", Pool::User), ("all", Pool::All)])?,
            matches: usize::try_from(matches).unwrap_or(usize::MAX),
            cutoff: share("cutoff")?,
        };
        let (order, behind) = (Box::new(PredictedService::new(rolling)), knobs.one_of("behind", &words)?);
        Ok(boxed(Parts { order, placer: knobs.placer()?, behind, evict: None }))
    },
};

pub(super) static PAI_SJF: Entry = Entry {
    name: "pai-sjf",
    summary: "shortest predicted run time first: the mean over the user's jobs of one group and as many GPUs",
    objective: "mean completion time without knowing durations",
    knows: "run times, users, names and GPUs of jobs that have ended",
    source: "Weng et al., NSDI 2022; clusterdata/cluster-trace-gpu-v2020/simulator",
    knobs: &[
        Knob::new(
            "features",
            "group-gpus",
            "user, group, group-gpus, estimates",
            "what jobs must have in common to predict each other; estimates: take those that come with the jobs",
        ),
        SKIP_ON,
        PLACE,
    ],
    presets: &[
        Preset { name: "sju", source: "SJU: by user", knobs: &[("features", "user")] },
        Preset { name: "sjg", source: "SJG: by group and user", knobs: &[("features", "group")] },
        Preset { name: "sjgg", source: "SJGG: by group, user and GPUs", knobs: &[("features", "group-gpus")] },
    ],
    build: |knobs| {
        let words = [
            ("user", Features::User),
            ("group", Features::Group),
            ("group-gpus", Features::GroupGpus),
            ("estimates", Features::Estimates),
        ];
        knobs.parts(PredictedTime::new(knobs.one_of("features", &words)?), None).map(boxed)
    },
};
