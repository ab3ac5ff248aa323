//! The Gittins index in its closed forms, and against its definition.

use policies::Gittins;
use proptest::prelude::*;

/// All jobs alike: the index is the work that is left, and the order is that of SRPT.
#[test]
fn gittins_of_a_known_length_is_what_is_left() {
    let gittins = Gittins::new(vec![1000; 50]);
    for attained in [0, 1, 400, 999] {
        assert_eq!(gittins.best_rank(attained), 1000 - attained);
        assert_eq!(gittins.rank(attained, None), 1000 - attained);
    }
    assert_eq!(gittins.best_rank(1000), u64::MAX);
}

/// Two lengths by hand: with chance 3/4 it is 100, else 1000. At 0 a quantum of 100 gives (3/4 x 100 + 1/4 x 100) / (3/4) =
/// 133 a completion, and one to the end (3/4 x 100 + 1/4 x 1000) / 1 = 325: the index takes the first. From 100 on, what is
/// left.
#[test]
fn gittins_of_two_lengths_by_hand() {
    let gittins = Gittins::new(vec![100, 100, 100, 1000]);
    assert_eq!((gittins.rank(0, Some(100)), gittins.rank(0, None), gittins.best_rank(0)), (133, 325, 133));
    // At 50: (3/4 x 50 + 1/4 x 50) / (3/4).
    assert_eq!(gittins.best_rank(50), 66);
    assert_eq!((gittins.best_rank(100), gittins.best_rank(700)), (900, 300));
    // A job that has run 850 is closer to its end than a new one is to its first chance; one that has run 700 is not.
    assert!(gittins.best_rank(870) < gittins.best_rank(0) && gittins.best_rank(0) < gittins.best_rank(700));
}

/// A geometric distribution has no memory: the index stands still (the exponential distribution in steps).
#[test]
fn gittins_without_memory_is_constant() {
    // 2^20 samples would be exact; of 2^14, half ends at each step, and the last steps are left out.
    let samples: Vec<u64> = (0..14).flat_map(|step| vec![(step + 1) * 1000; 1 << (13 - step)]).collect();
    let gittins = Gittins::new(samples);
    let ranks: Vec<u64> = (0..6).map(|step| gittins.rank(step * 1000, Some(1000))).collect();
    assert!(ranks.iter().all(|rank| rank.abs_diff(2000) <= 20), "{ranks:?}");
    let best: Vec<u64> = (0..6).map(|step| gittins.best_rank(step * 1000)).collect();
    assert!(best.iter().all(|rank| rank.abs_diff(2000) <= 40), "{best:?}");
}

/// A falling hazard rate: the more a job has attained, the later it goes, which is LAS.
#[test]
fn gittins_of_a_falling_hazard_rate_is_las() {
    for (first, factor) in [(2u64, 2u64), (2, 4), (5, 3), (9, 2)] {
        // Of those alive at step n, 1 in (first + factor x n) ends there.
        let (mut alive, mut samples) = (200_000u64, Vec::new());
        for step in 0..40u64 {
            let end = alive / (first + factor * step);
            samples.extend(std::iter::repeat_n((step + 1) * 1000, end as usize));
            alive -= end;
        }
        samples.extend(std::iter::repeat_n(10_000_000, alive as usize));
        let gittins = Gittins::new(samples);
        let ranks: Vec<u64> = (0..30).map(|step| gittins.best_rank(step * 1000)).collect();
        assert!(ranks.is_sorted(), "{ranks:?}");
    }
}

proptest! {
    /// The index by its definition, over all quanta, in fractions.
    #[test]
    fn gittins_equals_its_definition(samples in prop::collection::vec(1u64..60, 1..20), attained in 0u64..60) {
        let gittins = Gittins::new(samples.clone());
        let index = |quantum: u64| {
            let alive: Vec<u64> = samples.iter().filter(|s| **s > attained).map(|s| s - attained).collect();
            let ends = alive.iter().filter(|left| **left <= quantum).count() as u64;
            let spent: u64 = alive.iter().map(|left| (*left).min(quantum)).sum();
            spent.checked_div(ends).unwrap_or(u64::MAX)
        };
        let best = (1..=60).map(index).min().unwrap();
        prop_assert_eq!(gittins.best_rank(attained), best);
        for quantum in [1, 7, 60] {
            prop_assert_eq!(gittins.rank(attained, Some(quantum)), index(quantum));
        }
    }
}
