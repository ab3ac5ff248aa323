//! Rates that nobody measured: a declared rule, and how each answer was found.

use super::ThroughputTable;
use super::entries::NodeClass;
use super::query::{Rate, Setting};

/// How [`ThroughputTable::estimate`] finds what was not measured.
pub const ESTIMATE_RULE: &str = "on the same GPU model and number of nodes (or of more than one node, where the source \
    does not count them): a straight line between the measured numbers of GPUs on both sides, with the mean over shapes \
    of equal GPUs and nodes; above the largest measured number of GPUs its rate, as in ideal weak scaling; nothing below \
    the smallest, nothing beside other jobs; where so many nodes were never measured, the curve of the largest smaller \
    number of them, but never that of one node";

/// A rate and how it was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Steps a second.
    pub rate: Rate,
    /// Where from.
    pub found: Found,
}

/// How a rate was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// It was measured.
    Exact,
    /// On a straight line between two measured numbers of GPUs; equal numbers: the mean over other shapes.
    Interpolated {
        /// Measured number of GPUs, at most that of the gang.
        below: u32,
        /// Measured number of GPUs, at least that of the gang.
        above: u32,
    },
    /// The rate of the largest measured number of GPUs or nodes.
    Extrapolated {
        /// Measured number of GPUs.
        from: u32,
    },
}

impl ThroughputTable {
    /// The rate that was measured, or else what [`ESTIMATE_RULE`] gives. A measured 0 stays 0.
    pub fn estimate(&self, setting: &Setting<'_>) -> Option<Estimate> {
        if let Some(rate) = self.rate(setting) {
            return Some(Estimate { rate, found: Found::Exact });
        }
        if !setting.beside.is_empty() {
            return None;
        }
        let nodes = setting.placement.nodes();
        let class = if nodes <= 1 { NodeClass::One } else { NodeClass::Exactly(nodes) };
        let several = (nodes > 1).then_some(NodeClass::Several);
        let mut curves = [Some(class), several, Some(NodeClass::Unsaid)].into_iter().flatten();
        let key = |class: NodeClass| (setting.job_type.0, setting.model.0, class);
        let gpus = setting.placement.gpus();
        if let Some(curve) = curves.find_map(|class| self.curves.get(&key(class))) {
            return on_curve(curve, gpus);
        }
        let fewer = self.curves.range(key(NodeClass::Exactly(0))..key(NodeClass::Exactly(nodes)));
        let found = on_curve(fewer.last()?.1, gpus)?;
        let from = match found.found {
            Found::Exact => gpus,
            Found::Interpolated { below, .. } => below,
            Found::Extrapolated { from } => from,
        };
        Some(Estimate { found: Found::Extrapolated { from }, ..found })
    }
}

/// The rate at so many GPUs on a curve by rising numbers of GPUs.
fn on_curve(curve: &[(u32, f64)], gpus: u32) -> Option<Estimate> {
    let next = curve.partition_point(|(measured, _)| *measured < gpus);
    let estimate = |rate, found| Some(Estimate { rate: Rate(rate), found });
    match (next.checked_sub(1).map(|at| curve[at]), curve.get(next)) {
        (_, Some(&(above, rate))) if above == gpus => estimate(rate, Found::Interpolated { below: gpus, above }),
        (Some((below, low)), Some(&(above, high))) => {
            let part = f64::from(gpus - below) / f64::from(above - below);
            estimate(low + (high - low) * part, Found::Interpolated { below, above })
        }
        (Some((from, rate)), None) => estimate(rate, Found::Extrapolated { from }),
        (None, _) => None,
    }
}
