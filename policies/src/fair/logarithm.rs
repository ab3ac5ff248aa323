//! Logarithms to base 2 by squaring, and back by square roots: only operations that IEEE defines to the last bit, so that
//! every machine gives the same answer.

/// Fraction bits of a logarithm.
const BITS: u32 = 32;

/// The logarithm of a positive number to base 2, in units of 2^-32, rounded down.
pub(crate) fn log2(value: f64) -> i64 {
    let bits = value.clamp(f64::MIN_POSITIVE, f64::MAX).to_bits();
    let exponent = (bits >> 52).cast_signed() - 1023;
    let mut mantissa = f64::from_bits(bits & ((1 << 52) - 1) | 1023 << 52);
    let mut fraction = 0;
    for _ in 0..BITS {
        mantissa *= mantissa;
        fraction <<= 1;
        if mantissa >= 2.0 {
            mantissa /= 2.0;
            fraction |= 1;
        }
    }
    (exponent << BITS) + fraction
}

/// 2^-`logarithm` for a logarithm of at least 0.
pub(crate) fn exp2_minus(logarithm: i64) -> f64 {
    let (whole, fraction) = (logarithm >> BITS, logarithm & ((1 << BITS) - 1));
    let (mut power, mut root) = (1.0, 0.5f64);
    for bit in (0..BITS).rev() {
        root = root.sqrt();
        if fraction >> bit & 1 == 1 {
            power *= root;
        }
    }
    for _ in 0..whole.min(1100) {
        power *= 0.5;
    }
    power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_two_are_exact() {
        let mut value = 1.0;
        for power in 0..60i64 {
            assert_eq!((log2(value), log2(1.0 / value)), (power << BITS, -power << BITS));
            assert!((exp2_minus(power << BITS) * value - 1.0).abs() < 1e-15);
            value *= 2.0;
        }
    }

    #[test]
    fn both_agree_with_the_platform_to_nine_digits() {
        for step in 1..1000 {
            let value = 0.37 * f64::from(step);
            assert!((log2(value) as f64 / 4_294_967_296.0 - value.log2()).abs() < 1e-9, "{value}");
            let logarithm = (value * 1e8) as i64 * 7;
            let back = -exp2_minus(logarithm).log2() * 4_294_967_296.0;
            assert!((back - logarithm as f64).abs() < 10.0, "{logarithm} {back}");
        }
    }

    #[test]
    fn larger_numbers_have_no_smaller_logarithms() {
        let logs: Vec<i64> = (1..10_000).map(|step| log2(f64::from(step) / 77.0)).collect();
        assert!(logs.is_sorted());
    }
}
