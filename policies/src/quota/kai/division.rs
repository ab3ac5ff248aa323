//! How siblings divide what their parent has (KAI, Fairness, "Fair-share algorithm"; resource division).
//!
//! First each gets what it deserves, up to what it asks for. What is left goes by priority, the highest first; within a priority
//! in proportion to over-quota weights, in whole units, up to what each asks for. What rounding left over goes in units to
//! those that lost most by it.

use crate::quota::wide::NO_LIMIT;

/// Parts of a whole in which usage and weights are counted.
pub(super) const PARTS: i128 = 1_000_000_000;

/// One queue in the division of one resource.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    pub(super) deserved: i128,
    /// What it asks for, at most its limit.
    pub(super) request: i128,
    pub(super) weight: i128,
    pub(super) priority: i32,
    /// Usage over time by capacity, in [`PARTS`].
    pub(super) usage: i128,
}

/// How hard usage over time counts, in thousandths: KAI's `kValue`.
pub(super) type Emphasis = i128;

/// The fair share of each claim in `total`, in units of `unit`.
pub(super) fn divide(total: i128, unit: i128, emphasis: Emphasis, claims: &[Claim]) -> Vec<i128> {
    let mut shares: Vec<i128> =
        claims.iter().map(|claim| claim.deserved.min(total).min(claim.request).max(0)).collect();
    let mut left = total - shares.iter().sum::<i128>();
    let mut priorities: Vec<i32> = claims.iter().map(|claim| claim.priority).collect();
    priorities.sort_unstable();
    priorities.dedup();
    for priority in priorities.into_iter().rev() {
        if left <= 0 {
            break;
        }
        let band: Vec<usize> = (0..claims.len()).filter(|at| claims[*at].priority == priority).collect();
        let rest = by_weight(&mut left, unit, emphasis, claims, &band, &mut shares);
        by_rest(&mut left, unit, claims, rest, &mut shares);
    }
    shares
}

/// What a queue lost by rounding, in parts of a unit, and the queue.
type Rest = Vec<(i128, usize)>;

/// Gives `left` out in proportion to weights, again as long as somebody needed less than its part.
fn by_weight(
    left: &mut i128,
    unit: i128,
    emphasis: Emphasis,
    claims: &[Claim],
    band: &[usize],
    shares: &mut [i128],
) -> Rest {
    loop {
        let hungry: Vec<usize> = band.iter().copied().filter(|at| claims[*at].request > shares[*at]).collect();
        let weights = weights(emphasis, claims, &hungry);
        let sum: i128 = weights.iter().sum();
        if sum == 0 || *left <= 0 {
            return Vec::new();
        }
        let (pot, mut again, mut rest) = (*left, false, Vec::new());
        for (at, weight) in hungry.into_iter().zip(weights) {
            let lacks = claims[at].request - shares[at];
            // Its part is pot x weight / sum.
            let given = if lacks * sum <= pot * weight {
                again |= lacks * sum < pot * weight;
                lacks
            } else {
                let units = pot * weight / sum / unit;
                rest.push((pot * weight - units * unit * sum, at));
                units * unit
            };
            shares[at] += given;
            *left -= given;
        }
        if !again || *left <= 0 {
            return rest;
        }
    }
}

/// Weights with usage over time: max(0, n + k (n - u)), n the weight by the sum of weights, u the usage by capacity.
fn weights(emphasis: Emphasis, claims: &[Claim], hungry: &[usize]) -> Vec<i128> {
    let sum: i128 = hungry.iter().map(|at| claims[*at].weight).sum();
    let weight = |at: &usize| {
        let Claim { weight, usage, .. } = claims[*at];
        if hungry.iter().all(|at| claims[*at].usage == 0) {
            return weight;
        }
        let part = weight * PARTS / sum.max(1);
        (part * 1000 + emphasis * (part - usage)).max(0)
    };
    hungry.iter().map(weight).collect()
}

/// What rounding left over: a unit each to those that lost most, then the lower number.
fn by_rest(left: &mut i128, unit: i128, claims: &[Claim], mut rest: Rest, shares: &mut [i128]) {
    rest.retain(|(lost, _)| *lost > 0);
    rest.sort_unstable_by_key(|(lost, at)| (std::cmp::Reverse(*lost), *at));
    for (_, at) in rest {
        let given = unit.min(*left).min(claims[at].request - shares[at]);
        shares[at] += given;
        *left -= given;
        if *left <= 0 {
            return;
        }
    }
}

/// A deserved quota: nothing where nobody has said, all of the resource where it has no limit.
pub(super) fn deserved(quota: Option<i128>, total: i128) -> i128 {
    match quota {
        None => 0,
        Some(quota) if quota >= NO_LIMIT => total,
        Some(quota) => quota,
    }
}

#[cfg(test)]
mod tests;
