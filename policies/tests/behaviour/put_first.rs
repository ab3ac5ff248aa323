//! A job that an operator put first goes first under every policy; two of them, a gang, backfill, and quotas.

use std::collections::BTreeSet;

use engine::{
    Alarm, Amounts, ClassId, Command, Core, Event, Exit, GpuRequest, Input, Inventory, JobId, JobSpec, MICROS, Rate,
    RunId, Shape, Span, TaskRequest, TenantId, Terms, Time,
};
use policies::registry::all;
use policies::{Context, build};

/// Most steps of a play, which has a few jobs.
const STEPS_MAX: usize = 20_000;

/// A cluster of two nodes of four GPUs, on which jobs take as long as they say.
struct Stage {
    core: Core,
    later: BTreeSet<(Time, u32)>,
    events: Vec<Event>,
    lasts: Vec<Span>,
    /// Jobs in the order of their first launches, with the time in seconds.
    launched: Vec<(u32, u64)>,
}

impl Stage {
    /// Class `c` is a gang of `c + 1` tasks of two GPUs.
    fn new(policy: &str) -> Self {
        let policy = build(policy, Context { estimates: true, seed: 1 }).unwrap().policy;
        let core = Core::new(Inventory::uniform(2, 4, "A100"), policy);
        let mut stage =
            Self { core, later: BTreeSet::new(), events: Vec::new(), lasts: Vec::new(), launched: Vec::new() };
        for tenant in 0..2 {
            let name = format!("t{tenant}");
            stage.plan(0, Event::TenantDeclared { tenant: TenantId(tenant), name, parent: None, weight_milli: 1000 });
        }
        for class in 0..4 {
            let shape =
                Shape::uniform(class + 1, TaskRequest { gpus: GpuRequest::Whole(2), ..TaskRequest::whole_gpus(2) });
            stage.plan(0, Event::ClassDeclared { class: ClassId(class), shape });
        }
        stage
    }

    fn plan(&mut self, at_s: u64, event: Event) {
        self.later.insert((Time(at_s * MICROS), self.events.len() as u32));
        self.events.push(event);
    }

    /// A job of `class + 1` tasks that takes `secs`.
    fn job(&mut self, at_s: u64, class: u32, secs: u64) -> JobId {
        self.job_of(0, at_s, class, secs)
    }

    fn job_of(&mut self, tenant: u32, at_s: u64, class: u32, secs: u64) -> JobId {
        let job = JobId::new(self.lasts.len());
        let mut spec = Box::new(JobSpec::plain(ClassId(class), TenantId(tenant)));
        (spec.estimate, spec.preemptible) = (Some(Span::secs(secs)), job != JobId(0));
        self.lasts.push(Span::secs(secs));
        self.plan(at_s, Event::Submitted { job, spec, truth: Some(Span::secs(secs)) });
        job
    }

    /// Plays until everything has ended.
    fn play(&mut self) -> Vec<u32> {
        let mut orders = Vec::new();
        for _ in 0..STEPS_MAX {
            let Some((at, _)) = self.later.first().copied() else {
                let open = self.core.state().totals().open;
                assert_eq!(open, 0, "jobs wait for ever: {:?}", self.launched);
                return self.launched.iter().map(|(job, _)| *job).collect();
            };
            let mut batch = Vec::new();
            while let Some((time, event)) = self.later.first().copied().filter(|(time, _)| *time == at) {
                self.later.remove(&(time, event));
                batch.push(Input { at, event: self.events[event as usize].clone() });
            }
            batch.sort_by_key(|input| input.event.rank());
            self.core.step(&batch, &mut orders).unwrap();
            self.core.check().unwrap();
            for order in std::mem::take(&mut orders) {
                self.carry_out(at, &order);
            }
        }
        panic!("it does not end: {:?}", self.launched)
    }

    fn carry_out(&mut self, at: Time, order: &Command) {
        let mut tell = |at: Time, event: Event| {
            self.later.insert((at, self.events.len() as u32));
            self.events.push(event);
        };
        let ended = |run: RunId, exit, saved| Event::Ended { run, exit, saved };
        match *order {
            Command::Launch { run, resume_from, .. } => {
                tell(at, Event::Started { run, rate: Rate::FULL });
                tell(at + (self.lasts[run.job.index()] - resume_from), ended(run, Exit::Completed, None));
                if self.launched.iter().all(|(job, _)| *job != run.job.0) {
                    self.launched.push((run.job.0, at.0 / MICROS));
                }
            }
            Command::Drain { run, .. } | Command::Kill { run } => {
                let saved = self.core.state().job(run.job).work_done(at);
                tell(at, ended(run, Exit::Stopped, Some(saved)));
            }
            Command::Wake { at } => tell(at, Event::Woke),
            Command::Alarm { at, run, kind: kind @ Alarm::Backoff } => tell(at, Event::Alarm { run, kind }),
            Command::Alarm { .. } | Command::Close { .. } => {}
        }
    }
}

/// Everything runs under every policy, and the job that was put first last runs first, though it is the longest and came late.
#[test]
fn under_every_policy_it_starts_first() {
    let mut late = Vec::new();
    for entry in all() {
        let mut stage = Stage::new(entry.name);
        stage.job(0, 3, 5000);
        for secs in [100, 50, 200] {
            stage.job(1, 3, secs);
        }
        let (second, first) = (stage.job(2, 3, 900), stage.job(2, 3, 1000));
        stage.job(3, 3, 30);
        stage.plan(10, Event::PutFirst { job: second });
        stage.plan(20, Event::PutFirst { job: first });
        let launched = stage.play();
        assert_eq!(launched.len(), 7, "{}", entry.name);
        if launched[1] != first.0 {
            late.push((entry.name, launched));
        }
    }
    assert_eq!(late, [], "the last to be put first is job 5");
}

/// When each job first started, by job.
fn starts(stage: &Stage, jobs: &[JobId]) -> Vec<u64> {
    let start = |job: &JobId| stage.launched.iter().find(|(launched, _)| *launched == job.0).unwrap().1;
    jobs.iter().map(start).collect()
}

/// A gang that an operator puts first takes over the reservation: nothing that starts meanwhile delays it, and what was
/// promised the start before waits for it.
#[test]
fn a_gang_that_is_put_first_has_the_reservation() {
    for policy in ["easy", "conservative", "conservative[depth=1]"] {
        let mut stage = Stage::new(policy);
        let running = stage.job(0, 0, 100);
        let (promised, gang) = (stage.job(1, 3, 50), stage.job(2, 3, 500));
        stage.plan(10, Event::PutFirst { job: gang });
        let (long, short) = (stage.job(20, 0, 1000), stage.job(21, 0, 60));
        stage.play();
        let starts = starts(&stage, &[running, promised, gang, long, short]);
        assert_eq!(starts[..3], [0, 600, 100], "{policy}");
        assert_eq!(starts[4], 21, "{policy}: what ends before may pass");
        assert!(starts[3] >= 600, "{policy}: the long one would have delayed it");
    }
}

/// It goes first within what its tenant is entitled to, and waits for that while others start.
#[test]
fn no_quota_is_broken_for_it() {
    for policy in ["kueue", "kai"] {
        let mut stage = Stage::new(policy);
        let quota = Amounts { gpu_milli: 2000, cpu_milli: u64::MAX, memory_mib: u64::MAX };
        for tenant in 0..2 {
            let terms = Terms { quota: Some(quota), limit: Some(quota), ..Terms::default() };
            stage.plan(0, Event::TermsChanged { tenant: TenantId(tenant), terms });
        }
        let running = stage.job_of(0, 1, 0, 100);
        let (earlier, first) = (stage.job_of(0, 2, 0, 10), stage.job_of(0, 3, 0, 20));
        stage.plan(4, Event::PutFirst { job: first });
        let other = stage.job_of(1, 5, 0, 10);
        stage.play();
        assert_eq!(starts(&stage, &[running, earlier, first, other]), [1, 121, 101, 5], "{policy}");
    }
}
