//! Queues of attained service: who runs when, by hand and as a property.

use engine::{
    Cause, Command, Event, Exit, Inventory, JobId, JobSpec, MICROS, Phase, Rate, Reason, RunId, Shape, TaskRequest,
    Time,
};
use policies::{Context, build};
use proptest::prelude::*;

use crate::bench::Bench;

/// Thousandths of a GPU x microseconds in a GPU-second.
const GPU_SECOND: u64 = 1_000_000_000;

/// A small world in which time passes: runs start and stop at once, and every order to wake is kept.
struct World {
    bench: Bench,
    wakes: Vec<Time>,
    /// (second, job, whether it starts) in order.
    log: Vec<(f64, u32, bool)>,
    /// Seconds of work of each job.
    work: Vec<u64>,
    /// Whether a run that is stopped saves its work.
    saves: bool,
}

impl World {
    /// `nodes` of `gpus`; classes are gangs of 1, 2, 4 and 8 GPUs.
    fn new(policy: &str, nodes: usize, gpus: u32) -> Self {
        let policy = build(policy, Context::default()).unwrap().policy;
        let shapes = [1, 2, 4, 8].map(|gang| Shape::gang(gang, gpus, TaskRequest::whole_gpus(0)));
        let inventory = Inventory::uniform(nodes, gpus, "GPU");
        Self {
            bench: Bench::new(inventory, policy, &[("all", None, 1000)], &shapes),
            wakes: Vec::new(),
            log: Vec::new(),
            work: Vec::new(),
            saves: true,
        }
    }

    fn now(&self) -> Time {
        self.bench.core.state().now()
    }

    fn submit(&mut self, at: Time, class: u32, work_s: u64, preemptible: bool) {
        let mut event = self.bench.submission(class, 0);
        if let Event::Submitted { spec, .. } = &mut event {
            **spec = JobSpec { preemptible, ..(**spec).clone() };
        }
        self.work.push(work_s);
        self.step(at, vec![event]);
    }

    fn step(&mut self, at: Time, mut events: Vec<Event>) {
        let mut orders = Vec::new();
        while !events.is_empty() {
            let mut batch: Vec<engine::Input> = events.drain(..).map(|event| engine::Input { at, event }).collect();
            batch.sort_by_key(|input| input.event.rank());
            self.bench.core.step(&batch, &mut orders).unwrap();
            self.bench.core.check().unwrap();
            for order in orders.drain(..) {
                match order {
                    Command::Launch { run, .. } => {
                        self.log.push((at.secs_f64(), run.job.0, true));
                        events.push(Event::Started { run, rate: Rate::FULL });
                    }
                    Command::Drain { run, .. } => {
                        self.log.push((at.secs_f64(), run.job.0, false));
                        let done = self.bench.core.state().job(run.job).work_done(at);
                        let saved = self.saves.then_some(done);
                        events.push(Event::Ended { run, exit: Exit::Stopped, saved });
                    }
                    Command::Wake { at } => self.wakes.push(at),
                    _ => {}
                }
            }
        }
    }

    fn next_end(&self) -> Option<(Time, RunId)> {
        let state = self.bench.core.state();
        let end = |id: &JobId| {
            let job = state.job(*id);
            Some((job.finish_at(engine::Span::secs(self.work[id.index()]))?, job.run(*id)))
        };
        state.live().iter().filter_map(end).min()
    }

    /// Plays until nothing is left to happen before `until`.
    fn play(&mut self, until: Time) {
        loop {
            self.wakes.sort_unstable();
            let wake = self.wakes.first().map(|at| (*at).max(self.now()));
            let end = self.next_end();
            let Some(at) = wake.into_iter().chain(end.map(|(at, _)| at)).min().filter(|at| *at < until) else { return };
            // Of an instant, ends go first, one a step.
            let event = match end {
                Some((time, run)) if time == at => Event::Ended { run, exit: Exit::Completed, saved: None },
                _ => {
                    self.wakes.remove(0);
                    Event::Woke
                }
            };
            self.step(at, vec![event]);
        }
    }

    fn starts(&self) -> Vec<(f64, u32)> {
        self.log.iter().filter(|(_, _, starts)| *starts).map(|(at, job, _)| (*at, *job)).collect()
    }
}

fn secs(secs: u64) -> Time {
    Time(secs * MICROS)
}

/// Two queues with a limit of 100 GPU-seconds on four GPUs. By hand: job 0 (4 GPUs) has attained 100 GPU-seconds at 25 s.
/// Job 1 (2 GPUs), which came at 10 s, waits until then and evicts it. Job 2 (1 GPU) fits beside it at 30 s. Job 1 is done
/// at 75 s (before that it leaves the first queue, but nobody is there to take its place), job 2 at 90 s, and job 0 goes on.
#[test]
fn a_worked_example() {
    let mut world = World::new("tiresias[limits=100]", 1, 4);
    world.submit(secs(0), 2, 300, true);
    world.play(secs(10));
    world.submit(secs(10), 1, 50, true);
    assert_eq!(world.bench.core.state().reason(JobId(1)), Some(Reason::NoVictims));
    world.play(secs(30));
    world.submit(secs(30), 0, 60, true);
    world.play(secs(10_000));
    let expected = [(0.0, 0, true), (25.0, 0, false), (25.0, 1, true), (30.0, 2, true), (90.0, 0, true)];
    assert_eq!(world.log, expected);
    assert_eq!(world.bench.core.state().job(JobId(0)).ended, secs(90 + 275));
}

/// LAS counts time, 2D-LAS GPUs x time.
#[test]
fn time_or_gpu_time() {
    for (policy, evicted_at) in [("tiresias[limits=100]", 25.0), ("tiresias[limits=100,service=time]", 100.0)] {
        let mut world = World::new(policy, 1, 4);
        world.submit(secs(0), 2, 300, true);
        world.submit(secs(0), 2, 300, true);
        world.play(secs(110));
        assert_eq!(world.starts(), [(0.0, 0), (evicted_at, 1)], "{policy}");
    }
}

/// In a queue, running jobs come before waiting ones: two equal jobs in the last queue do not alternate.
#[test]
fn a_queue_evicts_none_of_its_own() {
    let mut world = World::new("tiresias[limits=40]", 1, 4);
    world.submit(secs(0), 2, 1000, true);
    world.submit(secs(0), 2, 1000, true);
    world.play(secs(100_000));
    // Job 1 gets its slice of the first queue, and goes on in the last: job 0 waits until it is done.
    assert_eq!(world.starts(), [(0.0, 0), (10.0, 1), (1010.0, 0)]);
}

/// Nobody waits: nobody needs to know when a job leaves its queue.
#[test]
fn without_waiting_jobs_there_is_no_wake_up() {
    let mut world = World::new("tiresias[limits=100]", 1, 8);
    world.submit(secs(0), 2, 300, true);
    assert!(world.wakes.is_empty());
    world.submit(secs(5), 3, 300, true);
    assert_eq!(world.wakes, [secs(25)]);
}

#[test]
fn jobs_that_may_not_be_preempted_stay() {
    let mut world = World::new("tiresias[limits=100]", 1, 4);
    world.submit(secs(0), 2, 1000, false);
    world.submit(secs(1), 2, 10, true);
    world.play(secs(2000));
    assert_eq!(world.starts(), [(0.0, 0), (1000.0, 1)]);
}

/// A stream of short jobs starves a long one, unless it is promoted: it ran 10 s, so it is due after 20 s of waiting, at 30 s.
/// The short job that runs then is in the first queue too, and goes on to its end.
#[test]
fn promotion_ends_starvation() {
    let second_start = |policy: &str| {
        let mut world = World::new(policy, 1, 4);
        world.submit(secs(0), 2, 100, true);
        for job in 1..20 {
            world.play(secs(8 * job));
            world.submit(secs(8 * job), 2, 9, true);
        }
        world.play(secs(170));
        world.starts().iter().filter(|(_, job)| *job == 0).nth(1).map(|(at, _)| *at)
    };
    assert_eq!(second_start("tiresias[limits=40]"), None);
    assert_eq!(second_start("tiresias[limits=40,promote=2]"), Some(37.0));
}

/// Where every stop loses all work, time slices would go round for ever: without a new safe point nobody is promoted twice.
#[test]
fn without_progress_there_is_one_promotion() {
    let mut world = World::new("tiresias[limits=40,promote=1]", 1, 4);
    world.saves = false;
    world.submit(secs(0), 2, 100, true);
    world.submit(secs(0), 2, 100, true);
    world.play(secs(100_000));
    let state = world.bench.core.state();
    assert!(state.jobs().iter().all(|job| job.outcome().is_some() && job.preemptions <= 3));
}

/// Decisions at intervals: nothing starts in between, and the reason says when.
#[test]
fn an_interval_is_kept() {
    let mut world = World::new("tiresias[preset=lucid]", 1, 4);
    world.submit(secs(0), 2, 30, true);
    world.play(secs(61));
    world.submit(secs(61), 2, 30, true);
    assert_eq!(world.bench.core.state().reason(JobId(1)), Some(Reason::NextDecision { at: secs(120) }));
    world.play(secs(1000));
    assert_eq!(world.starts(), [(0.0, 0), (120.0, 1)]);
}

/// Least attained service: a newcomer runs at once, and two old jobs take turns of a quantum.
#[test]
fn least_attained_service_takes_turns() {
    let mut world = World::new("las[quantum=10]", 1, 1);
    world.submit(secs(0), 0, 40, true);
    world.play(secs(25));
    world.submit(secs(25), 0, 40, true);
    world.play(secs(1000));
    // Job 1 goes on until it leaves level 2, where job 0 waits; then job 0 is ahead by less than a quantum, and ends.
    assert_eq!(world.starts(), [(0.0, 0), (25.0, 1), (55.0, 0), (70.0, 1)]);
}

#[test]
fn the_smallest_gang_goes_first() {
    let order = |policy: &str| {
        let mut world = World::new(policy, 1, 8);
        world.submit(secs(0), 3, 10, true);
        for class in [3, 1, 2, 0] {
            world.submit(secs(1), class, 10, true);
        }
        world.play(secs(1000));
        world.starts().iter().map(|(_, job)| *job).collect::<Vec<_>>()
    };
    assert_eq!(order("smallest-gang"), [0, 4, 2, 3, 1]);
    // 8 GPUs make way for 2; then 4 and 1 fit beside; then the earlier of the two large ones.
    assert_eq!(order("smallest-gang[preset=artifact]"), [0, 2, 3, 4, 0, 1]);
}

/// Everything is placed anew at each event: a fragmented cluster is packed, which a policy that keeps runs cannot do.
#[test]
fn replacing_all_packs_the_cluster() {
    let second = |replace: &str| {
        let mut world = World::new(&format!("tiresias[place=first-fit,replace={replace}]"), 2, 2);
        for work in [10, 1000, 1000, 10] {
            world.submit(secs(0), 0, work, true);
        }
        world.submit(secs(1), 1, 10, true);
        world.play(secs(500));
        world.starts().iter().find(|(_, job)| *job == 4).map(|(at, _)| *at)
    };
    assert_eq!((second("keep"), second("all")), (None, Some(10.0)));
}

#[test]
fn mistakes_have_a_hint() {
    let fault = |text: &str| build(text, Context::default()).unwrap_err().to_string();
    assert!(fault("tiresias[limits=20+10]").contains("`limits` cannot be `20+10`"));
    assert!(fault("tiresias[wake=artifact]").contains("needs `replace=all`"));
    assert!(fault("tiresias[rank=artifact]").contains("needs `replace=all`"));
    assert!(fault("tiresias[replace=all,rank=gittins]").contains("given samples"));
    assert!(fault("tiresias[quantum=0]").contains("`quantum` cannot be"));
    assert!(fault("las[quantum=0]").contains("`quantum` cannot be"));
}

proptest! {
    /// What queues promise: at every instant, on a pool without nodes, no job of a queue waits for room that later queues
    /// hold; and the queue of a job is that of its service.
    #[test]
    fn no_job_waits_for_what_later_queues_hold(
        jobs in prop::collection::vec((0u64..300, 0u32..4, 1u64..400), 1..25),
        checks in prop::collection::vec(0u64..3000, 8),
    ) {
        let mut world = World::new("tiresias[limits=100+500]", 1, 8);
        let mut arrivals = jobs.clone();
        arrivals.sort_unstable();
        let mut moments: Vec<(u64, Option<(u32, u64)>)> =
            arrivals.iter().map(|(at, class, work)| (*at, Some((*class, *work)))).chain(checks.iter().map(|at| (*at, None))).collect();
        moments.sort_unstable();
        for (at, arrival) in moments {
            world.play(secs(at));
            if let Some((class, work)) = arrival {
                world.submit(secs(at), class, work, true);
            }
            let state = world.bench.core.state();
            let milli = |id: JobId| state.class_of(id).gpu_milli;
            let queue = |id: JobId| {
                let job = state.job(id);
                // Just before the check: a crossing at this very instant may still be to come.
                let attained = job.attained(Time(secs(at).0.saturating_sub(1))).0 * milli(id);
                [100, 500].iter().filter(|limit| attained >= **limit * GPU_SECOND).count()
            };
            let free = state.cluster().free_gpu_milli();
            for index in 0..state.jobs().len() {
                let id = JobId::new(index);
                if state.job(id).phase == Phase::Ready {
                    let later: u64 = state.live().iter().filter(|other| queue(**other) > queue(id)).map(|other| milli(*other)).sum();
                    prop_assert!(free + later < milli(id), "at {} job {} of queue {} waits", at, id, queue(id));
                }
            }
        }
        world.play(secs(1_000_000));
        prop_assert!(world.bench.core.state().jobs().iter().all(|job| job.outcome().is_some()));
        // A job is stopped only by jobs of earlier queues, each of which comes into a queue once.
        let bound = 3 * jobs.len() as u32;
        prop_assert!(world.bench.core.state().jobs().iter().all(|job| job.preemptions <= bound));
    }
}

/// The notes say who caused each stop.
#[test]
fn evictions_name_their_cause() {
    let mut world = World::new("tiresias[limits=40]", 1, 4);
    world.submit(secs(0), 2, 100, true);
    world.submit(secs(1), 2, 5, true);
    world.play(secs(11));
    let evictions = world.bench.core.state().evictions();
    assert_eq!(evictions.len(), 1);
    assert_eq!((evictions[0].job, evictions[0].bill.by), (JobId(0), Some(JobId(1))));
    assert!(!matches!(world.bench.core.state().job(JobId(0)).phase, Phase::Draining(Cause::Preempted)));
}
