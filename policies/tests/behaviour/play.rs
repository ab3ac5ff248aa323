//! The smallest world: jobs with exact run times on a core, without costs, to look at what a policy does step by step.

use std::collections::BTreeSet;

use engine::{
    ClassId, Command, Core, Event, Exit, Input, Inventory, JobId, JobSpec, MICROS, NameId, Policy, QueueId, Rate,
    RunId, Shape, Span, State, TaskRequest, TenantId, Time,
};

/// A job to come.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    pub(crate) at_s: u64,
    pub(crate) secs: u64,
    pub(crate) spec: JobSpec,
}

impl Planned {
    /// A job of `gpus` GPUs for tenant 0.
    pub(crate) fn new(at_s: u64, gpus: u32, secs: u64) -> Self {
        Self { at_s, secs, spec: JobSpec::plain(ClassId(gpus - 1), TenantId(0)) }
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut JobSpec)) -> Self {
        change(&mut self.spec);
        self
    }
}

/// Something that will happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Later {
    End(JobId, u32),
    Submit(usize),
    Wake,
}

/// One node of `gpus` GPUs, a class a GPU count, tenants, queues and names.
pub(crate) struct Play {
    pub(crate) core: Core,
    later: BTreeSet<(u64, Later)>,
    jobs: Vec<Planned>,
    /// First start and end of each job, in seconds.
    pub(crate) spans: Vec<(Option<u64>, Option<u64>)>,
}

impl Play {
    pub(crate) fn new(gpus: u32, policy: Box<dyn Policy>, tenants: &[(&str, Option<u32>, u32)]) -> Self {
        let core = Core::new(Inventory::uniform(1, gpus, "A100"), policy);
        let mut play = Self { core, later: BTreeSet::new(), jobs: Vec::new(), spans: Vec::new() };
        let tenants = tenants.iter().enumerate().map(|(at, (name, parent, weight_milli))| Event::TenantDeclared {
            tenant: TenantId::new(at),
            name: (*name).to_owned(),
            parent: parent.map(TenantId),
            weight_milli: *weight_milli,
        });
        let classes = (0..gpus).map(|at| Event::ClassDeclared {
            class: ClassId(at),
            shape: Shape::uniform(1, TaskRequest::whole_gpus(at + 1)),
        });
        play.tell(tenants.chain(classes));
        play
    }

    /// Names, numbered from 0, and queues, numbered from 1.
    pub(crate) fn declare(&mut self, names: &[&str], queues: &[&str]) {
        let names = names
            .iter()
            .enumerate()
            .map(|(at, text)| Event::NameDeclared { name: NameId::new(at), text: (*text).to_owned() });
        let queues = queues
            .iter()
            .enumerate()
            .map(|(at, name)| Event::QueueDeclared { queue: QueueId::new(at + 1), name: (*name).to_owned() });
        self.tell(names.chain(queues));
    }

    fn tell(&mut self, events: impl Iterator<Item = Event>) {
        let batch: Vec<Input> = events.map(|event| Input { at: Time::ZERO, event }).collect();
        self.core.step(&batch, &mut Vec::new()).unwrap();
    }

    /// Plays `jobs` to their ends, or to `until_s`. After each step in which something was asked, `look` gets the state and
    /// the jobs that were started, in order.
    pub(crate) fn run(&mut self, jobs: Vec<Planned>, until_s: u64, mut look: impl FnMut(&State, &[JobId])) {
        let base = self.jobs.len();
        self.later.extend(jobs.iter().enumerate().map(|(at, job)| (job.at_s * MICROS, Later::Submit(base + at))));
        self.jobs.extend(jobs);
        self.spans.resize(self.jobs.len(), (None, None));
        while let Some((micros, _)) = self.later.first().copied()
            && micros <= until_s.saturating_mul(MICROS)
        {
            let mut batch = Vec::new();
            while let Some((_, later)) = self.later.first().copied().filter(|(at, _)| *at == micros) {
                self.later.pop_first();
                batch.push(self.event(later));
            }
            self.instant(Time(micros), batch, &mut look);
        }
    }

    fn event(&self, later: Later) -> Event {
        match later {
            Later::End(job, attempt) => {
                let saved = Some(Span::secs(self.jobs[job.index()].secs));
                Event::Ended { run: RunId { job, attempt }, exit: Exit::Completed, saved }
            }
            Later::Submit(at) => {
                let Planned { spec, secs, .. } = self.jobs[at].clone();
                Event::Submitted { job: JobId::new(at), spec: Box::new(spec), truth: Some(Span::secs(secs)) }
            }
            Later::Wake => Event::Woke,
        }
    }

    /// All steps of one instant.
    fn instant(&mut self, at: Time, events: Vec<Event>, look: &mut impl FnMut(&State, &[JobId])) {
        let (mut events, mut orders) = (events, Vec::new());
        while !events.is_empty() {
            let asked = events.iter().any(|event| !matches!(event, Event::Started { .. }));
            let batch: Vec<Input> = events.drain(..).map(|event| Input { at, event }).collect();
            self.core.step(&batch, &mut orders).unwrap();
            self.core.check().unwrap();
            let mut started = Vec::new();
            for order in orders.drain(..) {
                self.perform(at, &order, &mut started, &mut events);
            }
            if asked {
                look(self.core.state(), &started);
            }
        }
    }

    fn perform(&mut self, at: Time, order: &Command, started: &mut Vec<JobId>, events: &mut Vec<Event>) {
        match *order {
            Command::Launch { run, resume_from, .. } => {
                started.push(run.job);
                events.push(Event::Started { run, rate: Rate::FULL });
                let left = Span::secs(self.jobs[run.job.index()].secs) - resume_from;
                self.later.insert(((at + left).0, Later::End(run.job, run.attempt)));
                self.spans[run.job.index()].0.get_or_insert(at.0 / MICROS);
            }
            Command::Drain { run, .. } | Command::Kill { run } => {
                let saved = Some(self.core.state().job(run.job).work_done(at));
                events.push(Event::Ended { run, exit: Exit::Stopped, saved });
            }
            Command::Wake { at } => drop(self.later.insert((at.0, Later::Wake))),
            Command::Close { job, .. } => self.spans[job.index()].1 = Some(at.0 / MICROS),
            Command::Alarm { .. } => {}
        }
    }
}

/// Who may pass a job that does not fit, in a cluster that is one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passing {
    Nobody,
    Everybody,
    OtherQueues,
}

/// What should have started in this step: all jobs that were ready, sorted, one after the other.
pub(crate) fn expected<K: Ord>(
    state: &State,
    started: &[JobId],
    passing: Passing,
    key: impl Fn(&State, JobId) -> K,
) -> Vec<JobId> {
    let ready = |job: &JobId| state.job(*job).phase == engine::Phase::Ready;
    let mut all: Vec<JobId> = (0..state.jobs().len()).map(JobId::new).filter(ready).collect();
    all.extend(started);
    all.sort_by_key(|job| (key(state, *job), *job));
    let need = |job: JobId| state.class_of(job).gpu_milli;
    let mut free = state.cluster().free_gpu_milli() + started.iter().map(|job| need(*job)).sum::<u64>();
    let (mut fits, mut blocked) = (Vec::new(), BTreeSet::new());
    for job in all {
        let queue = state.job(job).spec.queue;
        if need(job) <= free && !blocked.contains(&queue) {
            free -= need(job);
            fits.push(job);
        } else {
            match passing {
                Passing::Nobody => break,
                Passing::Everybody => {}
                Passing::OtherQueues => drop(blocked.insert(queue)),
            }
        }
    }
    fits
}
