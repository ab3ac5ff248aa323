//! A cluster filled under our policy, and its shares beside those of the peer.

use std::sync::Arc;

use engine::Inventory;
use policies::registry::Registry;
use simulator::saturate::{Bounded, Filled, Saturation};
use simulator::stats::{mean, standard_deviation};
use traces::Trace;

use super::case::{Filling, Share, Shared};
use super::replayed::Measure;
use crate::error::Error;

/// Demand at the end, over the cluster: to column 130 of the table.
const TARGET: f64 = 1.3;
/// Largest difference of an allocated share, 0.3 points; more where the peer's seeds differ more.
const ALLOCATED: f64 = 0.003;
/// The same in standard deviations of the peer's seeds.
const DEVIATIONS: f64 = 1.1;
/// Largest difference of a fragmented share, 0.4 points.
const FRAGMENTED: f64 = 0.004;

/// Fills the cluster once a seed, and compares the means.
pub(super) fn measures(
    policy: &str,
    trace: &Arc<Trace>,
    inventory: &Inventory,
    filling: &Filling,
) -> Result<Vec<Measure>, Error> {
    let saturation = Saturation {
        expect: None,
        trace: Arc::clone(trace),
        label: filling.label.clone(),
        inventory: inventory.clone(),
        registry: Registry::default(),
        policies: vec![policy.to_owned()],
        seeds: (1..=filling.seeds).collect(),
        target: TARGET,
        bound: Bounded::No,
        threads: 0,
    };
    let runs = saturation.run(&|_| ())?;
    Ok(filling.shares.iter().map(|share| measure(share, &runs)).collect())
}

fn measure(share: &Share, runs: &[Filled]) -> Measure {
    let column = |run: &Filled| run.columns.at(share.percent);
    let ours: Vec<f64> = match share.of {
        Shared::Allocated => runs.iter().filter_map(|run| Some(column(run)?.allocated())).collect(),
        Shared::Fragmented => runs.iter().filter_map(|run| Some(column(run)?.fragmentation())).collect(),
    };
    let deviation = standard_deviation(&share.values);
    let limit = match share.of {
        Shared::Allocated => ALLOCATED.max(DEVIATIONS * deviation.unwrap_or_default()),
        Shared::Fragmented => FRAGMENTED,
    };
    let published = mean(&share.values).unwrap_or_default();
    Measure {
        published_sd: deviation,
        ours_sd: standard_deviation(&ours),
        ..Measure::new(name(share), published, mean(&ours)).within(limit)
    }
}

/// The name of the measure.
fn name(share: &Share) -> &'static str {
    match (share.of, share.percent) {
        (Shared::Allocated, 100) => "allocated_share_at_100",
        (Shared::Allocated, _) => "allocated_share_at_130",
        (Shared::Fragmented, 100) => "fragmentation_share_at_100",
        (Shared::Fragmented, _) => "fragmentation_share_at_130",
    }
}
