//! The rates of a table: how they are kept and how new ones come in.

use super::ThroughputTable;
use super::query::{JobTypeId, ModelId, Neighbour, ring};
use crate::trace::JobType;

/// What a source says about the nodes of a gang.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Spread {
    /// All GPUs on one node.
    OneNode,
    /// On more than one, no matter how many.
    SeveralNodes,
    /// On so many.
    Nodes(u32),
    /// GPUs on each node: an index of shapes.
    Shape(u32),
    /// Nothing.
    Unsaid,
}

/// A setting that was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) job_type: u32,
    pub(super) model: u32,
    pub(super) gpus: u32,
    pub(super) spread: Spread,
    /// The set of co-runners; 0 for none.
    pub(super) beside: u32,
}

/// Settings whose rates make one curve over the number of GPUs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NodeClass {
    One,
    Exactly(u32),
    Several,
    Unsaid,
}

impl ThroughputTable {
    pub(super) fn add_job_type(&mut self, kind: JobType) -> JobTypeId {
        let next = self.job_types.len() as u32;
        let id = *self.job_type_ids.entry(kind).or_insert_with_key(|kind| {
            self.job_types.push(kind.clone());
            next
        });
        JobTypeId(id)
    }

    pub(super) fn add_model(&mut self, name: &str) -> ModelId {
        let next = self.models.len() as u32;
        let id = *self.model_ids.entry(name.to_lowercase()).or_insert_with(|| {
            self.models.push(name.to_owned());
            next
        });
        ModelId(id)
    }

    pub(super) fn add_shape(&mut self, shape: &[u32]) -> Spread {
        let next = self.shapes.len() as u32;
        let id = *self.shape_ids.entry(ring(shape).into()).or_insert_with_key(|shape| {
            self.shapes.push(shape.clone());
            next
        });
        Spread::Shape(id)
    }

    /// The number of the set that holds one co-runner.
    pub(super) fn add_neighbour(&mut self, neighbour: Neighbour) -> u32 {
        let next = self.neighbour_ids.len() as u32 + 1;
        *self.neighbour_ids.entry([neighbour].into()).or_insert(next)
    }

    /// The rate that was read for a setting.
    pub(super) fn entry(&self, key: &Key) -> Option<f64> {
        self.index.get(key).map(|&at| self.entries[at as usize].1)
    }

    /// Adds the rate of a row. Where the setting is there already, the first rate stays, and the row is counted.
    pub(super) fn add(&mut self, key: Key, rate: f64) {
        match self.entry(&key) {
            None => self.set(key, rate),
            Some(first) if first.total_cmp(&rate).is_eq() => {
                self.ledger.drop_row("the same rate for the same setting again");
            }
            Some(_) => self.ledger.drop_row("another rate for the same setting: the first is kept"),
        }
    }

    /// Keeps a rate for a setting that has none.
    pub(super) fn set(&mut self, key: Key, rate: f64) {
        self.index.insert(key, self.entries.len() as u32);
        self.entries.push((key, rate));
    }

    /// Makes the curves, when everything is read.
    pub(super) fn finish(&mut self) {
        for &(key, rate) in self.entries.iter().filter(|(key, rate)| key.beside == 0 && *rate > 0.0) {
            let curve = self.curves.entry((key.job_type, key.model, self.class(key.spread))).or_default();
            curve.push((key.gpus, rate));
        }
        for curve in self.curves.values_mut() {
            curve.sort_by_key(|(gpus, _)| *gpus);
            let mean = |run: &[(u32, f64)]| run.iter().map(|(_, rate)| rate).sum::<f64>() / run.len() as f64;
            *curve = curve.chunk_by(|a, b| a.0 == b.0).map(|run| (run[0].0, mean(run))).collect();
        }
    }

    fn class(&self, spread: Spread) -> NodeClass {
        let nodes = match spread {
            Spread::OneNode => 1,
            Spread::SeveralNodes => return NodeClass::Several,
            Spread::Unsaid => return NodeClass::Unsaid,
            Spread::Nodes(nodes) => nodes,
            Spread::Shape(shape) => self.shapes[shape as usize].len() as u32,
        };
        if nodes == 1 { NodeClass::One } else { NodeClass::Exactly(nodes) }
    }
}
