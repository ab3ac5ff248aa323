//! Columns of a binary file as texts, so that one reader serves all files.

use polars::prelude::{DataType, Series, TimeUnit};

use crate::decimal;
use crate::formats::events::clock;

fn all<T: ToString>(values: impl Iterator<Item = Option<T>>) -> Vec<String> {
    values.map(|value| value.map_or_else(String::new, |value| value.to_string())).collect()
}

/// Texts, numbers and truth values; empty where there is no value. `None` for any other type.
pub(super) fn series_texts(series: &Series) -> Option<Vec<String>> {
    let dtype = series.dtype();
    let texts = if dtype.is_float() {
        all(series.cast(&DataType::Float64).ok()?.f64().ok()?.iter())
    } else if dtype.is_unsigned_integer() {
        all(series.cast(&DataType::UInt64).ok()?.u64().ok()?.iter())
    } else if dtype.is_integer() {
        all(series.cast(&DataType::Int64).ok()?.i64().ok()?.iter())
    } else if dtype.is_bool() {
        all(series.bool().ok()?.iter())
    } else if dtype.is_string() {
        all(series.str().ok()?.iter())
    } else if dtype.is_categorical() || dtype.is_enum() {
        all(series.cast(&DataType::String).ok()?.str().ok()?.iter())
    } else if dtype.is_null() {
        vec![String::new(); series.len()]
    } else {
        return None;
    };
    Some(texts)
}

/// Dates, with a Z behind those of a zone, and lengths of time in seconds. `None` for any other type.
pub(super) fn dated_texts(series: &Series) -> Option<Vec<String>> {
    let micros = |unit: TimeUnit, value: i64| match unit {
        TimeUnit::Nanoseconds => Some(value.div_euclid(1000)),
        TimeUnit::Microseconds => Some(value),
        TimeUnit::Milliseconds => value.checked_mul(1000),
    };
    let physical = series.to_physical_repr();
    let ints = physical.cast(&DataType::Int64).ok()?;
    let text: Box<dyn Fn(i64) -> Option<String>> = match series.dtype().clone() {
        DataType::Date => Box::new(|days| clock::civil(days.checked_mul(86_400_000_000)?)),
        DataType::Datetime(unit, zone) => {
            let end = if zone.is_some() { "Z" } else { "" };
            Box::new(move |value| Some(clock::civil(micros(unit, value)?)? + end))
        }
        DataType::Duration(unit) => Box::new(move |value| {
            let micros = micros(unit, value)?;
            let sign = if micros < 0 { "-" } else { "" };
            Some(format!("{sign}{}", decimal::text(micros.unsigned_abs(), 6)))
        }),
        _ => return None,
    };
    let texts = ints.i64().ok()?.iter().map(|value| value.map_or(Some(String::new()), &text));
    texts.collect()
}

#[cfg(test)]
mod tests {
    use polars::prelude::NamedFrom;

    use super::*;

    #[test]
    fn dates_and_lengths() {
        let ints = Series::new("a".into(), [Some(1_700_000_000_123i64), None]);
        let texts = |dtype: &DataType| dated_texts(&ints.cast(dtype).unwrap()).unwrap();
        let millis = TimeUnit::Milliseconds;
        assert_eq!(texts(&DataType::Datetime(millis, None)), ["2023-11-14T22:13:20.123", ""]);
        assert_eq!(texts(&DataType::Duration(millis)), ["1700000000.123", ""]);
        assert_eq!(
            dated_texts(&Series::new("d".into(), [1i32]).cast(&DataType::Date).unwrap()).unwrap(),
            ["1970-01-02T00:00:00"]
        );
        assert_eq!(dated_texts(&ints), None);
        assert_eq!(series_texts(&ints).unwrap(), ["1700000000123", ""]);
    }
}
