//! What sections share: a table for each load, and rows that are too many to show.

use super::fmt;
use crate::output::Comparison;

/// Rows that are shown by name; the rest is one line.
const SHOWN: usize = 12;

/// `intro`, then what `at_load` says for each load.
pub(super) fn by_load(comparison: &Comparison<'_>, intro: &str, at_load: impl Fn(f64) -> String) -> String {
    let loads = comparison.loads();
    let parts = loads.iter().map(|load| {
        let head = if loads.len() > 1 { format!("<h3>Load {}</h3>\n", fmt::number(*load)) } else { String::new() };
        head + &at_load(*load)
    });
    std::iter::once(intro.to_owned()).chain(parts).collect()
}

/// Keeps the first rows; where there are more than a dozen, `join` makes one of the others.
pub(super) fn fold<T>(rows: &mut Vec<T>, join: impl FnOnce(Vec<T>) -> T) {
    if rows.len() > SHOWN {
        let rest = rows.split_off(SHOWN - 1);
        rows.push(join(rest));
    }
}
