//! Axes: from values to places, and the values that get a tick.

/// How values are spread along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// Evenly.
    Linear,
    /// By their logarithm; values must be positive.
    Log,
    /// By their logarithm above 1, evenly from 0 to 1 in the space of half a decade: zero has a place.
    LogWithZero,
}

impl Scale {
    fn warp(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Log => value.max(1e-9).log10(),
            Self::LogWithZero if value <= 1.0 => value.max(0.0) * 0.5,
            Self::LogWithZero => 0.5 + value.log10(),
        }
    }
}

/// A marked value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    /// The value.
    pub(super) at: f64,
    /// What is written beside it.
    pub(super) text: String,
}

/// One axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    /// How values are spread.
    pub(super) scale: Scale,
    /// Value at the start.
    pub(super) low: f64,
    /// Value at the end.
    pub(super) high: f64,
    /// Marked values inside the range.
    pub(super) ticks: Vec<Tick>,
    /// What the axis shows, with unit.
    pub(super) title: String,
}

impl Axis {
    /// Place of a value as a share of the axis, held inside it.
    pub(super) fn place(&self, value: f64) -> f64 {
        let (low, high) = (self.scale.warp(self.low), self.scale.warp(self.high));
        if high > low { ((self.scale.warp(value) - low) / (high - low)).clamp(0.0, 1.0) } else { 0.5 }
    }

    /// A linear axis over numbers with about six round ticks.
    pub(super) fn numbers(title: &str, low: f64, high: f64) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        let step = round_step((high - low) / 5.0);
        let digits = decimals(step);
        let text = |value: f64| if step < 1.0 { format!("{value:.digits$}") } else { grouped(value) };
        Self::linear(title, (low, high), step, text)
    }

    /// A linear axis over counts of things: no tick between whole numbers.
    pub(super) fn counts(title: &str, high: f64) -> Self {
        let high = high.max(1.0);
        Self::linear(title, (0.0, high), round_step(high / 4.0).max(1.0), grouped)
    }

    /// A linear axis from 0 to 100 %.
    pub(super) fn shares(title: &str) -> Self {
        Self::linear(title, (0.0, 1.0), 0.25, |value| format!("{:.0} %", value * 100.0))
    }

    fn linear(title: &str, (low, high): (f64, f64), step: f64, text: impl Fn(f64) -> String) -> Self {
        let first = (low / step).ceil() as i64;
        let last = (high / step + 1e-9).floor() as i64;
        let ticks = (first..=last).map(|k| k as f64 * step).map(|at| Tick { at, text: text(at) }).collect();
        Self { scale: Scale::Linear, low, high, ticks, title: title.to_owned() }
    }

    /// A logarithmic axis over durations in seconds, from the tick below `low` to the tick above `high`.
    pub(super) fn durations(title: &str, low: f64, high: f64) -> Self {
        let low = low.max(1e-3);
        let high = high.max(low);
        let grid = if high / low < 30.0 { FINE } else { COARSE };
        let below = grid.iter().rev().find(|(at, _)| *at <= low).map_or(low, |(at, _)| *at);
        let above = grid.iter().find(|(at, _)| *at >= high && *at > below).map_or(high, |(at, _)| *at);
        let (low, high) = (below, above.max(below * 1.01));
        Self { scale: Scale::Log, low, high, ticks: ticks_within(grid, low, high), title: title.to_owned() }
    }

    /// An axis over durations in seconds from zero on: even to 1 s, logarithmic above.
    pub(super) fn durations_with_zero(title: &str, high: f64) -> Self {
        let grid: Vec<_> = COARSE.iter().copied().filter(|(at, _)| *at >= 1.0).collect();
        let high = grid.iter().find(|(at, _)| *at >= high).map_or(high, |(at, _)| *at);
        let mut ticks = vec![Tick { at: 0.0, text: "0".to_owned() }];
        ticks.extend(ticks_within(&grid, 1.0, high));
        Self { scale: Scale::LogWithZero, low: 0.0, high, ticks, title: title.to_owned() }
    }

    /// A logarithmic axis over shares, in powers of ten from `low` to 100 %.
    pub(super) fn small_shares(title: &str, low: f64) -> Self {
        let decades = (-low.clamp(1e-6, 0.1).log10()).ceil() as i32;
        let tick = |power: i32| {
            let at = 10_f64.powi(-power);
            Tick { at, text: format!("{} %", trimmed(at * 100.0)) }
        };
        let ticks = (0..=decades).rev().map(tick).collect();
        Self { scale: Scale::Log, low: 10_f64.powi(-decades), high: 1.0, ticks, title: title.to_owned() }
    }
}

const COARSE: &[(f64, &str)] = &[
    (0.001, "1 ms"),
    (0.01, "10 ms"),
    (0.1, "0.1 s"),
    (1.0, "1 s"),
    (10.0, "10 s"),
    (60.0, "1 min"),
    (600.0, "10 min"),
    (3600.0, "1 h"),
    (36_000.0, "10 h"),
    (172_800.0, "2 d"),
    (864_000.0, "10 d"),
    (4_320_000.0, "50 d"),
    (31_536_000.0, "1 y"),
    (315_360_000.0, "10 y"),
    (3_153_600_000.0, "100 y"),
];

const FINE: &[(f64, &str)] = &[
    (0.001, "1 ms"),
    (0.003, "3 ms"),
    (0.01, "10 ms"),
    (0.03, "30 ms"),
    (0.1, "0.1 s"),
    (0.3, "0.3 s"),
    (1.0, "1 s"),
    (2.0, "2 s"),
    (5.0, "5 s"),
    (10.0, "10 s"),
    (20.0, "20 s"),
    (30.0, "30 s"),
    (60.0, "1 min"),
    (120.0, "2 min"),
    (300.0, "5 min"),
    (600.0, "10 min"),
    (1200.0, "20 min"),
    (1800.0, "30 min"),
    (3600.0, "1 h"),
    (7200.0, "2 h"),
    (14_400.0, "4 h"),
    (28_800.0, "8 h"),
    (57_600.0, "16 h"),
    (86_400.0, "1 d"),
    (172_800.0, "2 d"),
    (345_600.0, "4 d"),
    (691_200.0, "8 d"),
    (1_382_400.0, "16 d"),
    (2_592_000.0, "30 d"),
    (5_184_000.0, "60 d"),
    (10_368_000.0, "120 d"),
    (31_536_000.0, "1 y"),
    (94_608_000.0, "3 y"),
    (315_360_000.0, "10 y"),
];

fn ticks_within(grid: &[(f64, &str)], low: f64, high: f64) -> Vec<Tick> {
    let inside = grid.iter().filter(|(at, _)| *at >= low && *at <= high);
    inside.map(|&(at, text)| Tick { at, text: text.to_owned() }).collect()
}

/// The next of 1, 2, 5 times a power of ten.
pub(super) fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.max(1e-12).log10().floor());
    [1.0, 2.0, 5.0].iter().map(|step| step * power).find(|step| *step >= least * 0.999).unwrap_or(10.0 * power)
}

fn decimals(step: f64) -> usize {
    (-step.log10()).ceil().clamp(0.0, 9.0) as usize
}

fn grouped(value: f64) -> String {
    crate::report::fmt::thousands(value.round().max(0.0) as u64)
}

fn trimmed(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_inside_and_in_order() {
        for axis in
            [Axis::durations("t", 3.0, 90_000.0), Axis::durations_with_zero("t", 90_000.0), Axis::counts("n", 7.0)]
        {
            let places: Vec<f64> = [0.0, 0.5, 3.0, 7.0, 400.0, 1e9].iter().map(|&v| axis.place(v)).collect();
            assert!(places.windows(2).all(|pair| pair[0] <= pair[1]), "{places:?}");
            assert!(places.iter().all(|place| (0.0..=1.0).contains(place)));
            assert!(axis.ticks.len() >= 3, "{axis:?}");
        }
    }

    #[test]
    fn ticks_are_round() {
        let texts = |axis: Axis| axis.ticks.into_iter().map(|tick| tick.text).collect::<Vec<_>>().join("|");
        assert_eq!(texts(Axis::counts("n", 4800.0)), "0|2,000|4,000");
        assert_eq!(texts(Axis::counts("n", 0.0)), "0|1");
        assert_eq!(texts(Axis::numbers("load", 0.8, 1.2)), "0.8|0.9|1.0|1.1|1.2");
        assert_eq!(texts(Axis::small_shares("s", 0.001)), "0.1 %|1 %|10 %|100 %");
        assert_eq!(texts(Axis::durations("t", 50.0, 200.0)), "30 s|1 min|2 min|5 min");
    }

    #[test]
    fn no_range_is_no_trouble() {
        for axis in [Axis::durations("t", 0.0, 0.0), Axis::durations("t", 5e9, 9e9), Axis::numbers("n", 2.0, 2.0)] {
            assert!(axis.place(1.0).is_finite() && axis.low < axis.high, "{axis:?}");
        }
    }
}
