//! Trading of GPU models between users (Chaudhary et al., 2020, section 3): who gains most from the fast model buys from
//! who gains least, so that both end with at least the throughput that they had.
//!
//! A user is entitled to the same part of each model. The one with the highest speedup of the fast model over the slow one
//! gives `price` slow GPUs for a fast one to the one with the lowest; the price is the second-highest speedup of all who
//! still offer slow GPUs, as in a second-price auction, so that nobody gains by overstating its own. As
//! lowest <= price <= highest, neither loses. When one side has nothing left, the next takes its place.

/// Millionths.
const UNIT: u128 = 1_000_000;

/// A user in the market. Amounts are millionths of a GPU.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trader {
    pub(crate) weight_milli: u32,
    /// What its jobs ask for.
    pub(crate) demand: u64,
    /// How fast its jobs are on each model, on average; empty where that is not known: it does not trade.
    pub(crate) speeds: Vec<u64>,
    /// What it is entitled to of each model.
    pub(crate) share: Vec<u64>,
}

impl Trader {
    /// Speedup of `fast` over `slow` in millionths.
    fn speedup(&self, fast: usize, slow: usize) -> Option<u64> {
        match (*self.speeds.get(fast)?, *self.speeds.get(slow)?) {
            (0, 0) => None,
            (_, 0) => Some(u64::from(u32::MAX) * 1_000_000),
            (fast, slow) => Some(part(fast, UNIT, slow)),
        }
    }

    /// GPUs that it could use beyond its share.
    fn room(&self) -> u64 {
        self.demand.saturating_sub(self.share.iter().sum())
    }
}

/// amount x over / under, rounded down.
fn part(amount: u64, over: u128, under: u64) -> u64 {
    u64::try_from(u128::from(amount) * over / u128::from(under.max(1))).unwrap_or(u64::MAX)
}

/// Weighted max-min shares of all GPUs, none above what its jobs ask for, each with the same part of every model.
pub(crate) fn entitle(users: &mut [Trader], capacity: &[u64]) {
    let all: u64 = capacity.iter().sum();
    let mut order: Vec<usize> = (0..users.len()).collect();
    order.sort_by(|a, b| {
        let product = |x: &Trader, y: &Trader| u128::from(x.demand) * u128::from(y.weight_milli);
        let (a, b) = (&users[*a], &users[*b]);
        product(a, b).cmp(&product(b, a))
    });
    let mut left = all;
    let mut weights: u64 = users.iter().map(|user| u64::from(user.weight_milli)).sum();
    for at in order {
        let user = &mut users[at];
        let given = user.demand.min(part(left, u128::from(user.weight_milli), weights));
        weights -= u64::from(user.weight_milli);
        left -= given;
        user.share = capacity.iter().map(|of_model| part(given, u128::from(*of_model), all)).collect();
    }
}

/// Trades each pair of models, the fastest against the slowest first, until nobody gains any more.
pub(crate) fn trade(users: &mut [Trader], models: usize) {
    let mean = |model: usize| users.iter().filter_map(|user| user.speeds.get(model)).sum::<u64>();
    let mut order: Vec<usize> = (0..models).collect();
    order.sort_by_key(|model| (mean(*model), *model));
    // One pass does for two models; with more, what was bought may be worth selling.
    for _ in 0..models * models {
        let mut traded = false;
        for fast in (1..models).rev() {
            for slow in 0..fast {
                traded |= clear(users, order[fast], order[slow]);
            }
        }
        if !traded {
            return;
        }
    }
}

/// Trades one pair of models. Whether anything changed hands.
fn clear(users: &mut [Trader], fast: usize, slow: usize) -> bool {
    let speedup = |(at, user): (usize, &Trader)| user.speedup(fast, slow).map(|speedup| (speedup, at));
    let mut bids: Vec<(u64, usize)> = users.iter().enumerate().filter_map(speedup).collect();
    bids.sort_by_key(|(speedup, at)| (std::cmp::Reverse(*speedup), *at));
    let (mut first, mut last) = (0, bids.len());
    let mut traded = false;
    while first + 1 < last {
        let ((most, buyer), (least, seller)) = (bids[first], bids[last - 1]);
        if most == least {
            break;
        }
        let second = bids[first + 1..].iter().find(|(_, at)| users[*at].share[slow] > 0);
        let price = second.map_or(least, |(second, _)| (*second).max(least));
        // Whoever ends with more GPUs must be able to use them.
        let usable = |user: usize, more: u64| if more == 0 { u64::MAX } else { part(users[user].room(), UNIT, more) };
        let for_seller = users[seller].share[fast].min(usable(seller, price.saturating_sub(1_000_000)));
        let for_buyer =
            part(users[buyer].share[slow], UNIT, price).min(usable(buyer, 1_000_000u64.saturating_sub(price)));
        let bought = for_buyer.min(for_seller);
        let paid = u128::from(bought) * u128::from(price);
        let paid = (paid.div_ceil(UNIT) as u64).min(users[buyer].share[slow]);
        users[buyer].share[slow] -= paid;
        users[buyer].share[fast] += bought;
        users[seller].share[slow] += paid;
        users[seller].share[fast] -= bought;
        traded |= bought > 0;
        if bought == for_buyer {
            first += 1;
        } else {
            last -= 1;
        }
    }
    traded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GPU: u64 = 1_000_000;

    fn user(weight_milli: u32, demand: u64, speeds: &[u64]) -> Trader {
        Trader { weight_milli, demand: demand * GPU, speeds: speeds.to_vec(), share: Vec::new() }
    }

    /// Throughput of a user: GPUs times speed.
    fn throughput(user: &Trader) -> u128 {
        user.share.iter().zip(&user.speeds).map(|(share, speed)| u128::from(*share) * u128::from(*speed)).sum()
    }

    /// Shares and speedups of the unit test of a public implementation of this rule (`GandivaScheduler`, `test_trading`), worked
    /// by hand: speedups 4, 6 and 8, one GPU of each model. C sells 0.34 slow ones to A at 6, the second price: 0.0567.
    /// Then B sells its 0.33 to A at 4, which is all that A asks: 0.0825.
    #[test]
    fn the_highest_speedup_buys_from_the_lowest_at_the_second_price() {
        let speeds = [[100, 400], [100, 600], [100, 800]];
        let mut users: Vec<Trader> = [330, 330, 340].iter().zip(speeds).map(|(w, s)| user(*w, 99, &s)).collect();
        entitle(&mut users, &[GPU, GPU]);
        assert_eq!(users[2].share, [340_000, 340_000]);
        trade(&mut users, 2);
        let near = |share: u64, want: u64| assert!(share.abs_diff(want) <= 3, "{share} {want}");
        for (user, (slow, fast)) in users.iter().zip([(1_000_000, 190_833), (0, 412_500), (0, 396_667)]) {
            near(user.share[0], slow);
            near(user.share[1], fast);
        }
    }

    /// 20 slow and 20 fast GPUs, halved: 1.25 times against 6 times as fast. With two users the price is the lower speedup:
    /// 10 slow ones buy 8 fast ones. A keeps its throughput of 22.5, B goes from 70 to 108.
    #[test]
    fn two_users_trade_at_the_speedup_of_the_seller() {
        let mut users = vec![user(1000, 40, &[100, 125]), user(1000, 40, &[100, 600])];
        entitle(&mut users, &[20 * GPU, 20 * GPU]);
        let before: Vec<u128> = users.iter().map(throughput).collect();
        trade(&mut users, 2);
        assert_eq!(users[0].share, [20 * GPU, 2 * GPU]);
        assert_eq!(users[1].share, [0, 18 * GPU]);
        let after: Vec<u128> = users.iter().map(throughput).collect();
        assert_eq!((before[0], before[1]), (2250 * u128::from(GPU), 7000 * u128::from(GPU)));
        assert_eq!((after[0], after[1]), (2250 * u128::from(GPU), 10_800 * u128::from(GPU)));
    }

    /// More slow GPUs than its jobs can use are no price for a fast one.
    #[test]
    fn nobody_sells_for_gpus_that_it_cannot_use() {
        let mut users = vec![user(1000, 1, &[100, 125]), user(1000, 40, &[100, 600])];
        entitle(&mut users, &[GPU, GPU]);
        let before = users.clone();
        trade(&mut users, 2);
        assert_eq!(users, before);
    }

    proptest! {
        /// Nobody ends with less throughput than without trade, nothing is made or lost, nobody gets more than it can use,
        /// and where room is no limit no two users are left who both would gain.
        #[test]
        fn trade_harms_nobody_and_leaves_nothing_to_gain(
            users in prop::collection::vec((1u32..5, 1u64..60, prop::collection::vec(1u64..900, 3)), 1..8),
            capacity in prop::collection::vec(0u64..30, 3),
            models in 2usize..4,
        ) {
            let capacity: Vec<u64> = capacity[..models].iter().map(|gpus| gpus * GPU).collect();
            let mut users: Vec<Trader> =
                users.iter().map(|(w, demand, speeds)| user(w * 1000, *demand, &speeds[..models])).collect();
            entitle(&mut users, &capacity);
            let before = users.clone();
            trade(&mut users, models);
            for (after, before) in users.iter().zip(&before) {
                // Amounts are whole millionths: each trade may cost its buyer one of them.
                prop_assert!(throughput(after) + 1_000_000 >= throughput(before), "{:?} {:?}", after, before);
                prop_assert!(after.share.iter().sum::<u64>() <= after.demand.max(before.share.iter().sum()) + 1000);
            }
            for (model, most) in capacity.iter().enumerate() {
                let sum = |users: &[Trader]| users.iter().map(|user| user.share[model]).sum::<u64>();
                prop_assert_eq!(sum(&users), sum(&before));
                prop_assert!(sum(&users) <= *most);
            }
            let dust = 10_000;
            for (a, b) in users.iter().flat_map(|a| users.iter().map(move |b| (a, b))).filter(|_| models == 2) {
                let order = if users.iter().map(|u| u.speeds[0]).sum::<u64>() > users.iter().map(|u| u.speeds[1]).sum() {
                    (0, 1)
                } else {
                    (1, 0)
                };
                let (fast, slow) = order;
                let gains = a.speedup(fast, slow) > b.speedup(fast, slow);
                let could = a.share[slow] > dust && b.share[fast] > dust && a.room().min(b.room()) > dust;
                prop_assert!(!(gains && could), "{:?} {:?}", a, b);
            }
        }
    }
}
