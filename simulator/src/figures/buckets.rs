//! Gangs by size, in powers of two.

use std::collections::BTreeMap;

/// Sizes of gangs that occur, in buckets: 0, below 1, 1, 2, 3 to 4, 5 to 8, and so on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Buckets {
    /// Smallest and largest demand that occurs in each bucket, in thousandths of a GPU.
    found: BTreeMap<u32, (u64, u64)>,
}

impl Buckets {
    /// The buckets of these demands, given in thousandths of a GPU.
    pub(super) fn of(demands: impl Iterator<Item = u64>) -> Self {
        let mut found: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
        for milli in demands {
            let range = found.entry(key(milli)).or_insert((milli, milli));
            *range = (range.0.min(milli), range.1.max(milli));
        }
        Self { found }
    }

    /// Number of buckets.
    pub(super) fn len(&self) -> usize {
        self.found.len()
    }

    /// Index of the bucket of a demand; the nearest above when it did not occur.
    pub(super) fn index(&self, milli: u64) -> usize {
        self.found.range(..key(milli)).count().min(self.len().saturating_sub(1))
    }

    /// Names of the buckets by the sizes that occur, such as `<1`, `1`, `3–4`, `64`.
    pub(super) fn names(&self) -> Vec<String> {
        self.found.iter().map(|(&key, &(low, high))| name(key, low, high)).collect()
    }
}

/// 0 for none, 1 below one GPU, 2 for one, 3 for two, 4 for up to four, 5 for up to eight...
fn key(milli: u64) -> u32 {
    match milli {
        0 => 0,
        1..1000 => 1,
        _ => 2 + milli.div_ceil(1000).next_power_of_two().trailing_zeros(),
    }
}

fn name(key: u32, low: u64, high: u64) -> String {
    let (low, high) = (low.div_ceil(1000), high.div_ceil(1000));
    match key {
        0 => "0".to_owned(),
        1 => "<1".to_owned(),
        _ if low == high => low.to_string(),
        _ => format!("{low}–{high}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_named_by_what_occurs() {
        let buckets = Buckets::of([500, 1000, 2000, 3000, 4000, 8000, 64_000, 72_000, 0].into_iter());
        assert_eq!(buckets.names(), ["0", "<1", "1", "2", "3–4", "8", "64", "72"]);
        assert_eq!((buckets.index(0), buckets.index(250), buckets.index(3000), buckets.index(100_000)), (0, 1, 4, 7));
        assert_eq!(Buckets::of(std::iter::empty()).len(), 0);
    }
}
