//! Figures printed by the simulator of PAI (Weng et al., NSDI 2022; `cluster-trace-gpu-v2020/simulator` of
//! <https://github.com/alibaba/clusterdata>, README).
//!
//! Read there: 6,500 GPUs and 23.22 cores a GPU as one node without topology, on which GPUs are one divisible amount in
//! hundredths; 20,000 jobs drawn with seed 42, 1,000 of them submitted at each full minute; at each second, jobs start in
//! order, and those that do not fit are passed over (under `FIFO` too). A divisible amount of GPUs is main memory here. Where upstream orders by
//! an estimate that stands in the list, the place in that order is the priority of the job.

mod shuffle;

use std::path::Path;

use engine::{Inventory, Span, Time};
use traces::{Details, Trace, TraceError, TraceJob};

use super::case::{Case, Figure, Loaded, Printed, Recipe, Results, Task};
use super::{mappings, rows};

const FAMILY: &str = "pai";
const PEER: &str = "PAI's simulator";
/// The list on which the figures were made, with the columns of the estimators.
const LIST: &str = "traces/pai2020/pai_job_duration_estimate_100K.csv";
/// The list without estimates, where that one is not at hand.
const LIST_PLAIN: &str = "traces/pai2020/pai_job_no_estimate_100K.csv";

const GPUS: u32 = 6500;
/// 23.22 cores a GPU, rounded.
const CORES: u32 = 150_930;
const JOBS: usize = 20_000;
const SEED: u32 = 42;
/// Jobs that are submitted together.
const BATCH: usize = 1000;
const BATCH_S: u64 = 60;
/// The clock of the peer stops a second after the last end.
const MAKESPAN_S: f64 = 535_706.0 - 1.0;

/// What the peer printed: policy, column of its estimate, mean completion and waiting time in seconds.
const PRINTED: [(&str, &str, f64, f64); 5] = [
    ("sjf", "", 5988.61, 949.91),
    ("sju", "user_dur", 6278.33, 1239.62),
    ("sjg", "group_dur", 6071.01, 1032.31),
    ("sjgg", "group_gpu_dur", 6001.94, 963.23),
    ("fifo", "", 7918.47, 2879.77),
];

/// The cases, whether or not the list is in `data`.
pub(crate) fn cases(data: &Path) -> Vec<Case> {
    let case = |(policy, estimate, jct_s, wait_s)| {
        let figures = [(Figure::JctMean, jct_s), (Figure::WaitMean, wait_s), (Figure::Makespan, MAKESPAN_S)];
        let printed = figures.map(|(what, value_s)| Printed { what, value_s }).to_vec();
        Case { id: format!("{FAMILY}/{policy}"), peer: PEER, recipe: recipe(data, policy, estimate, printed) }
    };
    PRINTED.map(case).into()
}

fn recipe(data: &Path, policy: &str, estimate: &'static str, printed: Vec<Printed>) -> Result<Recipe, String> {
    let ours = mappings::ours(FAMILY, "", policy)?;
    let lists: &[&str] = if estimate.is_empty() { &[LIST, LIST_PLAIN] } else { &[LIST] };
    let found = lists.iter().map(|list| data.join(list)).find(|path| path.is_file());
    let path = found.ok_or_else(|| format!("there is no {LIST}; docs/reproduction.md says where it is from"))?;
    let load = move || {
        let trace = Trace { jobs: submitted(drawn(read(&path, estimate)?)), ..empty(&path) };
        let cluster = format!("{GPUS} GPUs and {CORES} cores in one node");
        let results = Results::Printed(printed.clone());
        Ok(Loaded::ready(Task { trace, inventory: inventory(), cluster, samples: None, results }))
    };
    Ok(Recipe { ours, load: Box::new(load) })
}

/// One node, whose main memory stands for GPUs: a MiB is a hundredth of one.
fn inventory() -> Inventory {
    let mut inventory = Inventory::uniform(1, 1, "GPU");
    for node in &mut inventory.nodes {
        (node.cpu_milli, node.memory_mib) = (CORES * 1000, GPUS * 100);
    }
    inventory
}

fn empty(path: &Path) -> Trace {
    Trace {
        source: path.display().to_string(),
        format: "pai-jobs".to_owned(),
        tenants: vec!["all".to_owned()],
        ..Trace::default()
    }
}

/// Jobs with their number in the list, as it stands in the file.
fn read(path: &Path, estimate: &str) -> Result<Vec<(u64, TraceJob)>, TraceError> {
    let rows = rows::Rows::read(path)?;
    let columns = ["job_id", "submit_time", "num_cpu", "num_gpu", "duration"].map(|name| rows.column(name));
    let [id, submit, cpu, gpu, run_time] = columns;
    let (id, submit, cpu, gpu, run_time) = (id?, submit?, cpu?, gpu?, run_time?);
    let instances = rows.find("num_inst");
    let estimate = if estimate.is_empty() { None } else { Some(rows.column(estimate)?) };
    let amount = |row, column| rows.number_if_any(row, column).map(|found| found.unwrap_or(0.0).max(0.0));
    let (mut jobs, mut estimates) = (Vec::with_capacity(rows.len()), Vec::new());
    for row in 0..rows.len() {
        let text = rows.text(row, id);
        let number = text.parse().map_err(|_| rows.flaw(row, id, &format!("`{text}` is not a whole number")))?;
        let parts = instances.map_or(Ok(1.0), |column| amount(row, column))?.max(1.0) as u32;
        // Hundredths, at most all there are, as upstream cuts them.
        let percent = |column, all: u32| {
            amount(row, column).map(|found| ((found * 100.0).round_ties_even() as u32).min(all * 100))
        };
        let (cpu, gpu) = (percent(cpu, CORES)?, percent(gpu, GPUS)?);
        let run_s = (amount(row, run_time)? as u64).max(1);
        let submitted = at_second(amount(row, submit)?.round_ties_even() as u64);
        let mut job = TraceJob::plain(text, submitted, Span::secs(run_s), 0);
        let all = |percent: u32| percent.saturating_mul(parts);
        job.details = Details { cpu_milli: all(cpu).saturating_mul(10), memory_mib: all(gpu), ..Details::NONE }.into();
        if let Some(column) = estimate {
            estimates.push(amount(row, column)?);
        }
        jobs.push((number, job));
    }
    ranked(&mut jobs, &estimates);
    Ok(jobs)
}

/// Gives each job its place in the order of estimates, ties by number, as a priority: the smallest goes first.
fn ranked(jobs: &mut [(u64, TraceJob)], estimates: &[f64]) {
    let mut order: Vec<usize> = (0..estimates.len()).collect();
    order.sort_by(|a, b| estimates[*a].total_cmp(&estimates[*b]).then(jobs[*a].0.cmp(&jobs[*b].0)));
    for (place, at) in (0_i32..).zip(order) {
        jobs[at].1.priority = -place;
    }
}

fn at_second(second: u64) -> Time {
    Time(Span::secs(second).0)
}

/// The jobs that upstream draws: those at the head of the shuffled list.
fn drawn(mut jobs: Vec<(u64, TraceJob)>) -> Vec<(u64, TraceJob)> {
    if jobs.len() >= JOBS {
        shuffle::shuffle(&mut jobs, SEED);
        jobs.truncate(JOBS);
    }
    jobs
}

/// The jobs in batches, each in the order of the numbers.
fn submitted(mut jobs: Vec<(u64, TraceJob)>) -> Vec<TraceJob> {
    jobs.sort_by_key(|(number, job)| (job.submit, *number));
    for (at, (_, job)) in jobs.iter_mut().enumerate() {
        job.submit = at_second((at / BATCH) as u64 * BATCH_S);
    }
    jobs.sort_by_key(|(number, job)| (job.submit, *number));
    jobs.into_iter().map(|(_, job)| job).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_estimates_go_by_number() {
        let job = |number: u64| (number, TraceJob::plain(number.to_string(), at_second(0), Span::secs(1), 0));
        let mut jobs = [job(7), job(3), job(5)];
        ranked(&mut jobs, &[2.0, 2.0, 0.5]);
        assert_eq!(jobs.map(|(_, job)| job.priority), [-2, -1, 0]);
    }

    #[test]
    fn batches_are_submitted_in_the_order_of_numbers() {
        let job = |number: u64, submit_s| {
            (number, TraceJob::plain(number.to_string(), at_second(submit_s), Span::secs(1), 0))
        };
        let jobs = submitted((0..1500).map(|at| job(3000 - at, at)).collect());
        assert_eq!((&*jobs[0].id, jobs[0].submit), ("2001", at_second(0)));
        assert_eq!((&*jobs[1000].id, jobs[1000].submit), ("1501", at_second(60)));
    }
}
