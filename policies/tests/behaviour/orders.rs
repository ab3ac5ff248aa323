//! Response ratios and deadlines: by hand, against a naive sort, and what they promise.

use engine::{JobId, MICROS, Span, State, Time};
use policies::{Context, build};
use proptest::prelude::*;

use crate::play::{Passing, Planned, Play, expected};

fn play(gpus: u32, policy: &str) -> Play {
    Play::new(gpus, build(policy, Context::default()).unwrap().policy, &[("all", None, 1000)])
}

fn starts(play: &Play) -> Vec<u64> {
    play.spans.iter().map(|(start, _)| start.unwrap()).collect()
}

/// The textbook example: arrivals 0, 2, 4, 6, 8 and run times 3, 6, 4, 5, 2 on one machine.
/// At 9 the ratios are C (5+4)/4 = 2.25, D (3+5)/5 = 1.6, E (1+2)/2 = 1.5; at 13 D 12/5 = 2.4, E 7/2 = 3.5.
#[test]
fn hrrn_by_hand() {
    let jobs = [(0, 3), (2, 6), (4, 4), (6, 5), (8, 2)].map(|(at, secs)| Planned::new(at, 1, secs)).to_vec();
    let mut play = play(1, "hrrn");
    play.run(jobs, u64::MAX, |_, _| {});
    assert_eq!(starts(&play), [0, 3, 9, 15, 13]);
}

#[test]
fn hrrn_takes_the_users_estimates_where_there_are_any() {
    let job = |at, secs, estimate| Planned::new(at, 1, secs).with(|spec| spec.estimate = Some(Span::secs(estimate)));
    let jobs = vec![job(0, 10, 10), job(1, 5, 100), job(2, 50, 5), Planned::new(3, 1, 1)];
    let mut play =
        Play::new(1, build("hrrn", Context { estimates: true, seed: 0 }).unwrap().policy, &[("all", None, 1000)]);
    play.run(jobs, u64::MAX, |_, _| {});
    // At 10: 109/100 against 13/5. The last has no estimate: ratio 1.
    assert_eq!(starts(&play), [0, 60, 10, 65]);
}

/// A long job is overtaken at most until its ratio is the highest: nobody that comes later than its wait divided by the
/// shortest length passes it.
#[test]
fn hrrn_starves_nobody() {
    let mut jobs = vec![Planned::new(0, 1, 10), Planned::new(1, 1, 100)];
    jobs.extend((0..100).map(|number| Planned::new(2 + 10 * number, 1, 10)));
    let mut hrrn = play(1, "hrrn");
    hrrn.run(jobs.clone(), u64::MAX, |_, _| {});
    let mut sjf = play(1, "sjf");
    sjf.run(jobs, u64::MAX, |_, _| {});
    assert_eq!(starts(&sjf)[1], 1010, "shortest first: after all 101 others");
    assert!(starts(&hrrn)[1] < 300, "{}", starts(&hrrn)[1]);
}

/// (waited + s) / s as a fraction, highest first.
#[derive(PartialEq, Eq)]
struct Ratio(u128, u128);

impl Ord for Ratio {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (other.0 * self.1).cmp(&(self.0 * other.1))
    }
}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

fn plans() -> impl Strategy<Value = Vec<Planned>> {
    let job = (0u64..60, 1u32..=4, 1u64..30, prop::option::of(0u64..200)).prop_map(|(at, gpus, secs, deadline)| {
        Planned::new(at, gpus, secs).with(|spec| spec.deadline = deadline.map(|secs| Time(secs * MICROS)))
    });
    prop::collection::vec(job, 1..60).prop_map(|mut jobs| {
        jobs.sort_by_key(|job| job.at_s);
        jobs
    })
}

proptest! {
    /// Every start of every step is that of a sort of all waiting jobs by their ratios at this instant.
    #[test]
    fn hrrn_is_a_naive_sort(jobs in plans(), skip: bool) {
        let truths: Vec<u64> = jobs.iter().map(|job| job.secs * MICROS).collect();
        let ratio = |state: &State, job: JobId| {
            let (waited, length) = (state.now().since(state.job(job).ready_since).0, truths[job.index()]);
            Ratio(u128::from(waited + length), u128::from(length))
        };
        let passing = if skip { Passing::Everybody } else { Passing::Nobody };
        play(4, &format!("hrrn[skip={skip}]")).run(jobs, u64::MAX, |state, started| {
            assert_eq!(started, expected(state, started, passing, ratio), "at {}", state.now());
        });
    }

    #[test]
    fn edf_is_a_naive_sort(jobs in plans(), skip: bool) {
        let deadline = |state: &State, job: JobId| state.job(job).spec.deadline.unwrap_or(Time::NEVER);
        let passing = if skip { Passing::Everybody } else { Passing::Nobody };
        play(4, &format!("edf[preempt=false,skip={skip}]")).run(jobs, u64::MAX, |state, started| {
            assert_eq!(started, expected(state, started, passing, deadline));
        });
    }

    /// With preemption on one machine EDF misses no deadline of a set that can be met (Horn 1974): for all releases r and
    /// deadlines d, the work that is released from r on and due by d is at most d - r. A set that breaks it misses one.
    #[test]
    fn edf_meets_every_deadline_that_can_be_met(
        mut jobs in prop::collection::vec((0u64..40, 1u64..8, 0u64..40), 1..12),
    ) {
        jobs.sort_unstable();
        let due: Vec<u64> = jobs.iter().map(|(at, secs, slack)| at + secs + slack).collect();
        let work = |from: u64, to: u64| {
            jobs.iter().zip(&due).filter(|((at, ..), due)| *at >= from && **due <= to).map(|((_, secs, _), _)| secs).sum::<u64>()
        };
        let feasible = jobs.iter().all(|(from, ..)| due.iter().all(|to| *to <= *from || work(*from, *to) <= to - from));
        let deadline = |at: usize| Some(Time(due[at] * MICROS));
        let planned = jobs.iter().enumerate().map(|(at, (from, secs, _))| {
            Planned::new(*from, 1, *secs).with(|spec| spec.deadline = deadline(at))
        });
        let mut play = play(1, "edf");
        play.run(planned.collect(), u64::MAX, |_, _| {});
        let met = play.spans.iter().zip(&due).all(|((_, end), due)| end.unwrap() <= *due);
        prop_assert_eq!(met, feasible);
    }
}

/// Jackson's rule: all there at once, the largest lateness is least in the order of deadlines.
#[test]
fn edf_without_preemption_by_hand() {
    let due = |job: Planned, secs: u64| job.with(|spec| spec.deadline = Some(Time(secs * MICROS)));
    let jobs = vec![
        due(Planned::new(0, 1, 5), 100),
        Planned::new(0, 1, 1),
        due(Planned::new(0, 1, 5), 30),
        due(Planned::new(1, 1, 5), 20),
        Planned::new(1, 1, 1),
    ];
    let mut play = play(1, "edf[preempt=false]");
    play.run(jobs, u64::MAX, |_, _| {});
    assert_eq!(starts(&play), [10, 15, 0, 5, 16], "30 s runs when 20 s comes; those without a deadline last");
}

#[test]
fn edf_evicts_the_latest_deadline_only_for_an_earlier_one() {
    let due = |job: Planned, secs: u64| job.with(|spec| spec.deadline = Some(Time(secs * MICROS)));
    let jobs = vec![
        Planned::new(0, 1, 20),
        due(Planned::new(0, 1, 20), 90),
        due(Planned::new(5, 1, 10), 50),
        due(Planned::new(6, 1, 10), 60),
        due(Planned::new(7, 1, 10), 60).with(|spec| spec.preemptible = false),
        due(Planned::new(16, 1, 10), 20),
    ];
    let mut play = play(2, "edf");
    play.run(jobs, u64::MAX, |_, _| {});
    // 5: the one without a deadline goes. 6: the one of 90 s goes. 7: level with 60 s, waits until 15. 16: nobody that may
    // go has a later deadline, the last of 60 s may not be evicted and 60 s ends then.
    assert_eq!(play.spans.iter().map(|(start, _)| start.unwrap()).collect::<Vec<_>>(), [0, 0, 5, 6, 15, 16]);
    assert_eq!(play.core.state().job(JobId(4)).preemptions, 0);
    assert_eq!(play.core.state().job(JobId(0)).preemptions, 1);
}
