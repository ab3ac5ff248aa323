//! How GPUs of one model differ: heat, power and luck of the silicon make some slower, and some applications feel it more
//! than others.
//!
//! The score of a GPU is what a step takes on it over what the same step takes on the median GPU, in thousandths: 1300 is
//! 30 % slower. GPUs with nearly the same score share a bin (PAL, SC 2024: PM scores by class of applications).

use serde::{Deserialize, Serialize};

use crate::ids::{AppId, NodeId};
use crate::inventory::Inventory;
use crate::placement::Slice;

/// Score of the median GPU.
pub const SCORE_MEDIAN_MILLI: u32 = 1000;

/// How one class of applications feels the GPUs of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variability {
    /// Name of the class.
    pub class: String,
    /// Kinds or names of the jobs in it; `None`: every job that no other class names.
    pub jobs: Option<Vec<String>>,
    /// Scores in thousandths, by node and GPU. A GPU without one has that of the median.
    pub scores_milli: Vec<Vec<u32>>,
    /// GPUs that count as equal, best first. A score above all bins belongs to the last one.
    pub bins: Vec<Bin>,
}

/// Scores that count as equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bin {
    /// The highest score in it, in thousandths.
    pub top_milli: u32,
    /// The score that stands for all of them, in thousandths.
    pub score_milli: u32,
}

impl Variability {
    /// Scores with a bin for each that occurs.
    pub fn exact(class: &str, jobs: Option<Vec<String>>, scores_milli: Vec<Vec<u32>>) -> Self {
        let mut distinct: Vec<u32> = scores_milli.iter().flatten().copied().collect();
        distinct.sort_unstable();
        distinct.dedup();
        let bins = distinct.into_iter().map(|score| Bin { top_milli: score, score_milli: score }).collect();
        Self { class: class.to_owned(), jobs, scores_milli, bins }
    }

    /// The score of a GPU in thousandths.
    pub fn score_milli(&self, node: NodeId, gpu: u32) -> u32 {
        let of_node = self.scores_milli.get(node.index());
        of_node.and_then(|scores| scores.get(gpu as usize)).copied().unwrap_or(SCORE_MEDIAN_MILLI)
    }

    /// The bin of a score.
    pub fn bin_of(&self, score_milli: u32) -> usize {
        let at = self.bins.partition_point(|bin| bin.top_milli < score_milli);
        at.min(self.bins.len().saturating_sub(1))
    }

    /// How much the class feels: its highest score less its lowest.
    fn sensitivity(&self) -> u32 {
        let scores = || self.scores_milli.iter().flatten();
        scores().max().copied().unwrap_or(0) - scores().min().copied().unwrap_or(0)
    }

    /// Whether a job of this kind or name is in the class: it is called like one of its jobs, or so and something behind it
    /// that is no letter or digit (`vgg16-run3`).
    fn names(&self, job: &str) -> bool {
        let rest = |name: &String| job.strip_prefix(name.as_str());
        let jobs = self.jobs.iter().flatten().filter(|name| !name.is_empty());
        jobs.filter_map(rest).any(|rest| !rest.starts_with(|next: char| next.is_ascii_alphanumeric()))
    }
}

impl Inventory {
    /// The application class of a job that is called `names`: the first that names it, else the one that takes all others,
    /// else the most sensitive one.
    pub fn app_of(&self, names: &[&str]) -> AppId {
        let named = |entry: &Variability| names.iter().any(|name| entry.names(name));
        let found = self.variability.iter().position(named);
        let found = found.or_else(|| self.variability.iter().position(|entry| entry.jobs.is_none()));
        let most = || (0..self.variability.len()).rev().max_by_key(|at| self.variability[*at].sensitivity());
        AppId::new(found.or_else(most).unwrap_or(0))
    }

    /// The score of the slowest GPU of a placement, in thousandths: a gang goes at its speed.
    pub fn slowest_milli(&self, app: AppId, placement: &[Slice]) -> u32 {
        let Some(of_app) = self.variability.get(app.index()) else { return SCORE_MEDIAN_MILLI };
        let scores = placement.iter().flat_map(|slice| slice.gpu_indices().map(|gpu| (slice.node, gpu)));
        scores.map(|(node, gpu)| of_app.score_milli(node, gpu)).max().unwrap_or(SCORE_MEDIAN_MILLI)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(name: &str, jobs: Option<&[&str]>, scores: &[u32]) -> Variability {
        let jobs = jobs.map(|jobs| jobs.iter().map(|&job| job.to_owned()).collect());
        Variability::exact(name, jobs, scores.iter().map(|score| vec![*score]).collect())
    }

    #[test]
    fn jobs_find_their_class() {
        let mut inventory = Inventory::uniform(2, 1, "A100");
        assert_eq!(inventory.app_of(&["vgg16"]), AppId(0));
        inventory.variability = vec![
            class("C", Some(&["pagerank"]), &[1000, 1010]),
            class("A", Some(&["vgg16", "resnet"]), &[900, 2500]),
            class("B", Some(&["bert"]), &[950, 1200]),
        ];
        let of = |names: &[&str], inventory: &Inventory| inventory.app_of(names).0;
        let first = inventory.clone();
        inventory.variability[0].jobs = None;
        let (of, others) = (|names: &[&str]| of(names, &first), |names: &[&str]| of(names, &inventory));
        assert_eq!(
            [of(&["bert"]), of(&["bert-7"]), of(&["bert (batch size 8)"]), of(&["x", "pagerank"])],
            [2, 2, 2, 0]
        );
        assert_eq!([of(&["bert7"]), of(&["ber"]), of(&[])], [1; 3], "named nowhere: the most sensitive class");
        assert_eq!(
            [others(&["bert7"]), others(&[]), others(&["resnet/50"])],
            [0, 0, 1],
            "named nowhere: the class of all others"
        );
    }

    #[test]
    fn the_slowest_gpu_counts() {
        let mut inventory = Inventory::uniform(2, 2, "A100");
        inventory.variability =
            vec![Variability { scores_milli: vec![vec![900, 1300]], ..Variability::exact("A", None, Vec::new()) }];
        let slice = |node, mask| Slice { node: NodeId(node), bank: 0, milli: 1000, mask, cpu_milli: 0, memory_mib: 0 };
        let slowest = |slices: &[Slice]| inventory.slowest_milli(AppId(0), slices);
        assert_eq!([slowest(&[slice(0, 1)]), slowest(&[slice(0, 2)]), slowest(&[slice(0, 3)])], [900, 1300, 1300]);
        assert_eq!(slowest(&[slice(0, 1), slice(1, 1)]), 1000, "node 1 has no scores");
        assert_eq!([slowest(&[]), slowest(&[slice(1, 0)])], [1000; 2], "no GPUs");
    }

    #[test]
    fn scores_fall_into_bins() {
        let bin = |top_milli, score_milli| Bin { top_milli, score_milli };
        let of = Variability { bins: vec![bin(950, 900), bin(1100, 1000), bin(2000, 1500)], ..Variability::default() };
        assert_eq!([0, 950, 951, 1100, 1101, 9000].map(|score| of.bin_of(score)), [0, 0, 1, 1, 2, 2]);
    }
}
