//! Who arrives in which order.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// The jobs that arrive, as indices into `demand` (thousandths of a GPU of each job of the trace), for one seed.
///
/// All jobs of the trace in a random order; behind them jobs drawn from it with replacement, all alike likely, until the next
/// one would bring the demand above `most`. Where the trace alone demands more, jobs are taken out one by one, all alike
/// likely, until it does not. The order depends on the seed alone.
pub fn arrivals(demand: &[u64], most: u64, seed: u64) -> Vec<usize> {
    let mut chance = StdRng::seed_from_u64(seed);
    let mut order: Vec<usize> = (0..demand.len()).collect();
    for at in (1..order.len()).rev() {
        order.swap(at, chance.random_range(0..=at));
    }
    let mut sum: u64 = demand.iter().sum();
    if sum > most {
        while sum > most {
            let out = order.remove(chance.random_range(0..order.len()));
            sum -= demand[out];
        }
        return order;
    }
    // Jobs without GPUs alone would never fill anything.
    while sum > 0 && sum < most {
        let drawn = chance.random_range(0..demand.len());
        if sum + demand[drawn] > most {
            break;
        }
        sum += demand[drawn];
        order.push(drawn);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(demand: &[u64], order: &[usize]) -> u64 {
        order.iter().map(|at| demand[*at]).sum()
    }

    #[test]
    fn a_small_trace_is_drawn_from_again() {
        let demand: Vec<u64> = (0..100).map(|at| if at % 3 == 0 { 0 } else { 500 }).collect();
        let order = arrivals(&demand, 50_000, 7);
        let mut first = order[..100].to_vec();
        assert_ne!(first, (0..100).collect::<Vec<_>>());
        first.sort_unstable();
        assert_eq!(first, (0..100).collect::<Vec<_>>(), "each job once, then draws");
        assert!(order.len() > 100 && sum(&demand, &order) == 50_000);
        assert_eq!(order, arrivals(&demand, 50_000, 7));
        assert_ne!(order, arrivals(&demand, 50_000, 8));
    }

    #[test]
    fn a_large_trace_loses_jobs() {
        let demand = vec![1000; 50];
        let mut order = arrivals(&demand, 20_500, 1);
        assert_eq!(order.len(), 20);
        order.sort_unstable();
        order.dedup();
        assert_eq!(order.len(), 20, "none is there twice");
    }

    #[test]
    fn jobs_without_gpus_do_not_fill_for_ever() {
        assert_eq!(arrivals(&[0, 0], 1000, 1).len(), 2);
        assert!(arrivals(&[], 1000, 1).is_empty());
    }
}
