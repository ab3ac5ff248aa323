//! Numbers with units, exactly.

use engine::Span;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::decimal::{self, Flaw};
use crate::formats::events::clock::{Kind, date};

/// What the values of a canonical column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// Handed on as it is.
    Text,
    /// A point in time.
    Instant,
    /// A length of time.
    Span,
    /// GPUs, or CPU cores: parts to a thousandth count.
    Thousandths,
    /// Memory.
    Memory,
    /// A whole number; several columns are multiplied.
    Count,
}

/// Keys of `[columns]`, the canonical column that each becomes, and the sort of its values. `end` becomes none.
pub(super) const KEYS: [(&str, &str, Sort); 24] = [
    ("job_id", "job_id", Sort::Text),
    ("submit", "submit_us", Sort::Instant),
    ("gpus", "gpus", Sort::Thousandths),
    ("duration", "duration_us", Sort::Span),
    ("end", "", Sort::Instant),
    ("tenant", "tenant", Sort::Text),
    ("priority", "priority", Sort::Text),
    ("preemptible", "preemptible", Sort::Text),
    ("estimate", "estimate_us", Sort::Span),
    ("time_limit", "time_limit_us", Sort::Span),
    ("deadline", "deadline_us", Sort::Instant),
    ("cpu", "cpu", Sort::Thousandths),
    ("memory", "memory_gib", Sort::Memory),
    ("models", "models", Sort::Text),
    ("tasks", "tasks", Sort::Count),
    ("queue", "queue", Sort::Text),
    ("name", "name", Sort::Text),
    ("start", "start_us", Sort::Instant),
    ("job_type", "job_type", Sort::Text),
    ("batch_size", "batch_size", Sort::Count),
    ("batch_mode", "batch_mode", Sort::Text),
    ("steps", "steps", Sort::Count),
    ("weight", "weight", Sort::Text),
    ("outcome", "outcome", Sort::Text),
];

/// A unit: a value is `factor` / 10^`digits` of the unit that is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Decimal digits to read, then times this, then divided by this.
    Scaled { digits: u32, times: u64, over: u64 },
    /// A date and time.
    Date,
}

const fn scaled(digits: u32, times: u64, over: u64) -> Unit {
    Unit::Scaled { digits, times, over }
}

/// Of times, in microseconds. The first is the default.
const TIMES: [(&str, Unit); 7] = [
    ("s", scaled(6, 1, 1)),
    ("ms", scaled(3, 1, 1)),
    ("us", scaled(0, 1, 1)),
    ("ns", scaled(0, 1, 1000)),
    ("min", scaled(6, 60, 1)),
    ("h", scaled(6, 3600, 1)),
    ("d", scaled(6, 86_400, 1)),
];
/// Of thousandths.
const THOUSANDTHS: [(&str, Unit); 3] =
    [("gpus", scaled(3, 1, 1)), ("cores", scaled(3, 1, 1)), ("milli", scaled(0, 1, 1))];
/// Of memory, in bytes.
const MEMORY: [(&str, Unit); 9] = [
    ("GiB", scaled(6, 1 << 30, 1_000_000)),
    ("B", scaled(0, 1, 1)),
    ("KiB", scaled(6, 1 << 10, 1_000_000)),
    ("MiB", scaled(6, 1 << 20, 1_000_000)),
    ("TiB", scaled(6, 1 << 40, 1_000_000)),
    ("KB", scaled(6, 1_000, 1_000_000)),
    ("MB", scaled(6, 1_000_000, 1_000_000)),
    ("GB", scaled(6, 1_000_000_000, 1_000_000)),
    ("TB", scaled(6, 1_000_000_000_000, 1_000_000)),
];

impl Sort {
    /// The unit called `name`, or the default one.
    pub(super) fn unit(self, key: &str, name: Option<&str>) -> Option<Unit> {
        let table = self.table(key);
        match name {
            None => Some(table.first().map_or(scaled(0, 1, 1), |(_, unit)| *unit)),
            Some("datetime") if self == Self::Instant => Some(Unit::Date),
            Some(name) => table.iter().find(|(known, _)| *known == name).map(|(_, unit)| *unit),
        }
    }

    /// The names of its units.
    pub(super) fn units(self, key: &str) -> Vec<&'static str> {
        let dates = (self == Self::Instant).then_some("datetime");
        self.table(key).iter().map(|(name, _)| *name).chain(dates).collect()
    }

    fn table(self, key: &str) -> Vec<(&'static str, Unit)> {
        let other = if key == "gpus" { "cores" } else { "gpus" };
        match self {
            Self::Instant | Self::Span => TIMES.to_vec(),
            Self::Thousandths => THOUSANDTHS.into_iter().filter(|(name, _)| *name != other).collect(),
            Self::Memory => MEMORY.to_vec(),
            Self::Text | Self::Count => Vec::new(),
        }
    }
}

/// A number in the unit that is counted in, and whether it is exact.
pub(super) fn amount(text: &str, unit: Unit) -> Result<(u64, bool), Flaw> {
    let Unit::Scaled { digits, times, over } = unit else { return Err(Flaw::Garbage) };
    let number = decimal::scaled(text, digits)?;
    let product = u128::from(number.value) * u128::from(times);
    let over = u128::from(over);
    let value = u64::try_from((product + over / 2) / over).map_err(|_| Flaw::TooLarge)?;
    if i64::try_from(value).is_err() {
        return Err(Flaw::TooLarge);
    }
    Ok((value, !number.rounded && product % over == 0))
}

/// A date and time, by a format of `strptime` where there is one.
pub(super) fn instant(text: &str, format: Option<&str>) -> Result<(Kind, i64), Flaw> {
    let Some(format) = format else { return date(text).ok_or(Flaw::Garbage) };
    if format.contains("%z") || format.contains("%:z") || format.contains("%s") {
        let at = Timestamp::strptime(format, text).map_err(|_| Flaw::Garbage)?;
        return Ok((Kind::Zoned, at.as_microsecond()));
    }
    let civil = DateTime::strptime(format, text).map_err(|_| Flaw::Garbage)?;
    let at = TimeZone::UTC.to_timestamp(civil).map_err(|_| Flaw::Garbage)?;
    Ok((Kind::Civil, at.as_microsecond()))
}

/// Unix times are at least this, 1973.
pub(super) const UNIX_MIN: Span = Span(100_000_000_000_000);
