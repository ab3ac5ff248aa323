//! Lists that are shown again whenever something changes: redrawn on a terminal, elsewhere a line for each change.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::time::{Duration, Instant};

use executor::api::client::{Call, Client, ClientError};
use tokio::sync::Notify;

use super::Server;
use crate::error::Error;
use crate::{stdout, table};

/// Shortest time between two looks.
const PAUSE_MIN: Duration = Duration::from_millis(500);
/// Longest time between two looks at a terminal, where clocks go on.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// Pause before a stream of events that has ended is asked for again.
const AGAIN: Duration = Duration::from_secs(1);
/// To the first place of the screen, and nothing below it.
const CLEAR: &str = "\x1b[H\x1b[2J";

/// A list at one moment.
pub(super) struct List {
    /// Names of the columns.
    pub(super) head: Vec<&'static str>,
    /// Its rows.
    pub(super) rows: Vec<Vec<String>>,
    /// A column that changes by itself, and is not worth a line.
    pub(super) clock: Option<usize>,
}

impl List {
    /// As a table.
    pub(super) fn text(&self) -> String {
        table::words(&self.head, &self.rows)
    }

    /// The rows that are not in `seen`, which then has the rows of this list.
    fn news(self, seen: &mut BTreeSet<Vec<String>>) -> Vec<Vec<String>> {
        let clock = self.clock;
        let key = |row: &Vec<String>| {
            let cells = row.iter().enumerate().filter(|(column, _)| Some(*column) != clock);
            cells.map(|(_, cell)| cell.clone()).collect::<Vec<_>>()
        };
        let now: BTreeSet<Vec<String>> = self.rows.iter().map(key).collect();
        let before = std::mem::replace(seen, now);
        self.rows.into_iter().filter(|row| !before.contains(&key(row))).collect()
    }
}

/// Shows what `look` gives, and again whenever something has changed. Ends when the server does, or nobody reads.
pub(super) fn watch(server: &Server, look: impl Fn() -> Result<List, Error>) -> Result<Infallible, Error> {
    let changed = Arc::new(Notify::new());
    server.runtime.spawn(follow(server.client.clone(), Arc::clone(&changed)));
    let is_terminal = io::stdout().is_terminal();
    let mut seen = BTreeSet::new();
    let mut head = true;
    loop {
        let looked = Instant::now();
        let list = look()?;
        if is_terminal {
            stdout::show(&format!("{CLEAR}{}", list.text()))?;
        } else {
            let (names, news) = (list.head.clone(), list.news(&mut seen));
            stdout::show(&lines(if head { &names } else { &[] }, &news))?;
            head = false;
        }
        server.runtime.block_on(async {
            let longest = if is_terminal { PAUSE_MAX } else { Duration::MAX };
            // A time that never comes is no error.
            let _ = tokio::time::timeout(longest, changed.notified()).await;
            tokio::time::sleep(rest(looked.elapsed())).await;
        });
    }
}

/// What is left of the pause between two looks.
fn rest(since: Duration) -> Duration {
    PAUSE_MIN.saturating_sub(since)
}

/// Rows as lines with tabs between cells: columns cannot be aligned with rows that are still to come.
fn lines(head: &[&str], rows: &[Vec<String>]) -> String {
    let head = Some(head.join("\t")).filter(|head| !head.is_empty());
    head.into_iter().chain(rows.iter().map(|row| row.join("\t"))).map(|line| line + "\n").collect()
}

/// Tells of changes, and of each time that the server is found again.
async fn follow(client: Client, changed: Arc<Notify>) {
    loop {
        let told = |_: &[u8]| {
            changed.notify_one();
            Ok::<(), ClientError>(())
        };
        // A look says what is wrong.
        let _ = client.stream(Call::get("/v1/events"), told).await;
        tokio::time::sleep(AGAIN).await;
        changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(rows: &[[&str; 3]]) -> List {
        let rows = rows.iter().map(|row| row.map(str::to_owned).to_vec()).collect();
        List { head: vec!["JOB", "STATE", "TIME"], rows, clock: Some(2) }
    }

    #[test]
    fn only_rows_that_changed_are_news_and_time_alone_is_none() {
        let mut seen = BTreeSet::new();
        let news = |list: List, seen: &mut BTreeSet<Vec<String>>| lines(&[], &list.news(seen));
        assert_eq!(
            news(list(&[["1", "running", "0:01"], ["2", "pending", "0:00"]]), &mut seen),
            "1\trunning\t0:01\n2\tpending\t0:00\n"
        );
        assert_eq!(news(list(&[["1", "running", "0:02"], ["2", "pending", "0:00"]]), &mut seen), "");
        assert_eq!(news(list(&[["1", "running", "0:03"], ["2", "running", "0:00"]]), &mut seen), "2\trunning\t0:00\n");
        // What went and came back is news.
        assert_eq!(news(list(&[]), &mut seen), "");
        assert_eq!(news(list(&[["1", "running", "0:09"]]), &mut seen), "1\trunning\t0:09\n");
    }

    #[test]
    fn two_looks_are_half_a_second_apart() {
        assert_eq!(rest(Duration::from_millis(120)), Duration::from_millis(380));
        assert_eq!(rest(Duration::from_secs(9)), Duration::ZERO);
    }
}
