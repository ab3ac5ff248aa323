//! The order of jobs by submission.

/// Positions in the order of times; equal times keep theirs.
#[derive(Debug)]
pub(crate) struct Order {
    /// Positions in the low bits.
    keys: Vec<u64>,
    position: u64,
}

impl Order {
    /// Sorts `times`.
    pub(crate) fn of(times: impl Iterator<Item = u64> + Clone) -> Self {
        let (mut first, mut last, mut count) = (u64::MAX, 0, 0u64);
        for time in times.clone() {
            (first, last, count) = (first.min(time), last.max(time), count + 1);
        }
        let span = last.saturating_sub(first);
        let position_bits = u64::BITS - count.leading_zeros();
        if span.leading_zeros() >= position_bits {
            // Time and position fit one word, which is half of what a pair takes.
            let mut keys: Vec<u64> = times.zip(0..).map(|(time, at)| (time - first) << position_bits | at).collect();
            keys.sort_unstable();
            return Self { keys, position: (1 << position_bits) - 1 };
        }
        let mut pairs: Vec<(u64, u32)> = times.zip(0..).collect();
        pairs.sort_unstable();
        Self { keys: pairs.into_iter().map(|(_, at)| u64::from(at)).collect(), position: u64::MAX }
    }

    /// The positions.
    pub(crate) fn positions(&self) -> impl ExactSizeIterator<Item = usize> {
        self.keys.iter().map(|key| (key & self.position) as usize)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Near times, where all fits one word, and times over the whole range, where it does not.
        #[test]
        fn is_a_stable_sort(mut times in prop::collection::vec(prop_oneof![0u64..4, any::<u64>()], 0..50), far: bool) {
            if !far {
                times.iter_mut().for_each(|time| *time %= 1 << 40);
            }
            let mut stable: Vec<usize> = (0..times.len()).collect();
            stable.sort_by_key(|&at| times[at]);
            prop_assert_eq!(Order::of(times.iter().copied()).positions().collect::<Vec<_>>(), stable);
        }
    }

    #[test]
    fn the_ends_of_the_range() {
        let order = |times: &[u64]| Order::of(times.iter().copied()).positions().collect::<Vec<_>>();
        assert_eq!(order(&[]), [0usize; 0]);
        assert_eq!(order(&[u64::MAX]), [0]);
        assert_eq!(order(&[u64::MAX, 0, u64::MAX, 0]), [1, 3, 0, 2]);
    }
}
