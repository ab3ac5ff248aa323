//! Rounds: policies that decide in them, against plain tick-by-tick versions of the same rules, and what rounds promise.

use std::sync::Arc;

use engine::{Inventory, MICROS, Span, Time};
use proptest::prelude::*;
use traces::{Details, Trace};

use crate::bench::{Plan, job, rows, trace, trace_of};

/// Submission, GPUs and run time in seconds.
type Row = (u64, u32, u64);

fn jobs(max: u64) -> impl Strategy<Value = Vec<Row>> {
    let row = (0..max / 2, 1u32..=4, 1..max);
    prop::collection::vec(row, 1..14).prop_map(|mut rows| {
        rows.sort_by_key(|row| row.0);
        rows
    })
}

fn plans(rows: &[Row]) -> Arc<Trace> {
    let of = |&(submit, gpus, work): &Row| Plan { submit: submit * MICROS, gpus, work: work * MICROS };
    trace(&rows.iter().map(of).collect::<Vec<_>>())
}

fn finishes_s(trace: &Arc<Trace>, nodes: &Inventory, policy: &str, settings: &[&str]) -> Vec<f64> {
    rows(trace, nodes, policy, settings).iter().map(|row| row.finish.secs_f64()).collect()
}

/// A job of a plain version.
#[derive(Clone, Debug)]
struct Plain {
    row: Row,
    /// Seconds left, or attained.
    clock: u64,
    stops: u32,
    /// GPUs by node while it runs.
    nodes: Vec<(usize, u32)>,
    finish: Option<u64>,
}

fn plain(rows: &[Row], clock: impl Fn(&Row) -> u64) -> Vec<Plain> {
    let of = |row: &Row| Plain { row: *row, clock: clock(row), stops: 0, nodes: Vec::new(), finish: None };
    rows.iter().map(of).collect()
}

fn release(free: &mut [u32], job: &mut Plain) {
    for (node, gpus) in job.nodes.drain(..) {
        free[node] += gpus;
    }
}

fn best_fit(free: &mut [u32], job: &mut Plain) -> bool {
    let need = job.row.1;
    let node = (0..free.len()).filter(|node| free[*node] >= need).min_by_key(|node| (free[*node], *node));
    node.is_some_and(|node| {
        free[node] -= need;
        job.nodes.push((node, need));
        true
    })
}

fn exact_sum(free: &mut [u32], job: &mut Plain) -> bool {
    let (need, mut taken) = (job.row.1, Vec::new());
    for (node, free) in free.iter().enumerate() {
        taken.push((node, need.min(*free)));
        if taken.iter().map(|(_, gpus)| gpus).sum::<u32>() == need {
            job.nodes = taken;
            break;
        }
    }
    job.nodes.iter().for_each(|(node, gpus)| free[*node] -= gpus);
    !job.nodes.is_empty()
}

/// Helios' SRTF, every second: `waits` and `runs` are lists in the order in which jobs joined them.
fn helios(rows: &[Row], nodes: usize, gpus: u32) -> Vec<f64> {
    let mut jobs = plain(rows, |row| row.2);
    let (mut free, mut waits, mut runs) = (vec![gpus; nodes], Vec::new(), Vec::new());
    for now in 0.. {
        for id in std::mem::take(&mut runs) {
            let job: &mut Plain = &mut jobs[id];
            if job.clock == 0 {
                job.finish = Some(now);
                release(&mut free, job);
            } else {
                job.clock -= 1;
                runs.push(id);
            }
        }
        waits.extend((0..jobs.len()).filter(|id| jobs[*id].row.0 == now));
        let mut order: Vec<usize> = waits.iter().chain(&runs).copied().collect();
        order.sort_by_key(|id| jobs[*id].clock);
        let mut quota = nodes as u32 * gpus;
        let mut chosen = Vec::new();
        for id in order {
            let need = jobs[id].row.1;
            if need <= quota {
                quota -= need;
                chosen.push(id);
            } else if let Some(at) = runs.iter().position(|run| *run == id) {
                runs.remove(at);
                waits.push(id);
                release(&mut free, &mut jobs[id]);
                jobs[id].clock += if need == 1 { 7 } else { 30 };
                jobs[id].stops += 1;
            }
        }
        for id in chosen {
            let at = waits.iter().position(|wait| *wait == id);
            if let Some(at) = at.filter(|_| best_fit(&mut free, &mut jobs[id])) {
                waits.remove(at);
                runs.push(id);
            }
        }
        if jobs.iter().all(|job| job.finish.is_some()) {
            break;
        }
    }
    jobs.iter().map(|job| job.finish.unwrap() as f64).collect()
}

/// LAS in rounds of 300 s, `exact`: placed by the exact sum, `stay`: what was stopped for nothing stays stopped.
fn las(rows: &[Row], nodes: usize, gpus: u32, exact: bool, stay: bool) -> Vec<f64> {
    let mut jobs = plain(rows, |_| 0);
    let mut free = vec![gpus; nodes];
    let place = if exact { exact_sum } else { best_fit };
    for now in (0..).step_by(300) {
        for job in jobs.iter_mut().filter(|job| !job.nodes.is_empty()) {
            job.clock += 300;
            if job.clock >= job.row.2 {
                job.finish = Some(now);
                release(&mut free, job);
            }
        }
        let open = (0..jobs.len()).filter(|id| jobs[*id].row.0 <= now && jobs[*id].finish.is_none());
        let mut order: Vec<usize> = open.collect();
        order.sort_by_key(|id| jobs[*id].clock);
        'walk: for (at, id) in order.iter().enumerate() {
            if !jobs[*id].nodes.is_empty() {
                continue;
            }
            let before = (free.clone(), jobs.clone());
            let mut behind: Vec<usize> = order[at + 1..].to_vec();
            while !place(&mut free, &mut jobs[*id]) {
                let Some(last) = behind.pop() else {
                    if !stay {
                        (free, jobs) = before;
                    }
                    break 'walk;
                };
                release(&mut free, &mut jobs[last]);
            }
        }
        if jobs.iter().all(|job| job.finish.is_some()) {
            break;
        }
    }
    jobs.iter().map(|job| job.finish.unwrap() as f64).collect()
}

/// Gavel's FIFO on one model, jobs of one GPU: all that is known of it in floats.
fn gavel(rows: &[(u64, u64, f64)], gpus: usize) -> Vec<f64> {
    let (mut left, mut finish) = (rows.iter().map(|row| row.1).collect::<Vec<_>>(), vec![None; rows.len()]);
    let (mut now, mut looked, mut changed, mut seen) = (rows[0].0 as f64, 0.0, false, 0);
    let mut runs: Vec<usize> = Vec::new();
    while finish.contains(&None) {
        let before = seen;
        seen = rows.iter().filter(|row| row.0 as f64 <= now).count();
        changed |= seen > before;
        if changed && (looked == 0.0 || now - looked >= 1920.0) {
            (looked, changed) = (now, false);
            let waits = (0..seen).filter(|id| finish[*id].is_none() && !runs.contains(id)).collect::<Vec<_>>();
            runs.extend(waits.into_iter().take(gpus - runs.len()));
        }
        let mut end = 0.0f64;
        for id in &runs {
            let steps = ((rows[*id].2 * 360.0 + 1e-6) as u64).min(left[*id]);
            left[*id] -= steps;
            let at = now + steps as f64 / rows[*id].2;
            end = end.max(at);
            finish[*id] = (left[*id] == 0).then_some(at);
        }
        let running = runs.len();
        runs.retain(|id| left[*id] > 0);
        changed |= runs.len() < running;
        now = match rows.get(seen) {
            _ if running > 0 => end,
            Some(next) => next.0 as f64,
            None => {
                looked = 0.0;
                now
            }
        };
    }
    finish.into_iter().flatten().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn helios_srtf_is_that_of_every_second(rows in jobs(90), nodes in 1usize..4) {
        let inventory = Inventory::uniform(nodes, 4, "GPU");
        let found = finishes_s(&plans(&rows), &inventory, "srtf-rounds[preset=helios]", &["physics=helios"]);
        prop_assert_eq!(found, helios(&rows, nodes, 4));
    }

    #[test]
    fn las_is_the_walk_of_every_round(
        rows in jobs(4000),
        nodes in 1usize..4,
        exact in any::<bool>(),
        stay in any::<bool>(),
    ) {
        // Where a run goes that was stopped and fits after all is only Blox' own affair.
        let nodes = if exact { nodes } else { 1 };
        let inventory = Inventory::uniform(nodes, 4, "GPU");
        let split = |&(submit, gpus, work): &Row| {
            let mut job = job("", Time(submit * MICROS), gpus * 1000, Span::secs(work));
            job.details = Details { tasks: if exact { gpus } else { 0 }, ..Details::NONE }.into();
            job
        };
        let place = if exact { "exact-sum" } else { "best-fit" };
        let stopped = if stay { "stay" } else { "spare" };
        let policy = format!("las-rounds[place={place},stopped={stopped}]");
        let found = finishes_s(&trace_of(rows.iter().map(split).collect()), &inventory, &policy, &["physics=blox"]);
        prop_assert_eq!(found, las(&rows, nodes, 4, exact, stay));
    }

    #[test]
    fn gavel_fifo_is_that_of_its_rounds(
        rows in prop::collection::vec((0u64..9000, 1u64..4000, 100u64..900), 1..16),
        gpus in 1usize..4,
    ) {
        let mut rows = rows;
        rows.sort_by_key(|row| row.0);
        // Run times of whole microseconds, so that the rates are the same to the last bit.
        let of = |&(submit, steps, milli): &(u64, u64, u64)| {
            let mut job = job("", Time(submit * MICROS), 1000, Span(steps * milli * 1000));
            job.details = Details { steps: Some(steps), ..Details::NONE }.into();
            (job, (submit, steps, steps as f64 / Span(steps * milli * 1000).secs_f64()))
        };
        let (jobs, known): (Vec<_>, Vec<_>) = rows.iter().map(of).unzip();
        let inventory = Inventory::uniform(gpus, 1, "GPU");
        let found = finishes_s(&trace_of(jobs), &inventory, "fifo-rounds[preset=gavel]", &["physics=gavel"]);
        for (found, expected) in found.iter().zip(gavel(&known, gpus)) {
            prop_assert!((found - expected).abs() < 0.000_001, "{} instead of {}", found, expected);
        }
    }

    /// Without rounds of the world, jobs start at multiples of the policy's own.
    #[test]
    fn nobody_starts_between_rounds(rows in jobs(3000), name in 0usize..3) {
        let policy = ["fifo-rounds[round=100]", "las-rounds[round=100]", "srtf-rounds[round=100]"][name];
        for row in rows_of(&rows, policy, &[]) {
            prop_assert!(row.start.0.is_multiple_of(100 * MICROS), "{}: start at {}", policy, row.start);
        }
    }

    /// A world of rounds wakes a policy at its own: the knob does not matter then.
    #[test]
    fn rounds_of_the_world_go_before_those_of_the_policy(rows in jobs(3000), name in 0usize..3) {
        let name = ["fifo-rounds", "las-rounds", "srtf-rounds"][name];
        let of = |round: u64| {
            let found = rows_of(&rows, &format!("{name}[round={round}]"), &["round_s=200"]);
            found.iter().map(|row| (row.start, row.finish)).collect::<Vec<_>>()
        };
        prop_assert_eq!(of(7), of(1000));
    }
}

fn rows_of(rows_s: &[Row], policy: &str, settings: &[&str]) -> Vec<simulator::result::JobRow> {
    rows(&plans(rows_s), &Inventory::uniform(2, 4, "GPU"), policy, settings)
}

/// A plain policy may start jobs in the middle of a round: they join it.
#[test]
fn a_policy_that_knows_no_rounds_runs_in_a_world_of_rounds() {
    let found = rows_of(&[(0, 4, 1000), (10, 4, 500), (20, 4, 100)], "srtf", &["round_s=360"]);
    let times: Vec<(f64, f64)> = found.iter().map(|row| (row.start.secs_f64(), row.finish.secs_f64())).collect();
    assert_eq!(times, [(0.0, 1100.0), (10.0, 510.0), (20.0, 120.0)]);
    assert_eq!(found[0].preemptions, 1, "the third job evicts the first, which has most left");
}

/// Two jobs of 3 leave one GPU free on each node. A job of 2 gets these by count, and finds no place; so a job of 1 behind
/// it gets none.
#[test]
fn srtf_rounds_counts_gpus_and_knows_no_nodes() {
    let rows_s = [(0, 3, 100), (0, 3, 100), (1, 2, 50), (2, 1, 500)];
    let found = rows_of(&rows_s, "srtf-rounds", &[]);
    let starts: Vec<f64> = found.iter().map(|row| row.start.secs_f64()).collect();
    assert_eq!(
        starts,
        [0.0, 0.0, 100.0, 100.0],
        "the job of 2 got its GPUs by count, so that none is left for the last"
    );
}

/// Blox never gives 1 + 2 free GPUs to a job of 2; with the same free GPUs, best fit places it on the second node.
#[test]
fn the_exact_sum_must_come_out() {
    let jobs = |gangs: &[(u64, u32, u64)]| {
        let split = |&(submit, gpus, work): &Row| {
            let mut job = job("", Time(submit * MICROS), gpus * 1000, Span::secs(work));
            job.details = Details { tasks: gpus, ..Details::NONE }.into();
            job
        };
        trace_of(gangs.iter().map(split).collect())
    };
    let trace = jobs(&[(0, 3, 900), (0, 2, 900), (300, 2, 300)]);
    let starts = |policy: &str| {
        let found = rows(&trace, &Inventory::uniform(2, 4, "GPU"), policy, &["physics=blox"]);
        found.iter().map(|row| row.start.secs_f64()).collect::<Vec<_>>()
    };
    // The job of 2 finds 1 GPU on the first node, 4 on the second: 1 + 2 is not 2, and it waits for the next round.
    assert_eq!(starts("las-rounds[place=exact-sum]"), [0.0, 300.0, 300.0]);
    assert_eq!(starts("las-rounds[place=best-fit]"), [0.0, 0.0, 300.0]);
}

/// At 300 s a new job of 1 starts, and a new job of 4 behind it does not fit even without the two runs that have attained
/// more. Blox stops these all the same, and their GPUs idle for a round.
#[test]
fn runs_that_were_stopped_for_nothing_go_on_if_they_are_spared() {
    let rows_s = [(0, 1, 900), (0, 1, 900), (100, 1, 3000), (101, 4, 100)];
    let finishes = |policy: &str| {
        let found = rows(&plans(&rows_s), &Inventory::uniform(1, 4, "GPU"), policy, &["physics=blox"]);
        found.iter().map(|row| row.finish.secs_f64()).collect::<Vec<_>>()
    };
    assert_eq!(finishes("las-rounds"), [1200.0, 1200.0, 3600.0, 900.0]);
    assert_eq!(finishes("las-rounds[stopped=stay]"), [1500.0, 1500.0, 3600.0, 900.0]);
}

/// What was not served of a restart is owed beside the next one, and the order of jobs knows it.
#[test]
fn restarts_that_are_owed_add_up() {
    let settings = ["restart_s=30", "restart_owed=true"];
    // The first job is stopped at 10 s for the second, and again at 30 s, after 5 s of its restart, for the third.
    let found = rows(
        &plans(&[(0, 1, 100), (10, 1, 15), (30, 1, 20)]),
        &Inventory::uniform(1, 1, "GPU"),
        "srtf-rounds",
        &settings,
    );
    let finishes: Vec<f64> = found.iter().map(|row| row.finish.secs_f64()).collect();
    assert_eq!(finishes, [50.0 + 25.0 + 30.0 + 90.0, 25.0, 50.0]);
    let served = found[0].finish.since(found[0].start).secs_f64();
    assert!((served - 195.0).abs() < 1e-9);
    let forgiven = rows(
        &plans(&[(0, 1, 100), (10, 1, 15), (30, 1, 20)]),
        &Inventory::uniform(1, 1, "GPU"),
        "srtf-rounds",
        &["restart_s=30"],
    );
    assert_eq!(forgiven[0].finish.secs_f64().to_bits(), (50.0f64 + 30.0 + 90.0).to_bits());
}

#[test]
fn ends_are_noticed_late_where_the_physics_says_so() {
    let finish = |settings: &[&str]| rows_of(&[(0, 4, 100)], "fifo", settings)[0].finish.secs_f64().to_bits();
    assert_eq!(finish(&["end_notice_s=1"]), 101f64.to_bits());
    assert_eq!(finish(&["end_round_s=300"]), 300f64.to_bits());
    assert_eq!(finish(&["end_notice_s=1", "end_round_s=50"]), 150f64.to_bits());
}
