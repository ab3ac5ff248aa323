//! What is asked of a table: ids that are found once, and a setting made of them.

use std::borrow::Cow;

use engine::Span;

use super::ThroughputTable;
use super::entries::{Key, Spread};
use crate::trace::JobType;

/// A kind of job in one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobTypeId(pub(super) u32);

/// A GPU model in one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelId(pub(super) u32);

/// A job that runs on the same GPUs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Neighbour {
    /// What it trains.
    pub job_type: JobTypeId,
    /// GPUs of its gang.
    pub gpus: u32,
}

/// Where the GPUs of a gang are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement<'a> {
    /// So many GPUs on so many nodes, however they are divided.
    OnNodes {
        /// GPUs of the gang.
        gpus: u32,
        /// Nodes on which it has at least one.
        nodes: u32,
    },
    /// GPUs on each node, in the order of the ring; where the ring begins does not matter.
    EachNode(&'a [u32]),
}

impl Placement<'_> {
    /// GPUs of the gang.
    pub fn gpus(self) -> u32 {
        match self {
            Self::OnNodes { gpus, .. } => gpus,
            Self::EachNode(shape) => shape.iter().fold(0, |sum, gpus| sum.saturating_add(*gpus)),
        }
    }

    /// Nodes on which it has GPUs.
    pub fn nodes(self) -> u32 {
        match self {
            Self::OnNodes { nodes, .. } => nodes,
            Self::EachNode(shape) => shape.iter().filter(|gpus| **gpus > 0).count() as u32,
        }
    }
}

/// One question.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// What is trained.
    pub job_type: JobTypeId,
    /// On which GPUs.
    pub model: ModelId,
    /// How many, and where.
    pub placement: Placement<'a>,
    /// Which other jobs run on the same GPUs; none as a rule.
    pub beside: &'a [Neighbour],
}

/// Training steps of the whole gang a second; at least 0 and finite.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Rate(pub(super) f64);

impl Rate {
    /// Steps a second; 0: the job cannot run so.
    pub fn steps_per_s(self) -> f64 {
        self.0
    }

    /// Whether the job can run at all.
    pub fn can_run(self) -> bool {
        self.0 > 0.0
    }

    /// Time of so many steps to the nearest microsecond; `None` when the job cannot run, or not within 292,000 years.
    pub fn time_of(self, steps: u64) -> Option<Span> {
        let micros = (steps as f64 / self.0 * 1e6).round();
        (self.can_run() && micros < i64::MAX as f64).then_some(Span(micros as u64))
    }
}

impl ThroughputTable {
    /// The kind of job with this name and batch size. How a batch size changes is nothing that tables know.
    pub fn job_type(&self, kind: &JobType) -> Option<JobTypeId> {
        let found = match kind.batch_mode {
            None => self.job_type_ids.get(kind),
            Some(_) => self.job_type_ids.get(&JobType { batch_mode: None, ..kind.clone() }),
        };
        found.copied().map(JobTypeId)
    }

    /// The GPU model of this name, in whatever case.
    pub fn model(&self, name: &str) -> Option<ModelId> {
        self.model_ids.get(&name.to_lowercase()).copied().map(ModelId)
    }

    /// All kinds of jobs, in the order in which they were read.
    pub fn job_types(&self) -> &[JobType] {
        &self.job_types
    }

    /// All GPU models, as the source calls them, in the order in which they were read.
    pub fn models(&self) -> &[String] {
        &self.models
    }

    /// The name of a model in the source.
    pub fn model_name(&self, model: ModelId) -> &str {
        self.models.get(model.0 as usize).map_or("", String::as_str)
    }

    /// Gives a model of the table another name, such as that of the cluster at hand. A name that is a model of the
    /// table already stays what it is, and the answer is then false.
    pub fn alias(&mut self, name: &str, model: ModelId) -> bool {
        *self.model_ids.entry(name.to_lowercase()).or_insert(model.0) == model.0
    }

    /// What was measured in just this setting. A measured shape goes before a measured number of nodes, that before
    /// "one node" or "several nodes", and that before a source that does not tell nodes apart.
    pub fn rate(&self, setting: &Setting<'_>) -> Option<Rate> {
        let beside = self.neighbours(setting.beside)?;
        let (gpus, nodes) = (setting.placement.gpus(), setting.placement.nodes());
        let at = |spread: Spread| {
            let key = Key { job_type: setting.job_type.0, model: setting.model.0, gpus, spread, beside };
            self.index.get(&key).map(|&at| Rate(self.entries[at as usize].1))
        };
        let shape = self.shape(setting.placement).and_then(|shape| at(Spread::Shape(shape)));
        let class = if nodes <= 1 { Spread::OneNode } else { Spread::SeveralNodes };
        shape.or_else(|| at(Spread::Nodes(nodes))).or_else(|| at(class)).or_else(|| at(Spread::Unsaid))
    }

    /// The number of a set of co-runners; 0 for none.
    fn neighbours(&self, beside: &[Neighbour]) -> Option<u32> {
        if beside.is_empty() {
            return Some(0);
        }
        if beside.is_sorted() {
            return self.neighbour_ids.get(beside).copied();
        }
        let mut sorted = beside.to_vec();
        sorted.sort_unstable();
        self.neighbour_ids.get(sorted.as_slice()).copied()
    }

    /// The number of the one shape that a placement can have.
    fn shape(&self, placement: Placement<'_>) -> Option<u32> {
        if self.shapes.is_empty() {
            return None;
        }
        match placement {
            Placement::EachNode(shape) => self.shape_ids.get(ring(shape).as_ref()).copied(),
            Placement::OnNodes { gpus, nodes: 1 } => self.shape_ids.get([gpus].as_slice()).copied(),
            Placement::OnNodes { gpus, nodes } if gpus == nodes && nodes <= MOST_NODES => {
                self.shape_ids.get([1; MOST_NODES as usize].get(..nodes as usize)?).copied()
            }
            Placement::OnNodes { .. } => None,
        }
    }
}

/// Nodes up to which a shape of one GPU each is looked for.
const MOST_NODES: u32 = 64;

/// The rotation that all rotations of a shape share: the least of them. Neighbours in the ring stay neighbours, as in
/// the profiles of Pollux, where `124` and `142` are two measurements. Nodes without a GPU are left out.
pub(super) fn ring(shape: &[u32]) -> Cow<'_, [u32]> {
    if shape.len() <= 1 && !shape.contains(&0) {
        return Cow::Borrowed(shape);
    }
    let full: Vec<u32> = shape.iter().copied().filter(|gpus| *gpus > 0).collect();
    let turned = |from: usize| full[from..].iter().chain(&full[..from]).copied();
    let least = (1..full.len()).fold(0, |least, from| if turned(from).lt(turned(least)) { from } else { least });
    Cow::Owned(turned(least).collect())
}
