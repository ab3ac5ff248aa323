//! The division by hand, by its properties, and against a naive one in floating point.

use proptest::prelude::*;

use super::*;

fn claim(deserved: i128, request: i128, weight: i128, priority: i32) -> Claim {
    Claim { deserved, request, weight, priority, usage: 0 }
}

/// Scheduling deep dive, "Queue priority": 10 GPUs, quotas 2 + 3 + 2; the 3 left go 2 : 1 to the two of higher priority.
#[test]
fn what_is_left_goes_to_the_highest_priority_by_weight() {
    let claims = [claim(2, 10, 2, 2), claim(3, 10, 1, 2), claim(2, 10, 100, 1)];
    assert_eq!(divide(10, 1, 1000, &claims), [4, 4, 2]);
}

#[test]
fn nobody_gets_more_than_it_asks_for_and_others_get_the_rest() {
    assert_eq!(divide(10, 1, 1000, &[claim(0, 2, 1, 0), claim(0, 10, 1, 0), claim(0, 10, 1, 0)]), [2, 4, 4]);
    assert_eq!(divide(10, 1, 1000, &[claim(8, 1, 1, 0), claim(0, 20, 1, 0)]), [1, 9]);
}

/// Shares are whole units; what is left goes to the largest remainder, then the first.
#[test]
fn shares_are_rounded_down_and_the_rest_goes_to_the_largest_remainder() {
    assert_eq!(divide(10, 1, 1000, &[claim(0, 10, 1, 0), claim(0, 10, 1, 0), claim(0, 10, 1, 0)]), [4, 3, 3]);
    // 10 x 3/7 = 4.29, 10 x 2/7 = 2.86 twice: both of the rest.
    assert_eq!(divide(10, 1, 1000, &[claim(0, 10, 3, 0), claim(0, 10, 2, 0), claim(0, 10, 2, 0)]), [4, 3, 3]);
}

/// n + k (n - u) with n = 1/2 each and k = 1: a queue that used a quarter of the cluster has 0.75, the other 1.
#[test]
fn usage_over_time_lowers_weights() {
    let used = Claim { usage: PARTS / 4, ..claim(0, 70, 1, 0) };
    assert_eq!(divide(70, 1, 1000, &[used, claim(0, 70, 1, 0)]), [30, 40]);
    assert_eq!(divide(70, 1, 0, &[used, claim(0, 70, 1, 0)]), [35, 35], "k = 0: usage does not count");
    let greedy = Claim { usage: PARTS, ..used };
    assert_eq!(divide(70, 1, 1000, &[greedy, claim(0, 70, 1, 0)]), [0, 70], "it used the whole cluster");
}

/// The published loop in floating point, queue after queue.
fn naive(total: f64, claims: &[Claim]) -> Vec<f64> {
    let mut shares: Vec<f64> = claims.iter().map(|c| (c.deserved as f64).min(total).min(c.request as f64)).collect();
    let mut left = total - shares.iter().sum::<f64>();
    let mut priorities: Vec<i32> = claims.iter().map(|claim| claim.priority).collect();
    priorities.sort_unstable();
    priorities.dedup();
    for priority in priorities.iter().rev() {
        for _ in 0..10_000 {
            let hungry: Vec<usize> = (0..claims.len())
                .filter(|at| claims[*at].priority == *priority && claims[*at].request as f64 - shares[*at] > 1e-9)
                .collect();
            let sum: f64 = hungry.iter().map(|at| claims[*at].weight as f64).sum();
            if left < 1e-9 || hungry.is_empty() {
                break;
            }
            let pot = left;
            for at in hungry {
                let given = (pot * claims[at].weight as f64 / sum).min(claims[at].request as f64 - shares[at]);
                shares[at] += given;
                left -= given;
            }
        }
    }
    shares
}

proptest! {
    #[test]
    fn the_division_is_that_of_the_definition(
        total in 0i128..200,
        queues in prop::collection::vec((0i128..30, 0i128..120, 1i128..10, 0i32..3), 1..8),
    ) {
        let queues: Vec<Claim> = queues.into_iter().map(|(d, r, w, p)| claim(d, r, w, p)).collect();
        let shares = divide(total, 1, 1000, &queues);
        let deserved: i128 = queues.iter().map(|claim| claim.deserved.min(total).min(claim.request)).sum();
        for (share, claim) in shares.iter().zip(&queues) {
            prop_assert!(*share <= claim.request);
            prop_assert!(*share >= claim.deserved.min(total).min(claim.request));
        }
        prop_assert!(shares.iter().sum::<i128>() <= total.max(deserved));
        // Nothing is left while somebody asks for more.
        let asked: i128 = queues.iter().map(|claim| claim.request).sum();
        prop_assert_eq!(shares.iter().sum::<i128>().min(total), asked.min(total));
        // In exact shares, rounding moves each by less than a unit a queue; a priority never depends on a lower one.
        for (share, exact) in shares.iter().zip(naive(total as f64, &queues)) {
            prop_assert!((*share as f64 - exact).abs() <= queues.len() as f64, "{:?} {:?}", shares, queues);
        }
    }

    /// In fine units the division is the exact one.
    #[test]
    fn in_fine_units_the_division_is_exact(
        total in 0i128..200,
        queues in prop::collection::vec((0i128..30, 0i128..120, 1i128..10, 0i32..3), 1..8),
    ) {
        let fine = 1_000_000;
        let queues: Vec<Claim> = queues.into_iter().map(|(d, r, w, p)| claim(d, r, w, p)).collect();
        let scaled: Vec<Claim> = queues
            .iter()
            .map(|c| Claim { deserved: c.deserved * fine, request: c.request * fine, ..*c })
            .collect();
        let shares = divide(total * fine, 1, 1000, &scaled);
        for (share, exact) in shares.iter().zip(naive(total as f64, &queues)) {
            prop_assert!((*share as f64 / fine as f64 - exact).abs() < 1e-4, "{:?} {:?}", shares, queues);
        }
    }

    /// More weight never gives less.
    #[test]
    fn more_weight_never_gives_less(weight in 1i128..20, others in prop::collection::vec(1i128..10, 1..6)) {
        let queues = |weight| {
            let others = others.iter().map(|weight| claim(0, 1000, *weight, 0));
            std::iter::once(claim(0, 1000, weight, 0)).chain(others).collect::<Vec<_>>()
        };
        let share = |weight| divide(100, 1, 1000, &queues(weight))[0];
        prop_assert!(share(weight + 1) >= share(weight));
    }
}
