//! Pods of one job over time: how many ran at one instant, and for how long any did.

/// A span of time in which a pod ran, and how much of something it had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) amount: u64,
}

/// The largest sum at one instant, and when it was first reached. An end is before a start of the same instant, but a
/// pod that ends when it starts did run.
pub(super) fn peak(held: impl Iterator<Item = Held>) -> (u64, i64) {
    // Order within an instant: ends of pods that started before, starts, ends of pods that started just then.
    let mut changes: Vec<(i64, u8, u64)> = Vec::new();
    for Held { start, end, amount } in held {
        changes.push((start, 1, amount));
        changes.push((end, if end == start { 2 } else { 0 }, amount));
    }
    changes.sort_unstable();
    let (mut now, mut best) = (0u64, (0u64, i64::MAX));
    for (at, order, amount) in changes {
        now = if order == 1 { now.saturating_add(amount) } else { now.saturating_sub(amount) };
        if now > best.0 || best.1 == i64::MAX {
            best = (now, at);
        }
    }
    best
}

/// What the pods covered from an instant on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cover {
    /// Microseconds in which any of them ran.
    pub(super) busy_us: u64,
    /// Times that none ran, between the first and the last.
    pub(super) gaps: usize,
}

/// The cover of the pods from `from` on.
pub(super) fn cover(held: impl Iterator<Item = Held>, from: i64) -> Cover {
    let mut spans: Vec<(i64, i64)> =
        held.filter(|held| held.end >= from).map(|held| (held.start.max(from), held.end)).collect();
    spans.sort_unstable();
    let mut cover = Cover { busy_us: 0, gaps: 0 };
    let mut until: Option<i64> = None;
    for (start, end) in spans {
        cover.gaps += usize::from(until.is_some_and(|until| start > until));
        let fresh = start.max(until.unwrap_or(start));
        cover.busy_us += u64::try_from(end - fresh).unwrap_or(0);
        until = Some(until.map_or(end, |until| until.max(end)));
    }
    cover
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(spans: &[(i64, i64)]) -> impl Iterator<Item = Held> {
        spans.iter().map(|&(start, end)| Held { start, end, amount: 1 })
    }

    #[test]
    fn peaks() {
        assert_eq!(peak(held(&[(0, 10), (2, 8), (5, 6)])), (3, 5));
        assert_eq!(peak(held(&[(0, 10), (10, 20)])), (1, 0), "one after the other");
        assert_eq!(peak(held(&[(0, 10), (9, 20)])), (2, 9));
        assert_eq!(peak(held(&[(5, 5), (5, 5)])), (2, 5), "of no length");
        assert_eq!(peak(held(&[(0, 5), (5, 5)])), (1, 0));
    }

    #[test]
    fn covers() {
        assert_eq!(cover(held(&[(0, 10), (2, 8)]), 0), Cover { busy_us: 10, gaps: 0 });
        assert_eq!(cover(held(&[(0, 10), (20, 25), (10, 12)]), 5), Cover { busy_us: 12, gaps: 1 });
        assert_eq!(cover(held(&[(0, 10)]), 20), Cover { busy_us: 0, gaps: 0 });
    }
}
