//! How errors are spread, and the keys under which they are written.

use crate::stats::{mean, nearest_rank};

/// Mean, 90th percentile (nearest rank) and the largest; `None` of nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spread {
    /// The mean.
    pub mean: Option<f64>,
    /// The 90th percentile.
    pub p90: Option<f64>,
    /// The largest.
    pub worst: Option<f64>,
}

impl Spread {
    /// Of these values.
    pub fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        Self { mean: mean(&values), p90: nearest_rank(&values, 0.9), worst: values.last().copied() }
    }
}

/// Writes a spread under three keys.
macro_rules! keys {
    ($($name:ident: $mean:literal, $p90:literal, $worst:literal;)*) => {$(
        pub(super) mod $name {
            use serde::ser::{SerializeMap, Serializer};

            use super::Spread;

            pub(in crate::fidelity) fn serialize<S: Serializer>(of: &Spread, to: S) -> Result<S::Ok, S::Error> {
                let mut map = to.serialize_map(Some(3))?;
                map.serialize_entry($mean, &of.mean)?;
                map.serialize_entry($p90, &of.p90)?;
                map.serialize_entry($worst, &of.worst)?;
                map.end()
            }
        }
    )*};
}

keys! {
    start: "start_error_mean_s", "start_error_p90_s", "start_error_worst_s";
    finish: "finish_error_mean_s", "finish_error_p90_s", "finish_error_worst_s";
    jct: "jct_error_mean_s", "jct_error_p90_s", "jct_error_worst_s";
    jct_share: "jct_error_mean_share", "jct_error_p90_share", "jct_error_worst_share";
    queue: "queue_error_mean_s", "queue_error_p90_s", "queue_error_worst_s";
}
