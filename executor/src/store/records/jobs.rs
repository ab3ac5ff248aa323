//! Pages of jobs: a filter becomes one query that walks one index in the order of job numbers and stops after a page.

use rusqlite::types::Value;

/// Which jobs, and which page of them. The default is the first page of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobFilter {
    /// Live ones, ended ones, or both.
    pub liveness: Liveness,
    /// In one of these states; empty: in any.
    pub states: Vec<String>,
    /// Of this tenant or one below it.
    pub tenant: Option<String>,
    /// Of this user.
    pub owner: Option<String>,
    /// Of this name.
    pub name: Option<String>,
    /// With all these labels.
    pub labels: Vec<(String, String)>,
    /// Direction of the pages.
    pub order: Order,
    /// The last job of the page before.
    pub after: Option<u32>,
    /// Jobs on a page.
    pub limit: u32,
}

/// Whether a job is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Liveness {
    /// Either.
    #[default]
    Any,
    /// It is not.
    Live,
    /// It is.
    Ended,
}

/// Direction of pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The oldest first.
    #[default]
    Oldest,
    /// The newest first.
    Newest,
}

impl Default for JobFilter {
    fn default() -> Self {
        Self {
            liveness: Liveness::Any,
            states: Vec::new(),
            tenant: None,
            owner: None,
            name: None,
            labels: Vec::new(),
            order: Order::Oldest,
            after: None,
            limit: 100,
        }
    }
}

/// Columns of `jobs` in the order of the table.
pub(super) const COLUMNS: &str = "jobs.number, jobs.name, jobs.tenant, jobs.owner, jobs.queue, jobs.state, jobs.reason_code, \
    jobs.reason, jobs.priority, jobs.gpus_milli, jobs.tasks, jobs.submitted_us, jobs.first_start_us, jobs.ended_us, \
    jobs.attempts, jobs.preemptions, jobs.exit_code, jobs.outcome, jobs.labels";

/// A query and its values.
#[derive(Debug, Default)]
pub(super) struct Query {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

impl JobFilter {
    /// Walks the index that leaves the fewest jobs to look at, and tells SQLite which: it knows no statistics, and would
    /// rather walk the whole table in order, or sort.
    pub(super) fn query(&self) -> Query {
        let mut query = Query::default();
        let number = self.walk(&mut query);
        self.conditions(&mut query);
        let (beyond, direction) = match self.order {
            Order::Oldest => (">", "ASC"),
            Order::Newest => ("<", "DESC"),
        };
        if let Some(after) = self.after {
            query.and(&format!("{number} {beyond} ?"), [Value::from(after)]);
        }
        query.page(&format!("{number} {direction}"), self.limit);
        query
    }

    /// The tables and the condition on the index; gives the column that the walk is ordered by.
    fn walk(&self, query: &mut Query) -> &'static str {
        let text = |text: &String| Value::from(text.clone());
        if let Some((key, value)) = self.labels.first() {
            return query.join("job_labels", "list.key = ? AND list.value = ?", [text(key), text(value)]);
        }
        match (&self.name, &self.owner, &self.tenant, self.states.as_slice(), self.liveness) {
            (Some(name), ..) => query.index("jobs_name", "jobs.name = ?", [text(name)]),
            (_, Some(owner), _, _, Liveness::Live) => {
                query.index("jobs_live_owner", "jobs.ended_us IS NULL AND jobs.owner = ?", [text(owner)])
            }
            (_, Some(owner), ..) => query.index("jobs_owner", "jobs.owner = ?", [text(owner)]),
            (_, _, Some(tenant), _, Liveness::Live) => query.join("live_tenants", "list.tenant = ?", [text(tenant)]),
            (_, _, _, [state], _) => query.index("jobs_state", "jobs.state = ?", [text(state)]),
            (.., Liveness::Live) => query.index("jobs_live", "jobs.ended_us IS NULL", []),
            (_, _, Some(tenant), ..) => query.join("job_tenants", "list.tenant = ?", [text(tenant)]),
            _ => {
                query.sql = format!("SELECT {COLUMNS} FROM jobs WHERE TRUE");
                "jobs.number"
            }
        }
    }

    /// All conditions, on each job that the walk meets; those of the walk hold anyway.
    fn conditions(&self, query: &mut Query) {
        let text = |text: &String| Value::from(text.clone());
        match self.liveness {
            Liveness::Any => {}
            Liveness::Live => query.and("jobs.ended_us IS NULL", []),
            Liveness::Ended => query.and("jobs.ended_us IS NOT NULL", []),
        }
        if !self.states.is_empty() {
            let marks = vec!["?"; self.states.len()].join(", ");
            query.and(&format!("jobs.state IN ({marks})"), self.states.iter().map(text));
        }
        if let Some(tenant) = &self.tenant {
            // What is below `a` begins with `a/`; `0` is the character after `/`.
            let below = [text(tenant), Value::from(format!("{tenant}/")), Value::from(format!("{tenant}0"))];
            query.and("(jobs.tenant = ? OR (jobs.tenant >= ? AND jobs.tenant < ?))", below);
        }
        for (column, value) in [("owner", &self.owner), ("name", &self.name)] {
            if let Some(value) = value {
                query.and(&format!("jobs.{column} = ?"), [text(value)]);
            }
        }
        for (key, value) in self.labels.iter().skip(1) {
            let has = "EXISTS (SELECT 1 FROM job_labels WHERE key = ? AND value = ? AND number = jobs.number)";
            query.and(has, [text(key), text(value)]);
        }
    }
}

impl Query {
    fn index<const N: usize>(&mut self, index: &str, condition: &str, values: [Value; N]) -> &'static str {
        self.sql = format!("SELECT {COLUMNS} FROM jobs INDEXED BY {index} WHERE {condition}");
        self.values.extend(values);
        "jobs.number"
    }

    /// A cross join keeps the order of the tables.
    fn join<const N: usize>(&mut self, list: &str, condition: &str, values: [Value; N]) -> &'static str {
        self.sql = format!(
            "SELECT {COLUMNS} FROM {list} AS list CROSS JOIN jobs ON jobs.number = list.number WHERE {condition}"
        );
        self.values.extend(values);
        "list.number"
    }

    pub(super) fn page(&mut self, order: &str, limit: u32) {
        self.sql += " ORDER BY ";
        self.sql += order;
        self.sql += " LIMIT ?";
        self.values.push(Value::from(limit));
    }

    pub(super) fn and(&mut self, condition: &str, values: impl IntoIterator<Item = Value>) {
        self.sql += " AND ";
        self.sql += condition;
        self.values.extend(values);
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::{Connection, params_from_iter};

    use super::*;
    use crate::store::records::schema;

    /// How SQLite would answer.
    fn plan(filter: &JobFilter) -> String {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::make(&mut connection).unwrap();
        let query = filter.query();
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", query.sql)).unwrap();
        let lines = statement.query_map(params_from_iter(query.values), |row| row.get::<_, String>(3)).unwrap();
        lines.collect::<Result<Vec<_>, _>>().unwrap().join("; ")
    }

    #[test]
    fn every_page_walks_an_index_from_where_the_last_one_ended_and_sorts_nothing() {
        let page = JobFilter { after: Some(7), ..JobFilter::default() };
        let live = JobFilter { liveness: Liveness::Live, ..page.clone() };
        let label = ("a".to_owned(), "b".to_owned());
        let joined = |list: &str, column: &str| {
            format!(
                "SEARCH {list} USING PRIMARY KEY ({column} AND number>?); SEARCH jobs USING INTEGER PRIMARY KEY (rowid=?)"
            )
        };
        let live_of_tenant = JobFilter { tenant: Some("t".to_owned()), ..live.clone() };
        assert!(live_of_tenant.query().sql.contains("FROM live_tenants AS list"));
        let cases = [
            (page.clone(), "SEARCH jobs USING INTEGER PRIMARY KEY (rowid>?)".to_owned()),
            (live.clone(), "SEARCH jobs USING INDEX jobs_live (number>?)".to_owned()),
            (
                JobFilter { states: vec!["running".to_owned()], ..page.clone() },
                "SEARCH jobs USING INDEX jobs_state (state=? AND number>?)".to_owned(),
            ),
            (
                JobFilter { owner: Some("ann".to_owned()), ..page.clone() },
                "SEARCH jobs USING INDEX jobs_owner (owner=? AND number>?)".to_owned(),
            ),
            (
                JobFilter { owner: Some("ann".to_owned()), tenant: Some("t".to_owned()), ..live.clone() },
                "SEARCH jobs USING INDEX jobs_live_owner (owner=? AND number>?)".to_owned(),
            ),
            (
                JobFilter { name: Some("lm".to_owned()), owner: Some("ann".to_owned()), ..page.clone() },
                "SEARCH jobs USING INDEX jobs_name (name=? AND number>?)".to_owned(),
            ),
            (JobFilter { tenant: Some("t".to_owned()), ..page.clone() }, joined("list", "tenant=?")),
            (live_of_tenant, joined("list", "tenant=?")),
            (JobFilter { labels: vec![label], ..page }, joined("list", "key=? AND value=?")),
        ];
        for (filter, expected) in cases {
            for order in [Order::Oldest, Order::Newest] {
                let expected = if order == Order::Newest { expected.replace('>', "<") } else { expected.clone() };
                assert_eq!(plan(&JobFilter { order, ..filter.clone() }), expected, "{filter:?}");
            }
        }
    }
}
