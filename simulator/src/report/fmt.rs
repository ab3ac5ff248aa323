//! Numbers for people: the report, the figures and the tables of the command share these.

/// Shown where a figure has no meaning.
pub const NOTHING: &str = "–";

/// A duration in its two largest units, such as `1 h 32 min`, `45 s`, `0.35 s`; negative with a minus sign.
pub fn seconds(value: f64) -> String {
    if !value.is_finite() {
        return NOTHING.to_owned();
    }
    let sign = if value < 0.0 { "−" } else { "" };
    format!("{sign}{}", magnitude(value.abs()))
}

fn magnitude(secs: f64) -> String {
    if secs == 0.0 {
        return "0 s".to_owned();
    }
    if secs < 0.0995 {
        return format!("{} ms", significant(secs * 1000.0, 2));
    }
    if secs < 59.5 {
        return format!("{} s", significant(secs, if secs < 10.0 { 2 } else { 3 }));
    }
    let whole = secs.round() as u64;
    let (large, small) = match whole {
        0..3600 => ((whole / 60, "min"), (whole % 60, "s")),
        3600..86_400 => {
            let minutes = (secs / 60.0).round() as u64;
            ((minutes / 60, "h"), (minutes % 60, "min"))
        }
        _ => {
            let hours = (secs / 3600.0).round() as u64;
            ((hours / 24, "d"), (hours % 24, "h"))
        }
    };
    // From 100 days on, hours are noise.
    if small.0 == 0 || (large.1 == "d" && large.0 >= 100) {
        format!("{} {}", thousands(large.0), large.1)
    } else {
        format!("{} {} {} {}", large.0, large.1, small.0, small.1)
    }
}

/// A share of one in per cent, such as `87.3 %`.
pub fn share(value: f64) -> String {
    if !value.is_finite() {
        return NOTHING.to_owned();
    }
    let percent = value * 100.0;
    let text = if percent != 0.0 && percent.abs() < 0.1 { significant(percent, 1) } else { format!("{percent:.1}") };
    format!("{} %", text.replace('-', "−"))
}

/// A whole number with a comma at each thousand, such as `52,849`.
pub fn thousands(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with three significant digits, whole and grouped from 100 on, such as `0.0123`, `4.56`, `12,345`.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return NOTHING.to_owned();
    }
    let sign = if value < 0.0 { "−" } else { "" };
    let size = value.abs();
    if size >= 99.95 {
        format!("{sign}{}", thousands(size.round() as u64))
    } else {
        format!("{sign}{}", significant(size, 3))
    }
}

/// GPU-time, given in GPU-seconds, in GPU-hours, such as `1,234 GPU-h`.
pub fn gpu_hours(gpu_seconds: f64) -> String {
    format!("{} GPU-h", number(gpu_seconds / 3600.0))
}

/// `digits` significant digits, without an exponent and without needless zeros.
fn significant(value: f64, digits: i32) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let decimals = (digits - 1 - value.abs().log10().floor() as i32).clamp(0, 12) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_two_units() {
        let cases = [
            (0.0, "0 s"),
            (0.0123, "12 ms"),
            (0.35, "0.35 s"),
            (45.0, "45 s"),
            (59.7, "1 min"),
            (90.0, "1 min 30 s"),
            (3599.9, "1 h"),
            (5520.0, "1 h 32 min"),
            (86_399.0, "24 h"),
            (266_400.0, "3 d 2 h"),
            (9_000_000.0, "104 d"),
            (-300.0, "−5 min"),
            (f64::NAN, "–"),
        ];
        for (secs, text) in cases {
            assert_eq!(seconds(secs), text);
        }
    }

    #[test]
    fn shares_and_numbers() {
        assert_eq!((share(0.873), share(0.0), share(1.0)), ("87.3 %".into(), "0.0 %".into(), "100.0 %".into()));
        assert_eq!(share(0.0004), "0.04 %");
        assert_eq!((thousands(0), thousands(999), thousands(52_849)), ("0".into(), "999".into(), "52,849".into()));
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(
            (number(0.012_345), number(4.556), number(12_345.6)),
            ("0.0123".into(), "4.56".into(), "12,346".into())
        );
        assert_eq!((number(-2.0), number(99.97), number(0.0)), ("−2".into(), "100".into(), "0".into()));
        assert_eq!(gpu_hours(3600.0 * 1234.0), "1,234 GPU-h");
    }

    proptest::proptest! {
        #[test]
        fn any_number_has_a_text(value in proptest::num::f64::ANY) {
            assert!(!seconds(value).is_empty() && !share(value).is_empty() && !number(value).is_empty());
        }
    }
}
