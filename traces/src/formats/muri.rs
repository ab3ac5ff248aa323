//! Job lists of the Muri simulator (Zhao et al., SIGCOMM 2022): those of Tiresias in milliseconds, with more columns.
//!
//! Columns: `job_id`; `num_gpu` (gang); `submit_time` and `duration` (milliseconds; upstream divides both by 1000);
//! `iterations` (training steps); `model_name`; `batch_size`; `iteration_time` (milliseconds); `priority` (0: the job's
//! resources are guaranteed, 1: it is opportunistic; drawn at random upstream, where only the `AntMan` baseline reads it).
//! Lower comes first there and higher comes first here, so the sign is turned: 1 becomes -1. `priority=ignore` leaves
//! it out. `resource_time_0` to `_2` or `_3` (milliseconds that an iteration spends on each of three or four resources)
//! and `interval` have no place in a trace and are named as columns that are not used.
//!
//! `duration` is `iterations` x `iteration_time`, rounded up to a second. The list of the testbed does not keep to that;
//! rows that are off by a second or more are counted, and `duration` is what counts.
//!
//! Source: <https://github.com/pkusys/Muri>, `simulator/trace-data` and `cluster_exp/trace-data`, Apache-2.0; units and
//! priorities are read from `simulator/jobs.py`. The jobs are Philly's (CC-BY-4.0) with models drawn for them.

use super::tiresias::{List, Unit};
use super::{Signs, Spec};
use crate::error::{TraceError, shown};
use crate::input::Input;
use crate::table::{Cells, Table};
use crate::trace::{Trace, TraceJob};

/// Columns by which a list is told: `iteration_time` is Muri's own.
const NEEDED: [&str; 8] =
    ["job_id", "num_gpu", "submit_time", "iterations", "model_name", "batch_size", "duration", "iteration_time"];
/// Columns that are used.
const USED: [&str; 9] = [
    "job_id",
    "num_gpu",
    "submit_time",
    "iterations",
    "model_name",
    "batch_size",
    "duration",
    "iteration_time",
    "priority",
];

pub(super) static SPEC: Spec = Spec {
    name: "muri",
    aliases: &[],
    about: "Muri job lists (SIGCOMM 2022), milliseconds",
    options: &[("priority", "keep (the default): opportunistic jobs come after the others; ignore: all are equal")],
    signs: Signs::Columns(&NEEDED),
    read,
};

/// Reads a list.
fn read(input: &Input<'_>) -> Result<Trace, TraceError> {
    let mut table = Table::open(input.file, input.text)?;
    let header = table.header();
    header.check_needed("muri", &NEEDED, &USED)?;
    let used = match input.options.get("priority") {
        None | Some("keep") => USED.as_slice(),
        Some("ignore") => &USED[..USED.len() - 1],
        Some(_) => return Err(input.bad_option("priority", "`keep` or `ignore`")),
    };
    let priority = header.find("priority").filter(|_| used.contains(&"priority"));
    let iteration_time = header.find("iteration_time");
    let mut list = List::new(header, "muri", Unit::Milliseconds, "iterations", used);
    while let Some(cells) = table.next()? {
        let job = list.job(&cells)?;
        check_duration(&mut list, &cells, &job, iteration_time)?;
        let job = TraceJob { priority: rank(&cells, priority)?, ..job };
        list.builder.push(job, cells.place);
    }
    list.finish()
}

fn check_duration(
    list: &mut List,
    cells: &Cells<'_>,
    job: &TraceJob,
    iteration_time: Option<usize>,
) -> Result<(), TraceError> {
    const SECOND_US: u128 = 1_000_000;
    let step = list.time(cells, iteration_time, "iteration_time")?;
    let computed = u128::from(step) * u128::from(job.steps.unwrap_or(0));
    if u128::from(job.duration.0).abs_diff(computed) >= SECOND_US {
        list.builder.ledger.change_row("duration is not iterations x iteration_time: duration taken");
    }
    Ok(())
}

/// The priority here of one upstream.
fn rank(cells: &Cells<'_>, at: Option<usize>) -> Result<i32, TraceError> {
    match cells.text(at).trim() {
        "" | "0" => Ok(0),
        "1" => Ok(-1),
        other => {
            let message = format!("`{}` is neither 0 nor 1", shown(other));
            Err(cells.error("priority", message).with_hint("write 0 for a guaranteed job, 1 for an opportunistic one"))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::source::{load, read_bytes};

    const HEADER: &str = "job_id,num_gpu,submit_time,iterations,model_name,batch_size,duration,interval,iteration_time,\
                          resource_time_0,resource_time_1,resource_time_2,priority\n";
    const ROWS: &str = "0,4,352430000,5,bert,4,1000,603000,190,0.5,163,18,0\n1,8,0,10,gpt2,4,9000,1,433,0.6,413,20,1\n";

    #[test]
    fn golden() {
        let trace = read_bytes("m.csv", None, format!("{HEADER}{ROWS}").as_bytes()).unwrap();
        assert_eq!(trace.format, "muri");
        let jobs: Vec<_> =
            trace.jobs.iter().map(|j| (&*j.id, j.submit.0, j.duration.0, j.gpu_milli, j.steps, j.priority)).collect();
        assert_eq!(
            jobs,
            [("1", 0, 9_000_000, 8000, Some(10), -1), ("0", 352_430_000_000, 1_000_000, 4000, Some(5), 0)]
        );
        assert_eq!((trace.job_types[0].name.as_str(), trace.job_types[0].batch_size), ("bert", Some(4)));
        assert_eq!(trace.ledger.ignored_columns, ["interval", "resource_time_0", "resource_time_1", "resource_time_2"]);
        let changed: Vec<_> = trace.ledger.changed.iter().collect();
        assert_eq!(changed, [(&"duration is not iterations x iteration_time: duration taken".to_owned(), &1)]);
    }

    #[test]
    fn priorities() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.csv");
        std::fs::write(&path, format!("{HEADER}{ROWS}")).unwrap();
        let path = path.to_str().unwrap();
        let trace = load(&format!("{path}[priority=ignore]")).unwrap();
        assert!(trace.jobs.iter().all(|job| job.priority == 0));
        assert!(trace.ledger.ignored_columns.contains(&"priority".to_owned()));
        assert!(load(&format!("{path}[priority=keep]")).unwrap().jobs.iter().any(|job| job.priority == -1));
        let error = load(&format!("{path}[priority=high]")).unwrap_err();
        assert_eq!(error.to_string(), format!("{path}: field `priority`: `high` is not `keep` or `ignore`"));
        let text = format!("{HEADER}0,4,0,5,bert,4,1000,0,190,0.5,163,18,2\n");
        let error = read_bytes("m.csv", None, text.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "m.csv:2: field `priority`: `2` is neither 0 nor 1");
        assert_eq!(error.hint(), Some("write 0 for a guaranteed job, 1 for an opportunistic one"));
    }
}
