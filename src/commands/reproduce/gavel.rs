//! Cases of Gavel's simulator: `gavel/<trace>_<cluster>_<policy>.csv`.
//!
//! A result names all that the peer knew of each job: steps, GPUs, and the run time on each GPU model. So it is input
//! and output at once. A cluster is `16v100`, or `8x8x8` for V100, P100 and K80, each GPU a server of its own.

use std::path::{Path, PathBuf};

use engine::{Inventory, Span, Time};
use traces::{JobType, RunTimes, Trace, TraceError, TraceJob};

use super::case::{Case, Loaded, Recipe, Results, Task};
use super::{mappings, rows};

const FAMILY: &str = "gavel";
const PEER: &str = "Gavel's simulator";
/// The GPU models, in the order of the peer.
const MODELS: [&str; 3] = ["v100", "p100", "k80"];

/// The cases in `data`.
pub(crate) fn cases(data: &Path) -> Vec<Case> {
    let files = rows::files(&data.join("cases/gavel"), ".csv").into_iter();
    files.map(|(name, path)| Case { id: format!("{FAMILY}/{name}"), peer: PEER, recipe: recipe(&name, path) }).collect()
}

/// GPUs of each model.
type Counts = [u32; MODELS.len()];

/// Takes a name apart: the cluster is the first part that reads as one.
fn parse(name: &str) -> Option<(Counts, &str)> {
    let starts = name.match_indices('_').map(|(at, _)| at + 1);
    starts.filter_map(|at| name[at..].split_once('_')).find_map(|(cluster, policy)| Some((counts(cluster)?, policy)))
}

fn counts(text: &str) -> Option<Counts> {
    for (at, model) in MODELS.iter().enumerate() {
        if let Some(number) = text.strip_suffix(model) {
            let mut counts = Counts::default();
            counts[at] = number.parse().ok().filter(|number| *number > 0)?;
            return Some(counts);
        }
    }
    let numbers: Option<Vec<u32>> = text.split('x').map(|number| number.parse().ok()).collect();
    let counts: Counts = numbers?.try_into().ok()?;
    (counts.iter().sum::<u32>() > 0).then_some(counts)
}

fn recipe(name: &str, path: PathBuf) -> Result<Recipe, String> {
    let (counts, policy) = parse(name).ok_or("its name is not TRACE_CLUSTER_POLICY")?;
    let used: Vec<usize> = (0..MODELS.len()).filter(|at| counts[*at] > 0).collect();
    let kind = if used.len() == 1 { "alike" } else { "types" };
    let ours = mappings::ours(FAMILY, kind, policy)?;
    let model = used[0];
    let load = move || {
        let rows = rows::Rows::read(&path)?;
        let ends = rows.pairs("job_id", "finish_s")?;
        let trace = jobs(&rows, &path, MODELS[model])?;
        let cluster = format!("{}x1:{}", counts[model], MODELS[model]);
        let inventory: Inventory = traces::load_cluster(&cluster)?;
        Ok(Loaded::ready(Task { trace, inventory, cluster, samples: None, results: Results::Ends(ends) }))
    };
    Ok(Recipe { ours, load: Box::new(load) })
}

/// The jobs, with their run times on `model`.
fn jobs(rows: &rows::Rows, path: &Path, model: &str) -> Result<Trace, TraceError> {
    let run_time = format!("dur_{model}_s");
    let columns = ["job_id", "submit_s", "gpus", "job_type", "total_steps", &run_time].map(|name| rows.column(name));
    let [id, submit, gpus, job_type, steps, run_time] = columns;
    let (id, submit, gpus, job_type, steps, run_time) = (id?, submit?, gpus?, job_type?, steps?, run_time?);
    let mut trace = Trace {
        source: path.display().to_string(),
        format: "gavel".to_owned(),
        tenants: vec!["all".to_owned()],
        run_times: RunTimes::Computed,
        measured_on: Some(model.to_owned()),
        ..Trace::default()
    };
    for row in 0..rows.len() {
        let span = |column| {
            let span = Span::from_secs_f64(rows.number(row, column)?);
            span.ok_or_else(|| rows.flaw(row, column, "is not a number of seconds"))
        };
        let whole = |column| rows.number(row, column).map(|number| number as u64);
        let mut job =
            TraceJob::plain(rows.text(row, id), Time(span(submit)?.0), span(run_time)?, whole(gpus)? as u32 * 1000);
        job.steps = Some(whole(steps)?);
        job.job_type = Some(kind(&mut trace.job_types, rows.text(row, job_type)));
        trace.jobs.push(job);
    }
    trace.jobs.sort_by_key(|job| job.submit);
    Ok(trace)
}

/// The kind of job called `name`.
fn kind(known: &mut Vec<JobType>, name: &str) -> u32 {
    let at = known.iter().position(|kind| kind.name == name).unwrap_or_else(|| {
        known.push(JobType { name: name.to_owned(), ..JobType::default() });
        known.len() - 1
    });
    at as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(parse("gen300single_16v100_finish_time_fairness"), Some(([16, 0, 0], "finish_time_fairness")));
        assert_eq!(parse("msr_ed69ec_20v100_fifo"), Some(([20, 0, 0], "fifo")));
        assert_eq!(parse("phys96_8x16x24_max_min_fairness_perf"), Some(([8, 16, 24], "max_min_fairness_perf")));
        assert_eq!(parse("gen200multi_fifo"), None);
        assert_eq!(parse("a_0x0x0_fifo"), None);
    }
}
