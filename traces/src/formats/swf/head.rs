//! The comments at the head of a log: `; Name: value`.

use std::collections::BTreeMap;

use engine::Span;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// What the head says.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// `MaxJobs`.
    pub(super) jobs: Option<u64>,
    /// `MaxProcs`, or `MaxNodes` where the log has no such line (before version 2.1 they were the same).
    pub(super) processors_max: Option<u64>,
    names: BTreeMap<String, String>,
    queues: BTreeMap<u32, String>,
    partitions: BTreeMap<u32, String>,
}

/// Names that mark a text as SWF.
const MARKS: [&str; 6] = ["Version", "MaxJobs", "MaxRecords", "MaxProcs", "MaxNodes", "UnixStartTime"];

/// The first half of a day more than any zone is away from UTC.
const ZONE_MAX: Span = Span(15 * 3_600_000_000);

impl Head {
    /// Reads all comments of a text, wherever they stand.
    pub(super) fn read(text: &str) -> Self {
        let mut head = Self::default();
        for line in text.lines().filter_map(|line| line.trim().strip_prefix(';')) {
            let Some((name, value)) = line.split_once(':') else { continue };
            let (name, value) = (name.trim(), value.trim());
            match name {
                "Queue" => insert(&mut head.queues, value),
                "Partition" => insert(&mut head.partitions, value),
                _ => drop(head.names.entry(name.to_owned()).or_insert_with(|| value.to_owned())),
            }
        }
        head.jobs = head.number("MaxJobs");
        head.processors_max = head.number("MaxProcs").or_else(|| head.number("MaxNodes"));
        head
    }

    /// Whether these are comments of SWF.
    pub(super) fn is_swf(&self) -> bool {
        MARKS.iter().any(|name| self.names.contains_key(*name))
    }

    /// A number above 0; 0 and -1 are written for unknown.
    fn number(&self, name: &str) -> Option<u64> {
        let value = self.names.get(name)?.split_ascii_whitespace().next()?;
        value.parse().ok().filter(|number| *number > 0)
    }

    /// What the clock showed at time zero: `StartTime` where it goes with `UnixStartTime`, which has no zone; else
    /// `UnixStartTime` moved by `TimeZone` (seconds), or in UTC.
    pub(super) fn origin(&self) -> Option<String> {
        let start = self.number("UnixStartTime").and_then(|secs| i64::try_from(secs).ok());
        let utc = start.and_then(|secs| Timestamp::from_second(secs).ok());
        let utc = utc.map(|start| TimeZone::UTC.to_datetime(start));
        let civil = self.names.get("StartTime").and_then(|text| civil_date(text));
        let near = |civil: DateTime, utc: DateTime| civil.duration_since(utc).unsigned_abs().as_micros() as u64;
        let origin = match (utc, civil) {
            (Some(utc), Some(civil)) if near(civil, utc) <= ZONE_MAX.0 => civil,
            (Some(utc), _) => self.in_zone(utc),
            (None, civil) => civil?,
        };
        Some(origin.to_string())
    }

    fn in_zone(&self, utc: DateTime) -> DateTime {
        let offset: Option<i64> = self.names.get("TimeZone").and_then(|text| text.parse().ok());
        let offset = offset.filter(|secs| secs.unsigned_abs() <= ZONE_MAX.0 / 1_000_000).unwrap_or(0);
        utc.checked_add(jiff::SignedDuration::from_secs(offset)).unwrap_or(utc)
    }

    /// The name of a queue.
    pub(super) fn queue(&self, number: u32) -> String {
        self.queues.get(&number).cloned().unwrap_or_else(|| format!("queue{number}"))
    }

    /// The name of a partition.
    pub(super) fn partition(&self, number: u32) -> String {
        self.partitions.get(&number).cloned().unwrap_or_else(|| format!("partition{number}"))
    }
}

/// `1 [batch:10]` or `0 interactive`: the number and the name.
fn insert(names: &mut BTreeMap<u32, String>, value: &str) {
    let mut words = value.split_ascii_whitespace();
    let Some(number) = words.next().and_then(|word| word.parse().ok()) else { return };
    let name = words.next().unwrap_or_default().trim_matches(['[', ']']);
    let name = name.split_once(':').map_or(name, |(name, _)| name);
    if !name.is_empty() && !names.values().any(|known| known == name) {
        names.insert(number, name.to_owned());
    }
}

/// `Sun Jul 28 09:04:05 CEST 2002`, as `date` prints it: the clock, without its zone.
fn civil_date(text: &str) -> Option<DateTime> {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let [_, month, day, clock, .., year] = words.as_slice() else { return None };
    DateTime::strptime("%b %d %H:%M:%S %Y", format!("{month} {day} {clock} {year}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origin_is_the_clock_of_the_place() {
        let origin = |text: &str| Head::read(text).origin();
        let start = "; UnixStartTime: 1027839845\n; StartTime: Sun Jul 28 09:04:05 CEST 2002\n";
        assert_eq!(origin(start).as_deref(), Some("2002-07-28T09:04:05"));
        assert_eq!(origin("; UnixStartTime: 1027839845\n").as_deref(), Some("2002-07-28T07:04:05"));
        let zone = "; UnixStartTime: 1027839845\n; TimeZone: 3600\n; StartTime: garbage\n";
        assert_eq!(origin(zone).as_deref(), Some("2002-07-28T08:04:05"));
        let other_year = "; UnixStartTime: 1027839845\n; StartTime: Sun Jul 28 09:04:05 CEST 2003\n";
        assert_eq!(origin(other_year).as_deref(), Some("2002-07-28T07:04:05"));
        let far = "; UnixStartTime: 1027839845\n; TimeZone: -9223372036854775808\n";
        assert_eq!(origin(far).as_deref(), Some("2002-07-28T07:04:05"), "no zone is so far from UTC");
        assert_eq!(origin("; UnixStartTime: 0\n"), None);
        assert_eq!(origin("; StartTime: Fri Oct 01 00:00:03 PDT 1993").as_deref(), Some("1993-10-01T00:00:03"));
    }

    #[test]
    fn queues_have_names() {
        let head = Head::read("; Queue: 1 [fque:1]\n; Queue:  0  interactive\n; Partition: 2 ALL\n; Queue: x\n");
        assert_eq!(
            (head.queue(1), head.queue(0), head.queue(7)),
            ("fque".into(), "interactive".into(), "queue7".into())
        );
        assert_eq!((head.partition(2), head.partition(3)), ("ALL".into(), "partition3".into()));
    }
}
