//! The order of jobs by submission.

use engine::MICROS;

/// Times in ascending order with their positions; equal times keep the order of these.
#[derive(Debug)]
pub(crate) enum Order {
    /// Time and position in one word, which is half of what a pair takes.
    Words { words: Vec<u64>, first: u64, unit: u64, position_bits: u32 },
    /// Both by themselves.
    Pairs(Vec<(u64, u32)>),
}

impl Order {
    /// Sorts `times` in microseconds.
    pub(crate) fn of(mut times: Vec<u64>) -> Self {
        let (mut first, mut last, mut whole) = (u64::MAX, 0, true);
        let any = times.first().copied().unwrap_or(0);
        for time in &times {
            (first, last) = (first.min(*time), last.max(*time));
            whole &= time.abs_diff(any).is_multiple_of(MICROS);
        }
        // Most sources count in seconds, which leaves few bits to sort by.
        let unit = if whole { MICROS } else { 1 };
        let time_bits = u64::BITS - (last.saturating_sub(first) / unit).leading_zeros();
        let position_bits = usize::BITS - times.len().leading_zeros();
        if time_bits + position_bits > u64::BITS {
            let mut pairs: Vec<(u64, u32)> = times.into_iter().zip(0..).collect();
            pairs.sort_unstable();
            return Self::Pairs(pairs);
        }
        for (at, time) in times.iter_mut().enumerate() {
            *time = ((*time - first) / unit) << position_bits | at as u64;
        }
        Self::Words { words: sorted(times, position_bits, time_bits), first, unit, position_bits }
    }

    /// The time at `rank`, and its position.
    pub(crate) fn at(&self, rank: usize) -> (u64, usize) {
        match self {
            Self::Words { words, first, unit, position_bits } => {
                let word = words[rank];
                let position = word & ((1 << position_bits) - 1);
                (first + (word >> position_bits) * unit, position as usize)
            }
            Self::Pairs(pairs) => (pairs[rank].0, pairs[rank].1 as usize),
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Words { words, .. } => words.len(),
            Self::Pairs(pairs) => pairs.len(),
        }
    }
}

/// Sorts keys that rise in the bits below `from`, and have `bits` more: by one group of bits after the other, the lowest
/// first, where these are few.
fn sorted(mut keys: Vec<u64>, from: u32, bits: u32) -> Vec<u64> {
    const GROUP: u32 = 11;
    if bits > 3 * GROUP || keys.is_sorted() {
        keys.sort_unstable();
        return keys;
    }
    let mut next = vec![0; keys.len()];
    for shift in (from..from + bits).step_by(GROUP as usize) {
        let group = |key: u64| (key >> shift) as usize % (1 << GROUP);
        let mut starts = [0usize; 1 << GROUP];
        for key in &keys {
            starts[group(*key)] += 1;
        }
        let mut start = 0;
        for count in &mut starts {
            (*count, start) = (start, start + *count);
        }
        for key in &keys {
            let at = &mut starts[group(*key)];
            next[*at] = *key;
            *at += 1;
        }
        std::mem::swap(&mut keys, &mut next);
    }
    keys
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn order(times: &[u64]) -> Vec<(u64, usize)> {
        let order = Order::of(times.to_vec());
        (0..order.len()).map(|rank| order.at(rank)).collect()
    }

    proptest! {
        /// Times of all ranges: few bits of them in one word with the position, many, and more than fit.
        #[test]
        fn is_a_stable_sort(
            mut times in prop::collection::vec(prop_oneof![0u64..4, any::<u64>()], 0..50),
            bits in 0u32..65,
            whole: bool,
            zero in 0u64..3_000_000,
        ) {
            let range = 1u64.checked_shl(bits).unwrap_or(u64::MAX).min(if whole { 1 << 44 } else { u64::MAX });
            for time in &mut times {
                *time = (*time % range * if whole { MICROS } else { 1 }).saturating_add(zero);
            }
            let mut stable: Vec<usize> = (0..times.len()).collect();
            stable.sort_by_key(|&at| times[at]);
            let stable: Vec<_> = stable.into_iter().map(|at| (times[at], at)).collect();
            prop_assert_eq!(order(&times), stable);
        }
    }

    #[test]
    fn the_ends_of_the_range() {
        let positions = |times: &[u64]| order(times).into_iter().map(|(_, at)| at).collect::<Vec<_>>();
        assert_eq!(positions(&[]), [0usize; 0]);
        assert_eq!(positions(&[u64::MAX]), [0]);
        assert_eq!(positions(&[u64::MAX, 0, u64::MAX, 0]), [1, 3, 0, 2]);
    }
}
