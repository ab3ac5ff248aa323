//! EASY on one node: who passes, in which order, against the rule written a second time.

use engine::{JobId, MICROS, Phase, State};
use policies::{Context, build};
use proptest::prelude::*;

use crate::play::{Planned, Play};

const GPUS: u32 = 8;

fn play(policy: &str) -> Play {
    Play::new(GPUS, build(policy, Context::default()).unwrap().policy, &[("all", None, 1000)])
}

fn starts(policy: &str, jobs: Vec<Planned>) -> Vec<Option<u64>> {
    let mut play = play(policy);
    play.run(jobs, u64::MAX, |_, _| {});
    play.spans.iter().map(|(start, _)| *start).collect()
}

/// Two jobs of three GPUs arrive together where three are free until the head starts: only one can pass. The order of the
/// queue takes the earlier, EASY-SJBF the shorter; the head starts when it was promised.
#[test]
fn the_shortest_passes_first() {
    let jobs = || {
        vec![
            Planned::new(0, 5, 100),
            Planned::new(10, 6, 50),
            Planned::new(20, 3, 70),
            Planned::new(20, 3, 40),
            Planned::new(20, 3, 40),
        ]
    };
    assert_eq!(starts("easy", jobs()), [0, 100, 20, 150, 150].map(Some));
    assert_eq!(starts("easy[order=sjf]", jobs()), [0, 100, 150, 20, 60].map(Some));
}

/// The order is that of those who pass: who is first in the queue stays first, however long it is, and priorities decide
/// about that alone.
#[test]
fn the_head_is_that_of_the_queue() {
    let urgent = |job: Planned, priority| job.with(|spec| spec.priority = priority);
    let jobs = || {
        vec![
            Planned::new(0, 5, 100),
            Planned::new(9, 6, 20),
            urgent(Planned::new(10, 6, 500), 2),
            Planned::new(20, 3, 30),
            urgent(Planned::new(20, 3, 60), 1),
        ]
    };
    assert_eq!(starts("easy", jobs()), [0, 600, 100, 620, 20].map(Some));
    assert_eq!(starts("easy[order=sjf]", jobs()), [0, 660, 100, 20, 600].map(Some));
}

/// A job that starts in the same decision holds its GPUs only until its end: the next one gets a reservation, and a long
/// job that would delay it does not pass.
#[test]
fn jobs_that_start_now_make_room_when_they_end() {
    for order in ["fifo", "sjf"] {
        let jobs =
            vec![Planned::new(0, 6, 100), Planned::new(0, 8, 10), Planned::new(0, 2, 500), Planned::new(0, 2, 90)];
        assert_eq!(starts(&format!("easy[order={order}]"), jobs), [0, 100, 110, 0].map(Some));
    }
}

/// Who should start in a step on one node: counts are exact there.
fn naive(state: &State, started: &[JobId], secs: &[u64], shortest: bool) -> Vec<JobId> {
    let need = |job: JobId| state.class_of(job).gpu_milli / 1000;
    let all = || (0..state.jobs().len()).map(JobId::new);
    let mut queue: Vec<JobId> = all().filter(|job| state.job(*job).phase == Phase::Ready).collect();
    queue.extend(started);
    queue.sort_by_key(|job| (-state.job(*job).spec.priority, *job));
    let now = state.now().0 / MICROS;
    let end = |job: JobId| state.job(job).placed.0 / MICROS + secs[job.index()];
    let runs = |job: &JobId| state.job(*job).is_placed() && !started.contains(job);
    let mut running: Vec<(u64, u64)> = all().filter(runs).map(|job| (end(job), need(job))).collect();
    let mut free = u64::from(GPUS) - running.iter().map(|(_, gpus)| gpus).sum::<u64>();
    let mut starts = Vec::new();
    while let Some(job) = queue.first().copied().filter(|job| need(*job) <= free) {
        free -= need(job);
        running.push((now + secs[job.index()], need(job)));
        starts.push(queue.remove(0));
    }
    if queue.is_empty() {
        return starts;
    }
    let head = queue.remove(0);
    running.sort_unstable();
    let (mut shadow, mut then) = (now, free);
    for (end, gpus) in running {
        if then >= need(head) && end > shadow {
            break;
        }
        (shadow, then) = (end, then + gpus);
    }
    let mut spare = then - need(head);
    if shortest {
        queue.sort_by_key(|job| (secs[job.index()], *job));
    }
    for job in queue {
        let short = now + secs[job.index()] <= shadow;
        if need(job) <= free && (short || need(job) <= spare) {
            free -= need(job);
            spare -= if short { 0 } else { need(job) };
            starts.push(job);
        }
    }
    starts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Every start of every step is that of the textbook, in both orders.
    #[test]
    fn easy_is_the_textbook_on_one_node(
        jobs in prop::collection::vec((0u64..60, 1..=GPUS, 1u64..60, 0i32..2), 1..60),
        shortest in any::<bool>(),
        urgent in any::<bool>(),
    ) {
        let plan = |(at, gpus, secs, priority): &(u64, u32, u64, i32)| {
            Planned::new(*at, *gpus, *secs).with(|spec| spec.priority = if urgent { *priority } else { 0 })
        };
        let mut jobs: Vec<Planned> = jobs.iter().map(plan).collect();
        jobs.sort_by_key(|job| job.at_s);
        let secs: Vec<u64> = jobs.iter().map(|job| job.secs).collect();
        let order = if shortest { "sjf" } else { "fifo" };
        let mut ran = 0;
        play(&format!("easy[order={order}]")).run(jobs, u64::MAX, |state, started| {
            assert_eq!(started, naive(state, started, &secs, shortest), "at {}", state.now());
            ran += started.len();
        });
        prop_assert_eq!(ran, secs.len());
    }
}
