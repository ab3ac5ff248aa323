//! The figures of a capacity schedule as text.

use simulator::report::fmt;
use traces::capacity::{CapacityInfo, SeriesInfo};

use crate::table;

pub(super) fn table(info: &CapacityInfo) -> String {
    let unit = info.unit.word();
    let mut rows = vec![
        ("capacity", format!("{} ({unit} over time)", info.source)),
        ("time zero", info.origin.clone().unwrap_or_else(|| "not known".to_owned())),
        ("span", fmt::seconds(info.span_s)),
        ("rows read", fmt::thousands(info.rows)),
    ];
    if let (Some(least), Some(most)) = (info.total_min, info.total_max) {
        rows.push(("in all", format!("{} to {} {unit}", fmt::thousands(least), fmt::thousands(most))));
    }
    let row = |of: &SeriesInfo| {
        let figures = [u64::from(of.min), u64::from(of.max), of.changes].map(fmt::thousands);
        let [least, most, changes] = figures;
        vec![of.name.clone(), least, most, fmt::number(of.mean), changes]
    };
    let series: Vec<Vec<String>> = info.series.iter().map(row).collect();
    table::facts(&rows)
        + &super::counts("rows changed", &info.changed)
        + &super::ignored(&info.ignored_columns)
        + "\n"
        + &table::figures(&["of", "least", "most", "mean", "changes"], &series)
}
