//! Decimal text and integers of a fixed scale, exactly: a time never passes through a float.

/// Largest integer that is read: what a signed 64-bit column can hold.
const LIMIT: u64 = i64::MAX as u64;

/// A number that was read, in units of the scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scaled {
    /// The value in units.
    pub(crate) value: u64,
    /// Whether the text was finer than one unit.
    pub(crate) rounded: bool,
}

/// Why a text is no usable number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    Empty,
    Garbage,
    /// A number, but not a whole one.
    Fraction,
    NotFinite,
    Negative,
    TooLarge,
}

impl Flaw {
    /// A message about `value`.
    pub(crate) fn message(self, value: &str) -> String {
        let value = crate::error::shown(value.trim());
        match self {
            Self::Empty => "the value is empty".to_owned(),
            Self::Garbage => format!("`{value}` is not a number"),
            Self::Fraction => format!("`{value}` is not a whole number"),
            Self::NotFinite => format!("`{value}` is not finite"),
            Self::Negative => format!("`{value}` is negative"),
            Self::TooLarge => format!("`{value}` is too large"),
        }
    }
}

/// Reads decimal text such as `12`, `0.25`, `1.5e3` in units of 10^-`digits`; rounds half up what is finer.
pub(crate) fn scaled(text: &str, digits: u32) -> Result<Scaled, Flaw> {
    if let Some(value) = plain(text.as_bytes(), digits) {
        return Ok(Scaled { value, rounded: false });
    }
    let text = text.trim();
    if text.is_empty() {
        return Err(Flaw::Empty);
    }
    let (negative, body) = match text.as_bytes()[0] {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if ["nan", "inf", "infinity"].iter().any(|word| body.eq_ignore_ascii_case(word)) {
        return Err(Flaw::NotFinite);
    }
    let (mantissa, exponent) = split_exponent(body)?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.len() + fraction.len() == 0 || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return Err(Flaw::Garbage);
    }
    let all: Vec<u8> = whole.bytes().chain(fraction.bytes()).map(|b| b - b'0').collect();
    let point = signed(whole.len()) + exponent + i64::from(digits);
    let scaled = at_point(&all, point)?;
    if negative && all.iter().any(|&digit| digit != 0) {
        return Err(Flaw::Negative);
    }
    Ok(scaled)
}

/// Nearly every number of a trace: up to 18 digits with a point among them that are no finer than the scale. What is
/// anything else is left to the slow path.
fn plain(text: &[u8], digits: u32) -> Option<u64> {
    if text.is_empty() || text.len() > 18 {
        return None;
    }
    let (mut value, mut point) = (0u64, None);
    for (at, &byte) in text.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit <= 9 {
            value = value * 10 + u64::from(digit);
        } else if byte == b'.' && point.is_none() && text.len() > 1 {
            point = Some(at);
        } else {
            return None;
        }
    }
    let after_point = point.map_or(0, |point| text.len() - 1 - point);
    let missing = (digits as usize).checked_sub(after_point)?;
    value.checked_mul(*POWERS.get(missing)?).filter(|value| *value <= LIMIT)
}

/// Powers of ten.
const POWERS: [u64; 20] = {
    let mut powers = [1; 20];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// A position in a text as a signed number.
fn signed(position: usize) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX / 2)
}

fn split_exponent(body: &str) -> Result<(&str, i64), Flaw> {
    let Some((mantissa, exponent)) = body.split_once(['e', 'E']) else { return Ok((body, 0)) };
    let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Flaw::Garbage);
    }
    // Beyond a million either way the value is 0 or too large; which one, the sign and the digits decide.
    let size = digits.parse::<i64>().unwrap_or(i64::MAX).min(1_000_000);
    Ok((mantissa, if exponent.starts_with('-') { -size } else { size }))
}

/// The integer left of `point` in the digits, rounded by what is right of it.
fn at_point(digits: &[u8], point: i64) -> Result<Scaled, Flaw> {
    let significant = digits.iter().position(|&d| d != 0);
    let Some(first) = significant else { return Ok(Scaled { value: 0, rounded: false }) };
    if point - signed(first) > 20 {
        return Err(Flaw::TooLarge);
    }
    let mut value: u64 = 0;
    for i in signed(first)..point {
        let digit = digits.get(i as usize).copied().unwrap_or(0);
        value = value.checked_mul(10).and_then(|v| v.checked_add(u64::from(digit))).ok_or(Flaw::TooLarge)?;
    }
    let rest = digits.get(point.max(0) as usize..).unwrap_or(&[]);
    let up = point >= 0 && rest.first().is_some_and(|&digit| digit >= 5);
    value = value.saturating_add(u64::from(up));
    if value > LIMIT {
        return Err(Flaw::TooLarge);
    }
    Ok(Scaled { value, rounded: rest.iter().any(|&digit| digit != 0) })
}

/// A whole number with a sign; `3.0` is one, `3.5` is not.
pub(crate) fn integer(text: &str) -> Result<i64, Flaw> {
    if let Some(value) = plain(text.as_bytes(), 0) {
        return Ok(value.cast_signed());
    }
    let text = text.trim();
    let (sign, body) = text.strip_prefix('-').map_or((1, text), |body| (-1, body));
    if sign < 0 && body.starts_with(['-', '+']) {
        return Err(Flaw::Garbage);
    }
    let number = scaled(body, 0)?;
    if number.rounded {
        return Err(Flaw::Fraction);
    }
    Ok(sign * number.value.cast_signed())
}

/// `value` units of 10^-`digits` as decimal text without trailing zeros.
pub(crate) fn text(value: u64, digits: u32) -> String {
    let unit = 10u64.pow(digits);
    let (whole, rest) = (value / unit, value % unit);
    if rest == 0 {
        return whole.to_string();
    }
    let fraction = format!("{rest:0width$}", width = digits as usize);
    format!("{whole}.{}", fraction.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn micros(text: &str) -> Result<u64, Flaw> {
        scaled(text, 6).map(|number| number.value)
    }

    #[test]
    fn reads_exactly() {
        assert_eq!(micros("0"), Ok(0));
        assert_eq!(micros("12"), Ok(12_000_000));
        assert_eq!(micros(" 12.5 "), Ok(12_500_000));
        assert_eq!(micros(".5"), Ok(500_000));
        assert_eq!(micros("5."), Ok(5_000_000));
        assert_eq!(micros("+1"), Ok(1_000_000));
        assert_eq!(micros("-0.0"), Ok(0));
        assert_eq!(micros("1.5e3"), Ok(1_500_000_000));
        assert_eq!(micros("1e-6"), Ok(1));
        assert_eq!(micros("0.1"), Ok(100_000));
        assert_eq!(micros("9007199254.740993"), Ok(9_007_199_254_740_993), "past the integers of a double");
        assert_eq!(micros("0e999999999999"), Ok(0));
    }

    #[test]
    fn rounds_half_up_and_says_so() {
        assert_eq!(scaled("0.0000014", 6), Ok(Scaled { value: 1, rounded: true }));
        assert_eq!(scaled("0.0000015", 6), Ok(Scaled { value: 2, rounded: true }));
        assert_eq!(scaled("0.00000049", 6), Ok(Scaled { value: 0, rounded: true }));
        assert_eq!(scaled("5e-7", 6), Ok(Scaled { value: 1, rounded: true }));
        assert_eq!(scaled("5e-8", 6), Ok(Scaled { value: 0, rounded: true }));
        assert_eq!(scaled("1e-999999999", 6), Ok(Scaled { value: 0, rounded: true }));
        assert_eq!(scaled("1.0000000", 6), Ok(Scaled { value: 1_000_000, rounded: false }));
    }

    #[test]
    fn refuses_the_rest() {
        for text in ["", " "] {
            assert_eq!(micros(text), Err(Flaw::Empty));
        }
        for text in ["abc", "1,5", "1.2.3", ".", "-", "e5", "1e", "1e+", "0x10", "--1", "1e5.5", "１"] {
            assert_eq!(micros(text), Err(Flaw::Garbage), "{text}");
        }
        for text in ["nan", "NaN", "inf", "-inf", "Infinity"] {
            assert_eq!(micros(text), Err(Flaw::NotFinite), "{text}");
        }
        assert_eq!(micros("-1"), Err(Flaw::Negative));
        assert_eq!(micros("-1e-9"), Err(Flaw::Negative));
        assert_eq!(micros("1e13"), Err(Flaw::TooLarge));
        assert_eq!(micros("1e99999999999999999999"), Err(Flaw::TooLarge));
    }

    #[test]
    fn integers_have_signs() {
        assert_eq!(integer("-3"), Ok(-3));
        assert_eq!(integer("3.0"), Ok(3));
        assert_eq!(integer("3.5"), Err(Flaw::Fraction));
        assert_eq!(integer("--3"), Err(Flaw::Garbage));
    }

    proptest! {
        #[test]
        fn text_and_number_are_inverse(value in 0..=LIMIT, digits in 0u32..11) {
            prop_assert_eq!(scaled(&text(value, digits), digits), Ok(Scaled { value, rounded: false }));
        }

        #[test]
        fn agrees_with_floats(value in 0.0f64..1e9) {
            let read = scaled(&value.to_string(), 6).unwrap().value as f64;
            prop_assert!((read - value * 1e6).abs() <= 1.0);
        }

        /// A blank before the text leaves it to the slow path.
        #[test]
        fn the_fast_path_is_the_slow_one(text in "[0-9]{0,14}[.]{0,2}[0-9]{0,8}", digits in 0u32..21) {
            prop_assert_eq!(scaled(&text, digits), scaled(&format!(" {text}"), digits));
            prop_assert_eq!(integer(&text), integer(&format!(" {text}")));
        }

        #[test]
        fn never_panics(text in "[-+0-9.eEinfa ]{0,40}", digits in 0u32..11) {
            let _ = scaled(&text, digits);
            let _ = integer(&text);
        }
    }
}
