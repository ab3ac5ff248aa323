//! The shuffle of Python's standard library, which published samples were drawn with: Fisher and Yates from the end, with
//! draws of the Mersenne Twister MT19937 (Matsumoto and Nishimura, ACM TOMACS 1998), seeded by `init_by_array`.

const N: usize = 624;
const M: usize = 397;

/// The generator.
struct Twister {
    state: [u32; N],
    at: usize,
}

impl Twister {
    /// As the paper's `init_genrand`.
    fn seeded(seed: u32) -> Self {
        let mut state = [0; N];
        state[0] = seed;
        for i in 1..N {
            let last: u32 = state[i - 1];
            state[i] = 1_812_433_253_u32.wrapping_mul(last ^ (last >> 30)).wrapping_add(i as u32);
        }
        Self { state, at: N }
    }

    /// As `init_by_array` with a key of one word: what `random.seed(key)` does.
    fn keyed(key: u32) -> Self {
        let mut twister = Self::seeded(19_650_218);
        let state = &mut twister.state;
        let mut i = 1;
        let wrap = |state: &mut [u32; N], i: &mut usize| {
            *i += 1;
            if *i >= N {
                state[0] = state[N - 1];
                *i = 1;
            }
        };
        for _ in 0..N {
            let last = state[i - 1];
            state[i] = (state[i] ^ (last ^ (last >> 30)).wrapping_mul(1_664_525)).wrapping_add(key);
            wrap(state, &mut i);
        }
        for _ in 1..N {
            let last = state[i - 1];
            state[i] = (state[i] ^ (last ^ (last >> 30)).wrapping_mul(1_566_083_941)).wrapping_sub(i as u32);
            wrap(state, &mut i);
        }
        state[0] = 0x8000_0000;
        twister
    }

    fn refill(&mut self) {
        for i in 0..N {
            let word = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % N] & 0x7fff_ffff);
            let odd = if word & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[i] = self.state[(i + M) % N] ^ (word >> 1) ^ odd;
        }
        self.at = 0;
    }

    fn next(&mut self) -> u32 {
        if self.at >= N {
            self.refill();
        }
        let mut word = self.state[self.at];
        self.at += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }

    /// A number below `limit`, by drawing as many bits as it has until it is below.
    fn below(&mut self, limit: u32) -> u32 {
        let unused = limit.leading_zeros();
        loop {
            let drawn = self.next() >> unused;
            if drawn < limit {
                return drawn;
            }
        }
    }
}

/// Shuffles `items` as `random.seed(seed); random.shuffle(items)` does.
pub(super) fn shuffle<T>(items: &mut [T], seed: u32) {
    let mut twister = Twister::keyed(seed);
    for last in (1..items.len()).rev() {
        items.swap(last, twister.below(last as u32 + 1) as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tenth thousandth output for seed 5489 is stated by the C++ standard (mt19937).
    #[test]
    fn the_generator_is_the_published_one() {
        let mut twister = Twister::seeded(5489);
        assert_eq!((0..10_000).map(|_| twister.next()).last(), Some(4_123_659_995));
    }

    #[test]
    fn lists_are_shuffled_as_python_does() {
        let mut items: Vec<u32> = (0..10).collect();
        shuffle(&mut items, 42);
        assert_eq!(items, PYTHON_42_10);
    }

    /// `random.seed(42); a = list(range(10)); random.shuffle(a)` of Python 3.
    const PYTHON_42_10: [u32; 10] = [7, 3, 2, 8, 5, 6, 9, 4, 0, 1];
}
