//! A trace in the making: what every reader collects, and the rules that all of them share.

use std::collections::HashMap;
use std::hash::BuildHasher;

use compact_str::{CompactString, format_compact};
use engine::{Span, Time};
use foldhash::fast::RandomState;

use crate::error::{TraceError, shown};
use crate::intern::Interner;
use crate::order::Order;
use crate::schema;
use crate::table::{Place, trimmed};
use crate::trace::{JobType, Ledger, RunTimes, Trace, TraceJob};

/// The cause under which a reader counts, once, that it calls jobs by [`row_id`].
pub(crate) const ROW_IDS: &str = "id from row number (counted once)";

/// Collects jobs and their names. A reader calls [`Builder::row`] for each data row, then either [`Builder::push`] or
/// [`Ledger::drop_row`].
pub(crate) struct Builder {
    file: String,
    format: &'static str,
    jobs: Vec<TraceJob>,
    /// Lines (or rows) of the jobs.
    lines: Vec<u32>,
    binary: bool,
    tenants: Interner<String>,
    queues: Interner<String>,
    model_sets: Interner<Vec<String>>,
    job_types: Interner<JobType>,
    /// Kinds by name, with their batch sizes: found without making a kind of each row.
    kinds: HashMap<CompactString, Vec<(Option<u32>, u32)>, RandomState>,
    measured_on: Option<String>,
    run_times: RunTimes,
    /// What was done to rows.
    pub(crate) ledger: Ledger,
}

/// What to do with an id that was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Twins {
    /// An error: ids of this format are unique.
    Refused,
    /// None: the reader made the ids itself.
    Impossible,
    /// Kept, counted, and told apart by `#2`, `#3` and so on: the format has no ids, or is known to repeat them.
    Numbered,
}

impl Builder {
    /// An empty trace from `file`.
    pub(crate) fn new(file: &str, format: &'static str) -> Self {
        Self {
            file: file.to_owned(),
            format,
            jobs: Vec::new(),
            lines: Vec::new(),
            binary: false,
            tenants: Interner::default(),
            queues: Interner::default(),
            model_sets: Interner::default(),
            job_types: Interner::default(),
            kinds: HashMap::default(),
            measured_on: None,
            run_times: RunTimes::Recorded,
            ledger: Ledger::default(),
        }
    }

    /// Counts a data row.
    pub(crate) fn row(&mut self) {
        self.ledger.rows += 1;
    }

    /// Jobs so far.
    pub(crate) fn len(&self) -> usize {
        self.jobs.len()
    }

    /// The jobs so far, for what can only be known at the end. Their order is that of the source.
    pub(crate) fn jobs_mut(&mut self) -> &mut [TraceJob] {
        &mut self.jobs
    }

    /// Makes room for so many more jobs.
    pub(crate) fn reserve(&mut self, jobs: usize) {
        self.jobs.reserve(jobs);
        self.lines.reserve(jobs);
    }

    /// The same for jobs without a place.
    pub(crate) fn reserve_unplaced(&mut self, jobs: usize) {
        self.jobs.reserve_exact(jobs);
    }

    /// The index of a tenant path that was there before.
    pub(crate) fn known_tenant(&mut self, path: &str) -> Option<u32> {
        self.tenants.find(path)
    }

    /// The index of a tenant path such as `org/team/user`; an empty one is [`schema::TENANT_DEFAULT`].
    pub(crate) fn tenant(&mut self, path: &str) -> u32 {
        self.tenants.intern(if path.is_empty() { schema::TENANT_DEFAULT } else { path })
    }

    /// The index of a path out of names that may be empty or contain a slash, as they are in the source: such names
    /// become `unknown`, and slashes become `_`; both are counted.
    pub(crate) fn tenant_of(&mut self, parts: &[&str]) -> u32 {
        if let [only] = parts
            && let Some(tenant) = self.known_tenant(only)
        {
            return tenant;
        }
        let mut path = String::new();
        for part in parts.iter().map(|part| part.trim()) {
            if !path.is_empty() {
                path.push('/');
            }
            if part.is_empty() {
                self.ledger.change_row("a name of the tenant is missing: taken as `unknown`");
                path.push_str("unknown");
            } else if part.contains('/') {
                self.ledger.change_row("a slash in a name of the tenant: written as `_`");
                path.push_str(&part.replace('/', "_"));
            } else {
                path.push_str(part);
            }
        }
        self.tenant(&path)
    }

    /// The index of a queue.
    pub(crate) fn queue(&mut self, name: &str) -> Option<u32> {
        (!name.is_empty()).then(|| self.queues.intern(name))
    }

    /// The index of a set of GPU model names; `None` for no name. A bar, which joins the names in the canonical form,
    /// becomes `_` and is counted.
    pub(crate) fn models(&mut self, mut names: Vec<String>) -> Option<u32> {
        names.retain(|name| !name.trim().is_empty());
        for name in &mut names {
            if name.contains('|') {
                self.ledger.change_row("a bar in the name of a GPU model: written as `_`");
                *name = name.replace('|', "_");
            }
            if trimmed(name).len() < name.len() {
                *name = trimmed(name).to_owned();
            }
        }
        (!names.is_empty()).then(|| self.model_sets.intern(&names))
    }

    /// The index of a kind of training job.
    pub(crate) fn job_type(&mut self, kind: &JobType) -> u32 {
        self.job_types.intern(kind)
    }

    /// The same of a name and a batch size, for rows without number.
    pub(crate) fn job_type_named(&mut self, name: &str, batch_size: Option<u32>) -> u32 {
        let known = self.kinds.get(name).and_then(|sizes| sizes.iter().find(|(size, _)| *size == batch_size));
        if let Some((_, index)) = known {
            return *index;
        }
        let index = self.job_types.intern(&JobType { name: name.to_owned(), batch_size, batch_mode: None });
        self.kinds.entry(name.into()).or_default().push((batch_size, index));
        index
    }

    /// The GPU model on which run times were measured.
    pub(crate) fn measured_on(&mut self, model: &str) {
        self.measured_on = Some(model.to_owned());
    }

    /// Where the run times come from, unless the source has them.
    pub(crate) fn run_times(&mut self, run_times: RunTimes) {
        self.run_times = run_times;
    }

    /// Adds a job that stands at `place`.
    pub(crate) fn push(&mut self, job: TraceJob, place: Place) {
        let (Place::Line(at) | Place::Row(at)) = place;
        self.binary = matches!(place, Place::Row(_));
        self.jobs.push(job);
        self.lines.push(u32::try_from(at).unwrap_or(u32::MAX));
    }

    /// Adds a job whose id the reader made itself: nobody will ask for its place.
    pub(crate) fn push_unplaced(&mut self, job: TraceJob) {
        self.jobs.push(job);
    }

    /// The trace, sorted by submission; jobs of one instant keep the order of the source. `origin` is what the clock
    /// shows at time zero.
    pub(crate) fn finish(mut self, twins: Twins, origin: Option<String>) -> Result<Trace, TraceError> {
        if self.jobs.is_empty() {
            return Err(no_jobs(&self.file, &self.ledger));
        }
        if twins != Twins::Impossible && may_have_twins(&self.jobs) {
            self.settle_twins(twins)?;
        }
        sort_jobs(&mut self.jobs);
        Ok(Trace {
            source: self.file,
            format: self.format.to_owned(),
            origin,
            jobs: self.jobs,
            tenants: self.tenants.into_values(),
            model_sets: self.model_sets.into_values(),
            queues: self.queues.into_values(),
            job_types: self.job_types.into_values(),
            measured_on: self.measured_on,
            run_times: self.run_times,
            ledger: self.ledger,
            history: Vec::new(),
        })
    }

    fn settle_twins(&mut self, twins: Twins) -> Result<(), TraceError> {
        // By id: the job that has it, and the number that its next twin gets.
        let mut known: HashMap<CompactString, (usize, u64)> = HashMap::with_capacity(self.jobs.len());
        for at in 0..self.jobs.len() {
            let id = self.jobs[at].id.clone();
            let Some(&(before, mut number)) = known.get(&id) else {
                known.insert(id, (at, 2));
                continue;
            };
            if twins == Twins::Refused {
                return Err(self.twin(before, at));
            }
            self.ledger.change_row("the id occurs again: numbered");
            let mut free = format_compact!("{id}#{number}");
            while known.contains_key(&free) {
                number += 1;
                free = format_compact!("{id}#{number}");
            }
            known.insert(id, (before, number + 1));
            known.insert(free.clone(), (at, 2));
            self.jobs[at].id = free;
        }
        Ok(())
    }

    fn twin(&self, first: usize, second: usize) -> TraceError {
        let place = |at: usize| {
            let at = u64::from(self.lines[at]);
            if self.binary { Place::Row(at) } else { Place::Line(at) }
        };
        let message = format!("`{}` is already the id of {}", shown(&self.jobs[second].id), place(first));
        let error = match place(second) {
            Place::Line(line) => TraceError::new(&self.file, message).at_line(line),
            Place::Row(row) => TraceError::new(&self.file, format!("row {row}: {message}")),
        };
        error.in_field("job_id").with_hint("every job needs an id of its own")
    }
}

/// The error for a trace without a single job.
pub(crate) fn no_jobs(file: &str, ledger: &Ledger) -> TraceError {
    let message = match ledger.rows {
        0 => "the trace has no jobs".to_owned(),
        1 => "no job is left of 1 row".to_owned(),
        rows => format!("no job is left of {rows} rows"),
    };
    let causes: Vec<String> = ledger.dropped.iter().map(|(cause, count)| format!("{cause} ({count})")).collect();
    let message = if causes.is_empty() { message } else { format!("{message}: {}", causes.join(", ")) };
    TraceError::new(file, message).with_hint("there must be at least one job below the header")
}

/// Stable by submission: jobs of one instant keep the order of the file.
pub(crate) fn sort_jobs(jobs: &mut Vec<TraceJob>) {
    if jobs.is_sorted_by_key(|job| job.submit) {
        return;
    }
    // Each job moves once.
    let order = Order::of(jobs.iter().map(|job| job.submit.0).collect());
    let hollow = || TraceJob::plain(CompactString::const_new(""), Time::ZERO, Span::ZERO, 0);
    *jobs = (0..order.len()).map(|rank| std::mem::replace(&mut jobs[order.at(rank).1], hollow())).collect();
}

/// The id of the job of data row `number` where the format has none: `row-7`.
pub(crate) fn row_id(number: u64) -> CompactString {
    let mut text = [0; 24];
    let (mut at, mut rest) = (text.len(), number);
    while rest > 0 || at == text.len() {
        at -= 1;
        text[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    at -= 4;
    text[at..at + 4].copy_from_slice(b"row-");
    std::str::from_utf8(&text[at..]).map(CompactString::from).unwrap_or_default()
}

/// [`row_id`] for many rows in any order: all but the last three digits are there already, and these in a table.
pub(crate) struct RowIds {
    /// The ids of rows 1000, 2000 and so on, without the last three digits; the first is of no use.
    heads: Vec<CompactString>,
    /// The numbers from 000 to 999 behind each other.
    digits: String,
}

impl RowIds {
    /// For rows up to `last`.
    pub(crate) fn up_to(last: u64) -> Self {
        Self {
            heads: (0..=last / 1000).map(row_id).collect(),
            digits: (0..1000u32)
                .flat_map(|number| [number / 100, number / 10 % 10, number % 10])
                .map(|digit| char::from(b'0' + digit as u8))
                .collect(),
        }
    }

    /// The id of row `number`.
    pub(crate) fn of(&self, number: u64) -> CompactString {
        let at = (number % 1000) as usize * 3;
        match (self.heads.get((number / 1000) as usize), self.digits.get(at..at + 3)) {
            (Some(head), Some(digits)) if number >= 1000 => {
                let mut id = head.clone();
                id.push_str(digits);
                id
            }
            _ => row_id(number),
        }
    }
}

/// Whether two ids may be equal. Ids that rise are not; of others, sorted hashes are several times as fast as a table of
/// millions of texts.
fn may_have_twins(jobs: &[TraceJob]) -> bool {
    let rises = |pair: &[TraceJob]| {
        let (before, after) = (&pair[0].id, &pair[1].id);
        before.len() < after.len() || (before.len() == after.len() && before < after)
    };
    if jobs.windows(2).all(rises) {
        return false;
    }
    let keys = RandomState::default();
    let mut hashes: Vec<u64> = jobs.iter().map(|job| keys.hash_one(&job.id)).collect();
    hashes.sort_unstable();
    hashes.windows(2).any(|pair| pair[0] == pair[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_rows() {
        for number in [0, 1, 9, 10, 12_345, u64::MAX] {
            assert_eq!(row_id(number), format!("row-{number}"));
        }
        let ids = RowIds::up_to(12_345);
        for number in (0..13_100).chain([u64::MAX]) {
            assert_eq!(ids.of(number), format!("row-{number}"));
        }
    }

    #[test]
    fn names_of_models_come_back_from_the_canonical_form() {
        let mut builder = Builder::new("f", "test");
        let set = builder.models(vec![" A|B ".to_owned(), " ".to_owned(), "C".to_owned()]);
        assert_eq!(
            (set, builder.model_sets.clone().into_values()),
            (Some(0), vec![vec!["A_B".to_owned(), "C".to_owned()]])
        );
        assert_eq!(builder.ledger.changed["a bar in the name of a GPU model: written as `_`"], 1);
        assert_eq!(builder.models(vec![" ".to_owned()]), None);
    }

    #[test]
    fn many_twins_take_no_longer_than_other_jobs() {
        let mut builder = Builder::new("f", "test");
        let ids = ["a#3", "a", "a", "a#2"].into_iter().chain(std::iter::repeat_n("a", 100_000));
        for (line, id) in (1..).zip(ids) {
            builder.row();
            builder.push(TraceJob::plain(id, Time(0), Span(0), 0), Place::Line(line));
        }
        let trace = builder.finish(Twins::Numbered, None).unwrap();
        let ids: Vec<&str> = trace.jobs.iter().take(6).map(|job| &*job.id).collect();
        assert_eq!(ids, ["a#3", "a", "a#2", "a#2#2", "a#4", "a#5"]);
        assert_eq!(trace.ledger.changed["the id occurs again: numbered"], 100_002);
    }
}
