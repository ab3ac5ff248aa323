//! Pod lists of openb (Alibaba cluster-trace-gpu-v2023; FGD, ATC'23).
//!
//! Columns: `name`; `cpu_milli` (thousandths of a core), `memory_mib`, `num_gpu`, `gpu_milli` (thousandths of each
//! GPU; below 1000 only for one GPU); `gpu_spec` (models joined by `|`, empty for any); `qos` (not used);
//! `pod_phase`; `creation_time`, `scheduled_time`, `deletion_time` (seconds from the origin, which has no date).
//! Submission is the creation, the run time is from scheduling to deletion. A pod that was never scheduled has no
//! run time and is dropped and counted. A pod that still ran at the last deletion of the list was cut off there.
//!
//! The lists `multigpu20` to `multigpu50` end behind `gpu_milli`: they say in which order pods arrive, not when, nor how
//! long they run. All pods are then submitted at 0, in the order of the file, their run times are marked unknown, and
//! every row is counted. Such a trace can be described, and placed pod by pod, but not replayed in time. The option
//! `times=ignore` makes the same of any list: then pods that never ran are kept too, as the published experiments do.
//!
//! Upstream: <https://github.com/alibaba/clusterdata>, folder `cluster-trace-gpu-v2023` (no licence stated); the same
//! files are in <https://github.com/hkust-adsl/kubernetes-scheduler-simulator>, Apache-2.0.

use engine::{Span, Time};

use super::{Signs, Spec};
use crate::build::{Builder, Twins};
use crate::canonical::words::{below_unlimited, model_set};
use crate::decimal::Flaw;
use crate::details::Details;
use crate::error::{TraceError, shown};
use crate::header::Header;
use crate::input::Input;
use crate::table::{Cells, Table};
use crate::trace::{Recorded, RunTimes, Trace, TraceJob};

/// Columns that every list has.
const NEEDED: [&str; 5] = ["name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli"];
/// Columns that a replay needs besides.
const TIMES: [&str; 2] = ["creation_time", "deletion_time"];
/// Columns that are used.
const USED: [&str; 10] = [
    "name",
    "cpu_milli",
    "memory_mib",
    "num_gpu",
    "gpu_milli",
    "gpu_spec",
    "pod_phase",
    "creation_time",
    "deletion_time",
    "scheduled_time",
];

pub(super) static SPEC: Spec = Spec {
    name: "openb",
    aliases: &[],
    about: "pod lists of Alibaba openb 2023 (ATC 2023)",
    options: &[("times", "ignore: every row, those that never ran too, in the order of the file and without times")],
    signs: Signs::Columns(&NEEDED),
    read,
};

/// Reads a pod list.
fn read(input: &Input<'_>) -> Result<Trace, TraceError> {
    let mut table = Table::open(input.file, input.text)?;
    table.header().check_needed("openb", &NEEDED, &USED)?;
    let clock = match input.options.get("times") {
        None => clock(table.header())?,
        Some("ignore") => Clock::Order,
        Some(_) => return Err(input.bad_option("times", "`ignore`")),
    };
    let mut pods = Pods::new(table.header(), clock);
    while let Some(cells) = table.next()? {
        pods.push(&cells)?;
    }
    pods.finish()
}

/// Whether the list has times.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Clock {
    Times,
    /// Only the order of arrival.
    Order,
}

fn clock(header: &Header) -> Result<Clock, TraceError> {
    if TIMES.iter().all(|name| header.find(name).is_none()) {
        return Ok(Clock::Order);
    }
    header.check_needed("openb", &TIMES, &USED).map(|()| Clock::Times)
}

/// Pods on their way to a trace.
struct Pods {
    columns: [Option<usize>; USED.len()],
    clock: Clock,
    builder: Builder,
    /// By job: whether its phase says that it ran when the list was made, and when it was deleted.
    ends: Vec<(bool, u64)>,
}

impl Pods {
    fn new(header: &Header, clock: Clock) -> Self {
        let mut builder = Builder::new(&header.file, "openb");
        builder.ledger.ignored_columns = header.ignored(&USED);
        if clock == Clock::Order {
            builder.run_times(RunTimes::Unknown);
        }
        Self { columns: USED.map(|name| header.find(name)), clock, builder, ends: Vec::new() }
    }

    fn at(&self, name: &str) -> Option<usize> {
        USED.iter().position(|used| *used == name).and_then(|i| self.columns[i])
    }

    fn count(&self, cells: &Cells<'_>, name: &str) -> Result<u32, TraceError> {
        let value = cells.count(self.at(name), name)?;
        below_unlimited(u64::from(value)).ok_or_else(|| cells.flaw(name, Flaw::TooLarge, cells.text(self.at(name))))
    }

    fn micros(&self, cells: &Cells<'_>, name: &str) -> Result<u64, TraceError> {
        cells.scaled(self.at(name), name, 6).map(|number| number.value)
    }

    fn push(&mut self, cells: &Cells<'_>) -> Result<(), TraceError> {
        self.builder.row();
        let id = cells.word(self.at("name"), "name")?;
        let (cpu_milli, memory_mib) = (self.count(cells, "cpu_milli")?, self.count(cells, "memory_mib")?);
        let gpu_milli = self.gpu_milli(cells)?;
        let models = self.models(cells)?;
        let phase = cells.text(self.at("pod_phase")).trim();
        let tenant = self.builder.tenant("");
        let pod = TraceJob {
            tenant,
            details: Details { cpu_milli, memory_mib, models, tasks: 1, ..Details::NONE }.into(),
            ..TraceJob::plain(id, Time(0), Span(0), gpu_milli)
        };
        if self.clock == Clock::Order {
            self.builder.ledger.change_row("no times: order of arrival only");
            self.builder.push(pod, cells.place);
            return Ok(());
        }
        let creation = self.micros(cells, "creation_time")?;
        let Some((start, end)) = self.run(cells, creation)? else { return Ok(()) };
        let mut job = TraceJob {
            submit: Time(creation),
            duration: Span(end - start),
            recorded: match phase {
                "Succeeded" => Recorded::Finished,
                "Failed" => Recorded::Failed,
                _ => Recorded::Unknown,
            },
            ..pod
        };
        job.start = Some(Time(start));
        self.ends.push((phase == "Running", end));
        self.builder.push(job, cells.place);
        Ok(())
    }

    /// From when to when it ran; `None` when it never did.
    fn run(&mut self, cells: &Cells<'_>, creation: u64) -> Result<Option<(u64, u64)>, TraceError> {
        let start = match self.at("scheduled_time") {
            None => {
                self.builder.ledger.change_row("no scheduled_time: run time counted from creation_time");
                creation
            }
            at if cells.text(at).trim().is_empty() => {
                self.builder.ledger.drop_row("never scheduled");
                return Ok(None);
            }
            _ => self.micros(cells, "scheduled_time")?,
        };
        if start < creation {
            let error = cells.error("scheduled_time", "the pod is scheduled before it is created");
            return Err(error.with_hint("correct one of the times, or leave the row out"));
        }
        let end = self.micros(cells, "deletion_time")?;
        if end < start {
            let message = "the pod is deleted before it is scheduled: its run time is negative";
            return Err(cells
                .error("deletion_time", message)
                .with_hint("correct one of the times, or leave the row out"));
        }
        Ok(Some((start, end)))
    }

    /// Thousandths of a GPU over the whole pod.
    fn gpu_milli(&self, cells: &Cells<'_>) -> Result<u32, TraceError> {
        let (gpus, milli) =
            (cells.count(self.at("num_gpu"), "num_gpu")?, cells.count(self.at("gpu_milli"), "gpu_milli")?);
        let legal = match gpus {
            0 => milli == 0,
            1 => (1..=1000).contains(&milli),
            _ => milli == 1000,
        };
        if !legal {
            let hint = "gpu_milli is 0 without GPUs, 1 to 1000 with one GPU, and 1000 with more";
            let message = format!("`{milli}` does not go with num_gpu `{gpus}`");
            return Err(cells.error("gpu_milli", message).with_hint(hint));
        }
        let total = below_unlimited(u64::from(gpus) * u64::from(milli));
        total.ok_or_else(|| cells.flaw("num_gpu", Flaw::TooLarge, cells.text(self.at("num_gpu"))))
    }

    fn models(&mut self, cells: &Cells<'_>) -> Result<Option<u32>, TraceError> {
        let text = cells.text(self.at("gpu_spec")).trim();
        if text.is_empty() {
            return Ok(None);
        }
        let set = model_set(text).ok_or_else(|| {
            let message = format!("`{}` has an empty name", shown(text));
            cells.error("gpu_spec", message).with_hint("join model names by |, such as V100M16|V100M32")
        })?;
        Ok(self.builder.models(set))
    }

    fn finish(mut self) -> Result<Trace, TraceError> {
        let last = self.ends.iter().map(|(_, end)| *end).max();
        let cut = |(running, end): &(bool, u64)| *running && Some(*end) == last;
        for (job, _) in self.builder.jobs_mut().iter_mut().zip(&self.ends).filter(|(_, end)| cut(end)) {
            job.recorded = Recorded::Censored;
        }
        for _ in self.ends.iter().filter(|end| cut(end)) {
            self.builder.ledger.change_row("still running at the end of the trace: run time is censored");
        }
        self.builder.finish(Twins::Refused, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n";

    fn read_text(text: &str) -> Result<Trace, TraceError> {
        read(&Input { file: "pods.csv", text, options: &crate::input::Options::default() })
    }

    fn error(row: &str) -> String {
        let error = read_text(&format!("{HEADER}{row}\n")).unwrap_err();
        format!("{error} | {}", error.hint().unwrap_or_default())
    }

    #[test]
    fn golden() {
        let rows = "a,4000,1024,1,460,,LS,Running,50,900,60\nb,8000,2048,2,1000,V100M16|V100M32,BE,Succeeded,10,30,10\n\
                    c,8000,2048,0,0,,BE,Pending,20,40,\nd,1,1,1,1000,,BE,Failed,20,20,20\ne,1,1,0,0,,BE,Running,20,899,20\n";
        let trace = read_text(&format!("{HEADER}{rows}")).unwrap();
        let found: Vec<_> = trace
            .jobs
            .iter()
            .map(|j| (&*j.id, j.submit.0 / 1_000_000, j.duration.0 / 1_000_000, j.gpu_milli, j.models, j.recorded))
            .collect();
        assert_eq!(
            found,
            [
                ("b", 10, 20, 2000, Some(0), Recorded::Finished),
                ("d", 20, 0, 1000, None, Recorded::Failed),
                ("e", 20, 879, 0, None, Recorded::Unknown),
                ("a", 50, 840, 460, None, Recorded::Censored),
            ]
        );
        assert_eq!((trace.jobs[0].cpu_milli, trace.jobs[0].memory_mib), (8000, 2048));
        assert_eq!(trace.model_sets, [["V100M16", "V100M32"]]);
        assert_eq!(trace.tenants, ["all"]);
        assert_eq!(trace.ledger.rows, 5);
        assert_eq!(trace.ledger.dropped.iter().collect::<Vec<_>>(), [(&"never scheduled".to_owned(), &1)]);
        let censored = "still running at the end of the trace: run time is censored".to_owned();
        assert_eq!(trace.ledger.changed.iter().collect::<Vec<_>>(), [(&censored, &1)]);
        assert_eq!(trace.ledger.ignored_columns, ["qos"]);
    }

    #[test]
    fn errors() {
        assert_eq!(
            error("a,1,1,2,500,,LS,Running,0,1,0"),
            "pods.csv:2: field `gpu_milli`: `500` does not go with num_gpu `2` | gpu_milli is 0 without GPUs, 1 to 1000 \
             with one GPU, and 1000 with more"
        );
        assert_eq!(
            error("a,1,1,1,500,,LS,Running,0,1,2"),
            "pods.csv:2: field `deletion_time`: the pod is deleted before it is scheduled: its run time is negative | \
             correct one of the times, or leave the row out"
        );
        assert_eq!(
            error("a,1,1,1,500,,LS,Running,5,9,4"),
            "pods.csv:2: field `scheduled_time`: the pod is scheduled before it is created | correct one of the times, or \
             leave the row out"
        );
        assert_eq!(
            error("a,1,1,1,500,,LS,Running,0,,0"),
            "pods.csv:2: field `deletion_time`: the value is empty | every row needs a value for `deletion_time`"
        );
        assert_eq!(
            error("a,1,1,1,500,A||B,LS,Running,0,1,0"),
            "pods.csv:2: field `gpu_spec`: `A||B` has an empty name | join model names by |, such as V100M16|V100M32"
        );
        assert_eq!(
            error("a,1,1,1,500,,LS,Pending,0,1,"),
            "pods.csv: no job is left of 1 row: never scheduled (1) | there must be at least one job below the header"
        );
        assert_eq!(
            error("a,1,1,1,500,,LS,Running,0,1,0\na,1,1,1,500,,LS,Running,0,1,0"),
            "pods.csv:3: field `job_id`: `a` is already the id of line 2 | every job needs an id of its own"
        );
    }

    #[test]
    fn a_list_without_times_is_an_order() {
        let trace = read_text("name,cpu_milli,memory_mib,num_gpu,gpu_milli\nb,1,1,1,460\na,2,1,2,1000\n").unwrap();
        let jobs: Vec<_> = trace.jobs.iter().map(|j| (&*j.id, j.submit.0, j.duration.0, j.gpu_milli)).collect();
        assert_eq!(jobs, [("b", 0, 0, 460), ("a", 0, 0, 2000)]);
        assert_eq!((trace.run_times, trace.ledger.changed["no times: order of arrival only"]), (RunTimes::Unknown, 2));
        let options = crate::input::Options::new(vec![("times".to_owned(), "ignore".to_owned())]);
        let text = format!("{HEADER}c,8000,2048,0,0,,BE,Pending,20,40,\nd,1,1,1,1000,V100,BE,Failed,7,20,20\n");
        let trace = read(&Input { file: "pods.csv", text: &text, options: &options }).unwrap();
        let jobs: Vec<_> = trace.jobs.iter().map(|j| (&*j.id, j.submit.0, j.duration.0, j.models)).collect();
        assert_eq!((jobs, trace.run_times), (vec![("c", 0, 0, None), ("d", 0, 0, Some(0))], RunTimes::Unknown));
        let half = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,creation_time\nb,1,1,1,460,5\n";
        assert!(
            read_text(half)
                .unwrap_err()
                .to_string()
                .starts_with("pods.csv:1: required column `deletion_time` is missing")
        );
    }
}
