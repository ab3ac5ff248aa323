//! `audit`: who did what.

use std::time::{SystemTime, UNIX_EPOCH};

use executor::api::answers::AuditLines;
use executor::api::client::encoded;
use executor::store::records::AuditLine;

use super::Server;
use crate::cli::{AuditArgs, Output};
use crate::error::Error;
use crate::{stdout, table};

/// Runs the command.
pub(super) fn run(args: &AuditArgs) -> Result<(), Error> {
    let server = Server::new(&args.server)?;
    let mut query = format!("/v1/audit?limit={}", args.limit);
    for (key, value) in
        [("who", &args.who), ("subject", &args.subject), ("verb", &args.verb), ("outcome", &args.outcome)]
    {
        if let Some(value) = value {
            query.extend(["&", key, "=", &encoded(value)]);
        }
    }
    if let Some(since) = args.since {
        let now_us = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64);
        query.extend(["&since_us=", &now_us.saturating_sub(since.0.0).to_string()]);
    }
    query += &args.after.map(|after| format!("&after={after}")).unwrap_or_default();
    let answer: AuditLines = server.get(query)?;
    match args.output {
        Output::Json => stdout::show_json(&answer),
        Output::Table | Output::Wide => stdout::show(&shown(&answer.lines, args.output)),
    }
}

fn shown(lines: &[AuditLine], output: Output) -> String {
    let row = |line: &AuditLine| {
        let said = &line.row;
        let or_dash = |text: &String| if text.is_empty() { "-".to_owned() } else { text.clone() };
        let mut row = vec![utc(said.at_us)];
        row.extend([&said.who, &said.role, &said.from_addr, &said.verb, &said.subject, &said.outcome].map(or_dash));
        if matches!(output, Output::Wide) {
            row.insert(0, line.seq.to_string());
            row.push(said.detail.clone().unwrap_or_default());
        }
        row
    };
    let rows: Vec<Vec<String>> = lines.iter().map(row).collect();
    match output {
        Output::Wide => {
            let head = ["SEQ", "TIME", "WHO", "ROLE", "FROM", "VERB", "SUBJECT", "OUTCOME", "DETAIL"];
            table::words(&head, &rows)
        }
        _ => table::words(&["TIME", "WHO", "ROLE", "FROM", "VERB", "SUBJECT", "OUTCOME"], &rows),
    }
}

/// An instant as people write it, in UTC. Source of the arithmetic: H. Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms", `civil_from_days`.
pub(crate) fn utc(us: u64) -> String {
    let (days, second) = (us / 1_000_000 / 86_400, us / 1_000_000 % 86_400);
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_those_of_the_calendar() {
        // As `date -u -d @SECONDS +%FT%TZ` writes them.
        for (second, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(utc(second * 1_000_000), expected);
        }
    }
}
