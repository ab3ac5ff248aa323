//! Figures for Prometheus. Threads add to atomics; nothing here makes the thread that schedules wait.
//!
//! ```text
//!   Meter (after each step), Ledger, the API ──▶ Metrics ◀── GET /metrics: gauges of the cluster by a look, then the text
//! ```

mod family;
mod meter;
mod process;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use engine::{Core, NodeId};
use prometheus::core::Collector;
use prometheus::{
    Counter, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec,
    Opts, Registry, TextEncoder,
};

pub use self::family::{FAMILIES, Family, Kind};
pub use self::meter::Meter;
pub(crate) use self::meter::cause_word;
use crate::book::Book;
use crate::view;

/// Why the constructors of constants cannot fail.
const SOUND: &str = "names and labels are constants, and a test makes all of them";

/// All metrics of one server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    pub(crate) changes: IntCounterVec,
    pub(crate) connections: IntGauge,
    decisions: IntCounter,
    ended: IntCounterVec,
    facts: IntCounter,
    gpus: [GaugeVec; 3],
    pub(crate) http_requests: IntCounterVec,
    pub(crate) http_seconds: HistogramVec,
    jobs: IntGaugeVec,
    pub(crate) commit_seconds: Histogram,
    pub(crate) journal_bytes: IntCounter,
    launches: IntCounter,
    log_dropped: IntCounter,
    lost: Counter,
    preemptions: IntCounterVec,
    runs_ended: IntCounterVec,
    snapshot: Gauge,
    pub(crate) step_seconds: Histogram,
    submissions: IntCounterVec,
    tasks: IntGauge,
    wait_seconds: Histogram,
    build: IntGaugeVec,
    records_behind: IntGauge,
    process: process::Process,
    backlog: OnceLock<Arc<AtomicU64>>,
    log_dropped_by: OnceLock<Arc<AtomicU64>>,
    /// Lines that are in the counter.
    log_dropped_seen: AtomicU64,
}

/// What all metrics of a family are registered with.
struct Maker(Registry);

impl Maker {
    fn keep<C: Collector + Clone + 'static>(&self, collector: prometheus::Result<C>) -> C {
        let collector = collector.expect(SOUND);
        self.0.register(Box::new(collector.clone())).expect(SOUND);
        collector
    }

    fn counter(&self, family: &Family) -> IntCounter {
        self.keep(IntCounter::new(family.name, family.help))
    }

    fn counters(&self, family: &Family) -> IntCounterVec {
        self.keep(IntCounterVec::new(Opts::new(family.name, family.help), family.labels))
    }

    fn gauge(&self, family: &Family) -> IntGauge {
        self.keep(IntGauge::new(family.name, family.help))
    }

    fn gauges(&self, family: &Family) -> IntGaugeVec {
        self.keep(IntGaugeVec::new(Opts::new(family.name, family.help), family.labels))
    }

    fn histogram(&self, family: &Family, buckets: &[f64]) -> Histogram {
        let opts = HistogramOpts::new(family.name, family.help).buckets(buckets.to_vec());
        self.keep(Histogram::with_opts(opts))
    }
}

impl Default for Metrics {
    fn default() -> Self {
        use family as f;
        let maker = Maker(Registry::new());
        let parts = |family: &Family| maker.keep(GaugeVec::new(Opts::new(family.name, family.help), family.labels));
        let http = HistogramOpts::new(f::HTTP_SECONDS.name, f::HTTP_SECONDS.help).buckets(f::ANSWER.to_vec());
        Self {
            changes: maker.counters(&f::CHANGES),
            connections: maker.gauge(&f::CONNECTIONS),
            decisions: maker.counter(&f::DECISIONS),
            ended: maker.counters(&f::ENDED),
            facts: maker.counter(&f::FACTS),
            gpus: [parts(&f::GPUS), parts(&f::GPUS_ALLOCATED), parts(&f::GPUS_IDLE)],
            http_requests: maker.counters(&f::HTTP_REQUESTS),
            http_seconds: maker.keep(HistogramVec::new(http, f::HTTP_SECONDS.labels)),
            jobs: maker.gauges(&f::JOBS),
            commit_seconds: maker.histogram(&f::COMMIT_SECONDS, &f::FINE),
            journal_bytes: maker.counter(&f::JOURNAL_BYTES),
            launches: maker.counter(&f::LAUNCHES),
            log_dropped: maker.counter(&f::LOG_DROPPED),
            lost: maker.keep(Counter::new(f::LOST.name, f::LOST.help)),
            preemptions: maker.counters(&f::PREEMPTIONS),
            runs_ended: maker.counters(&f::RUNS_ENDED),
            snapshot: maker.keep(Gauge::new(f::SNAPSHOT.name, f::SNAPSHOT.help)),
            step_seconds: maker.histogram(&f::STEP_SECONDS, &f::FINE),
            submissions: maker.counters(&f::SUBMISSIONS),
            tasks: maker.gauge(&f::TASKS),
            wait_seconds: maker.histogram(&f::WAIT_SECONDS, &f::WAIT),
            build: maker.gauges(&f::BUILD),
            records_behind: maker.gauge(&f::RECORDS_BEHIND),
            process: process::Process::new(&maker),
            backlog: OnceLock::new(),
            log_dropped_by: OnceLock::new(),
            log_dropped_seen: AtomicU64::new(0),
            registry: maker.0,
        }
    }
}

impl Metrics {
    /// What runs.
    pub fn about(&self, policy: &str) {
        self.build.reset();
        self.build.with_label_values(&[policy, env!("CARGO_PKG_VERSION")]).set(1);
    }

    /// A snapshot was written then.
    pub fn snapshot_at(&self, at: SystemTime) {
        self.snapshot.set(at.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64()));
    }

    /// Where it stands how many records wait for those who write them. The first call counts.
    pub fn watch_backlog(&self, waiting: Arc<AtomicU64>) {
        // A server has one writer.
        let _ = self.backlog.set(waiting);
    }

    /// Where it stands how many lines of the log were left out. The first call counts.
    pub fn watch_log(&self, dropped: Arc<AtomicU64>) {
        // A server has one log.
        let _ = self.log_dropped_by.set(dropped);
    }

    /// Reads the cluster, between two steps.
    pub fn look(&self, core: &Core, book: &Book) {
        let (state, cluster) = (core.state(), core.state().cluster());
        let mut sums = [("up", [0_u64; 3]), ("draining", [0; 3]), ("down", [0; 3])];
        for node in (0..cluster.len()).map(NodeId::new) {
            let word = view::node_word(cluster.state(node));
            let gpus = cluster.spec(node).gpus;
            let free: u64 = (0..gpus).map(|gpu| u64::from(cluster.free_milli_of(node, gpu))).sum();
            let of_node =
                [u64::from(gpus) * 1000, u64::from(gpus) * 1000 - free, u64::from(cluster.free_gpus(node)) * 1000];
            for (_, sum) in sums.iter_mut().filter(|(state, _)| *state == word) {
                sum.iter_mut().zip(of_node).for_each(|(sum, of_node)| *sum += of_node);
            }
        }
        for (word, sum) in sums {
            for (gauges, milli) in self.gpus.iter().zip(sum) {
                gauges.with_label_values(&[word]).set(milli as f64 / 1000.0);
            }
        }
        let launched = state.live().iter().filter(|id| state.job(**id).is_launched());
        let tasks: u64 = launched.filter_map(|id| book.job(*id)).map(|entry| u64::from(entry.file.tasks)).sum();
        self.tasks.set(tasks.cast_signed());
    }

    /// All of it in the text format 0.0.4.
    pub fn text(&self) -> Result<String, prometheus::Error> {
        self.process.read();
        if let Some(waiting) = self.backlog.get() {
            self.records_behind.set(waiting.load(Ordering::Relaxed).cast_signed());
        }
        if let Some(dropped) = self.log_dropped_by.get() {
            let all = dropped.load(Ordering::Relaxed);
            // Two may read at a time.
            self.log_dropped.inc_by(all.saturating_sub(self.log_dropped_seen.fetch_max(all, Ordering::Relaxed)));
        }
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_families_are_made_as_the_table_says() {
        let metrics = Metrics::default();
        metrics.about("fifo");
        let found: Vec<(String, String)> = metrics
            .registry
            .gather()
            .iter()
            .map(|family| (family.name().to_owned(), family.help().to_owned()))
            .collect();
        // Those with labels show up with their first value.
        for family in FAMILIES.iter().filter(|family| family.labels.is_empty()) {
            assert!(found.contains(&(family.name.to_owned(), family.help.to_owned())), "{}", family.name);
        }
        assert!(found.iter().all(|(name, _)| FAMILIES.iter().any(|family| family.name == name)), "{found:?}");
        assert!(FAMILIES.windows(2).all(|pair| pair[0].name < pair[1].name), "not in order");
    }

    #[test]
    fn names_follow_the_conventions() {
        for family in FAMILIES {
            let Family { name, kind, labels, help } = family;
            assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
            assert!(name.starts_with("trainyard_") || name.starts_with("process_"), "{name}");
            assert!(*kind != Kind::Histogram || name.ends_with("_seconds"), "{name}");
            assert!(!["_ms", "_us", "_milliseconds", "_mib"].iter().any(|unit| name.contains(unit)), "{name}");
            assert!(!help.ends_with('.') && !labels.contains(&"le"), "{name}");
        }
    }

    #[test]
    fn the_book_has_the_same_table() {
        let book = include_str!("../../docs/observability.md");
        let row = |family: &Family| {
            let labels: Vec<String> = family.labels.iter().map(|label| format!("`{label}`")).collect();
            format!("| `{}` | {} | {} | {} |", family.name, family.kind.name(), labels.join(", "), family.help)
        };
        let expected: Vec<String> = FAMILIES.iter().map(row).collect();
        let section = book.split("## Metrics").nth(1).unwrap().split("\n## ").next().unwrap();
        let found: Vec<&str> = section.lines().filter(|line| line.starts_with("| `")).collect();
        assert_eq!(found, expected);
    }
}
