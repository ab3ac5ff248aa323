//! Laws of run times by their quantiles.

use super::model::RunTime;

/// The seconds at `place` of a law, 0..1.
pub(super) fn run_time_s(law: &RunTime, place: f64) -> f64 {
    match law {
        RunTime::LogNormal { median_s, sigma } => median_s * (sigma * normal_quantile(place)).exp(),
        RunTime::Quantiles(knots) => between(knots, place),
    }
}

/// The place of a law below which all run times are at most `max_s`: drawing below it is drawing again what is longer.
pub(super) fn place_of(law: &RunTime, max_s: f64) -> f64 {
    if run_time_s(law, 1.0) <= max_s {
        return 1.0;
    }
    let (mut low, mut high) = (0.0, 1.0);
    // Enough halvings for every bit of a number of 0..1.
    for _ in 0..64 {
        let middle = f64::midpoint(low, high);
        if run_time_s(law, middle) <= max_s { low = middle } else { high = middle }
    }
    low
}

/// The value at `place` between knots of probability and value: its logarithm is linear between two of them.
pub(super) fn between(knots: &[(f64, f64)], place: f64) -> f64 {
    let above = knots.partition_point(|(probability, _)| *probability <= place).clamp(1, knots.len().max(2) - 1);
    let (Some(low), Some(high)) = (knots.get(above - 1), knots.get(above)) else {
        return knots.first().map_or(1.0, |knot| knot.1);
    };
    let part = ((place - low.0) / (high.0 - low.0)).clamp(0.0, 1.0);
    (low.1.ln() + (high.1.ln() - low.1.ln()) * part).exp()
}

/// The quantile of the standard normal distribution, to a relative error of 1.2e-9 (P. J. Acklam, An algorithm for
/// computing the inverse normal cumulative distribution function, 2003).
fn normal_quantile(place: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969_683_028_665_376e1,
        2.209_460_984_245_205e2,
        -2.759_285_104_469_687e2,
        1.383_577_518_672_69e2,
        -3.066_479_806_614_716e1,
        2.506_628_277_459_239,
    ];
    const B: [f64; 5] = [
        -5.447_609_879_822_406e1,
        1.615_858_368_580_409e2,
        -1.556_989_798_598_866e2,
        6.680_131_188_771_972e1,
        -1.328_068_155_288_572e1,
    ];
    const C: [f64; 6] = [
        -7.784_894_002_430_293e-3,
        -3.223_964_580_411_365e-1,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const D: [f64; 4] =
        [7.784_695_709_041_462e-3, 3.224_671_290_700_398e-1, 2.445_134_137_142_996, 3.754_408_661_907_416];
    const LOW: f64 = 0.02425;
    let polynomial = |factors: &[f64], x: f64| factors.iter().fold(0.0, |sum, factor| sum * x + factor);
    let place = place.clamp(1e-300, 1.0 - f64::EPSILON / 2.0);
    let tail = |place: f64| {
        let x = (-2.0 * place.ln()).sqrt();
        polynomial(&C, x) / (polynomial(&D, x) * x + 1.0)
    };
    if place < LOW {
        tail(place)
    } else if place > 1.0 - LOW {
        -tail(1.0 - place)
    } else {
        let (x, square) = (place - 0.5, (place - 0.5) * (place - 0.5));
        polynomial(&A, square) * x / (polynomial(&B, square) * square + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knots_are_met() {
        let knots = [(0.0, 1.0), (0.5, 100.0), (1.0, 10_000.0)];
        for (place, value) in [(0.0, 1.0), (0.25, 10.0), (0.5, 100.0), (0.75, 1000.0), (1.0, 10_000.0)] {
            assert!((between(&knots, place) / value - 1.0).abs() < 1e-9, "{place}");
        }
    }

    /// Abramowitz and Stegun, table 26.5.
    #[test]
    fn normal_quantiles() {
        for (place, value) in
            [(0.5, 0.0), (0.841_344_746, 1.0), (0.975, 1.959_963_985), (0.99, 2.326_347_874), (0.999, 3.090_232_306)]
        {
            assert!((normal_quantile(place) - value).abs() < 1e-7, "{place}");
            assert!((normal_quantile(1.0 - place) + value).abs() < 1e-7, "{place}");
        }
        assert!(normal_quantile(0.0).is_finite() && normal_quantile(1.0).is_finite());
    }

    #[test]
    fn a_law_is_cut() {
        for law in [
            RunTime::LogNormal { median_s: 100.0, sigma: 2.0 },
            RunTime::Quantiles(vec![(0.0, 1.0), (0.5, 100.0), (1.0, 1e9)]),
        ] {
            let place = place_of(&law, 3600.0);
            assert!((0.5..1.0).contains(&place) && (run_time_s(&law, place) / 3600.0 - 1.0).abs() < 1e-6);
            assert!((place_of(&law, 1e30) - 1.0).abs() < 1e-12);
        }
    }
}
