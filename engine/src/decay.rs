//! Exponential decay in integers: the same bits on every platform.

use crate::time::Span;

/// Fraction bits of a decay factor.
pub const BITS: u32 = 48;
/// The factor of no decay.
pub const ONE: u64 = 1 << BITS;

/// `ROOTS[i]` is 2^(-2^-(i+1)): the square roots of one half, by repeated integer square root.
const ROOTS: [u64; BITS as usize] = {
    let mut roots = [0; BITS as usize];
    let mut power: u128 = (ONE / 2) as u128;
    let mut i = 0;
    while i < BITS as usize {
        power = (power << BITS).isqrt();
        roots[i] = power as u64;
        i += 1;
    }
    roots
};

/// 2^(-elapsed/half_life) as a fixed-point number with 48 fraction bits.
fn factor(elapsed: Span, half_life: Span) -> u64 {
    halved(elapsed.0, half_life.0)
}

/// 2^(-part/whole) as a fixed-point number with [`BITS`] fraction bits; `whole` is more than 0.
pub fn halved(part: u64, whole: u64) -> u64 {
    let halvings = part / whole;
    if halvings >= u64::from(BITS) {
        return 0;
    }
    let rest = ((u128::from(part % whole) << BITS) / u128::from(whole)) as u64;
    let mut factor = u128::from(ONE);
    let mut bits = rest << (64 - BITS);
    while bits != 0 {
        let bit = bits.leading_zeros();
        factor = (factor * u128::from(ROOTS[bit as usize])) >> BITS;
        bits &= !(1 << (63 - bit));
    }
    (factor >> halvings) as u64
}

/// Decayed usage after `elapsed`, while `rate` units were used each microsecond.
///
/// Solves du/dt = rate - u ln 2 / half-life: u(t) = u0 f + rate (half-life / ln 2) (1 - f), f = 2^(-t/half-life).
/// `None` as half-life means no decay.
pub fn advance(usage: u128, rate: u64, elapsed: Span, half_life: Option<Span>) -> u128 {
    let Some(half_life) = half_life.filter(|span| *span > Span::ZERO) else {
        return usage + u128::from(rate) * u128::from(elapsed.0);
    };
    let factor = u128::from(factor(elapsed, half_life));
    // half-life / ln 2, with 1 / ln 2 = 1.4426950408889634.
    let time_constant = u128::from(half_life.0) * 14_426_950_408_889_634 / 10_000_000_000_000_000;
    let kept = usage.saturating_mul(factor) >> BITS;
    let gained = (u128::from(rate) * time_constant).saturating_mul(u128::from(ONE) - factor) >> BITS;
    kept + gained
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::disallowed_methods, reason = "the reference that fixed point is held against")]
    fn agrees_with_floating_point() {
        let half_life = Span::hours(168);
        for secs in [0, 1, 60, 3600, 86_400, 604_800, 1_000_000, 6_048_000] {
            let exact = (-(secs as f64) / 604_800.0).exp2();
            let fixed = factor(Span::secs(secs), half_life) as f64 / ONE as f64;
            assert!((exact - fixed).abs() < 1e-12, "{secs}: {exact} {fixed}");
        }
        let used = advance(0, 8000, Span::hours(168), Some(half_life)) as f64;
        let exact = 8000.0 * half_life.0 as f64 / std::f64::consts::LN_2 * 0.5;
        assert!((used / exact - 1.0).abs() < 1e-9);
    }

    #[test]
    fn in_steps_or_at_once_is_the_same_to_a_millionth() {
        let half_life = Some(Span::hours(1));
        let at_once = advance(1_000_000_000, 5, Span::hours(3), half_life);
        let in_steps = (0..10_800).fold(1_000_000_000, |usage, _| advance(usage, 5, Span::secs(1), half_life));
        assert!((at_once as f64 / in_steps as f64 - 1.0).abs() < 1e-6, "{at_once} {in_steps}");
    }

    #[test]
    fn without_half_life_usage_only_grows() {
        assert_eq!(advance(7, 2, Span(10), None), 27);
    }
}
