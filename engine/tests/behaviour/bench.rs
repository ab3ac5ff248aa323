//! A core on a small cluster, with a policy that each step can choose anew, and orders as short text.

use engine::{
    Alarm, ClassId, Command, Core, Draft, Event, Exit, Fault, Input, Inventory, Job, JobId, JobSpec, MICROS, Needs,
    NodeId, Policy, Rate, Reason, RunId, Shape, Slice, Span, TaskRequest, TenantId, Time, Triggers,
};

/// A policy that is a function of the draft.
struct Asked(Box<dyn FnMut(&mut Draft<'_>) + Send>);

impl Policy for Asked {
    fn needs(&self) -> Needs {
        let all = [Triggers::FREED, Triggers::ARRIVED, Triggers::WOKE, Triggers::PROGRESS];
        Needs { triggers: all.into_iter().fold(Triggers::NONE, Triggers::and), ..Needs::default() }
    }

    fn decide(&mut self, _now: Time, draft: &mut Draft<'_>) {
        (self.0)(draft);
    }
}

/// Starts every ready job that fits, by id, each task on the lowest node that fits.
pub(crate) fn start_all(draft: &mut Draft<'_>) {
    for index in 0..draft.state().jobs().len() {
        start(draft, JobId::new(index));
    }
}

/// Starts one job on the lowest nodes that fit, if it is ready and fits.
pub(crate) fn start(draft: &mut Draft<'_>, job: JobId) -> bool {
    if !draft.is_ready(job) {
        return false;
    }
    let mark = draft.mark();
    let groups = draft.state().class_of(job).shape.groups.clone();
    let taken = groups.iter().all(|group| (0..group.tasks_min).all(|_| first_fit(draft, &group.request)));
    let started = taken && draft.start(job).is_ok();
    if !started {
        draft.rollback(mark);
    }
    started
}

fn first_fit(draft: &mut Draft<'_>, request: &TaskRequest) -> bool {
    let fits = (0..draft.cluster().len()).map(NodeId::new).find(|node| draft.cluster().fits(*node, request));
    fits.is_some_and(|node| draft.take(node, request))
}

/// A core whose classes 1 to 16 ask for so many GPUs on one node, and whose tenant is `t0`.
pub(crate) struct Bench {
    core: Core,
    jobs: u32,
}

impl Bench {
    pub(crate) fn new(inventory: Inventory) -> Self {
        let mut bench = Self { core: Core::new(inventory, Box::new(Asked(Box::new(start_all)))), jobs: 0 };
        let tenant =
            Event::TenantDeclared { tenant: TenantId(0), name: "all".to_owned(), parent: None, weight_milli: 1000 };
        bench.at(0, [tenant]);
        for gpus in 0..=16 {
            bench.class(Shape::uniform(1, TaskRequest::whole_gpus(gpus)));
        }
        bench
    }

    /// `nodes` nodes of 8 GPUs.
    pub(crate) fn nodes(nodes: usize) -> Self {
        Self::new(Inventory::uniform(nodes, 8, "A100"))
    }

    /// Declares a class.
    pub(crate) fn class(&mut self, shape: Shape) -> ClassId {
        let class = ClassId::new(self.core.state().classes());
        let at = self.core.state().now().0 / MICROS;
        self.at(at, [Event::ClassDeclared { class, shape }]);
        class
    }

    /// A plain job of so many GPUs on one node.
    pub(crate) fn plain(gpus: u32) -> JobSpec {
        JobSpec::plain(ClassId(gpus), TenantId(0))
    }

    /// The submission of the next job.
    pub(crate) fn submission(&mut self, spec: JobSpec) -> Event {
        self.jobs += 1;
        Event::Submitted { job: JobId(self.jobs - 1), spec: Box::new(spec), truth: None }
    }

    /// Submits a job at a second.
    pub(crate) fn submit(&mut self, secs: u64, spec: JobSpec) -> Vec<String> {
        let event = self.submission(spec);
        self.at(secs, [event])
    }

    /// Submits a job that the policy leaves alone.
    pub(crate) fn park(&mut self, secs: u64, spec: JobSpec) -> Vec<String> {
        let event = self.submission(spec);
        self.at_with(secs, [event], |_| {})
    }

    /// Takes the facts of a second, under the policy that starts all that fits.
    pub(crate) fn at<const N: usize>(&mut self, secs: u64, events: [Event; N]) -> Vec<String> {
        self.at_with(secs, events, start_all)
    }

    /// Takes the facts of a second, under a policy of its own.
    pub(crate) fn at_with<const N: usize>(
        &mut self,
        secs: u64,
        events: [Event; N],
        policy: impl FnMut(&mut Draft<'_>) + Send + 'static,
    ) -> Vec<String> {
        self.core.refresh_policy(Box::new(Asked(Box::new(policy))));
        let out = self.try_at(secs, events).unwrap();
        self.core.check().unwrap();
        out.iter().map(show).collect()
    }

    /// Asks `policy` now, although nothing happened.
    pub(crate) fn ask(&mut self, secs: u64, policy: impl FnMut(&mut Draft<'_>) + Send + 'static) -> Vec<String> {
        let asked = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let (seen, mut policy) = (asked.clone(), policy);
        let out = self.at_with(secs, [Event::NodeUp { node: NodeId(0) }], move |draft| {
            seen.store(true, std::sync::atomic::Ordering::Relaxed);
            policy(draft);
        });
        assert!(asked.load(std::sync::atomic::Ordering::Relaxed), "the policy was not asked");
        out
    }

    /// Asks `policy` now, where what it leaves behind may be a fault.
    pub(crate) fn try_ask(
        &mut self,
        secs: u64,
        policy: impl FnMut(&mut Draft<'_>) + Send + 'static,
    ) -> Result<Vec<Command>, Fault> {
        self.core.refresh_policy(Box::new(Asked(Box::new(policy))));
        self.try_at(secs, [Event::NodeUp { node: NodeId(0) }])
    }

    /// The same without checks.
    pub(crate) fn try_at<const N: usize>(&mut self, secs: u64, events: [Event; N]) -> Result<Vec<Command>, Fault> {
        let batch = events.map(|event| Input { at: Time(secs * MICROS), event });
        let mut out = Vec::new();
        self.core.step(&batch, &mut out).map(|()| out)
    }

    pub(crate) fn job(&self, job: u32) -> &Job {
        self.core.state().job(JobId(job))
    }

    pub(crate) fn core(&self) -> &Core {
        &self.core
    }

    pub(crate) fn reason(&self, job: u32) -> Option<Reason> {
        self.core.state().reason(JobId(job))
    }
}

pub(crate) fn run(job: u32, attempt: u32) -> RunId {
    RunId { job: JobId(job), attempt }
}

pub(crate) fn started(job: u32, attempt: u32) -> Event {
    Event::Started { run: run(job, attempt), rate: Rate::FULL }
}

pub(crate) fn completed(job: u32, attempt: u32) -> Event {
    Event::Ended { run: run(job, attempt), exit: Exit::Completed, saved: None }
}

/// It stopped because it was told to, with so many seconds of its work safe.
pub(crate) fn stopped(job: u32, attempt: u32, saved_s: u64) -> Event {
    Event::Ended { run: run(job, attempt), exit: Exit::Stopped, saved: Some(Span::secs(saved_s)) }
}

pub(crate) fn failed(job: u32, attempt: u32, code: i32) -> Event {
    Event::Ended { run: run(job, attempt), exit: Exit::Failed(code), saved: None }
}

pub(crate) fn alarm(job: u32, attempt: u32, kind: Alarm) -> Event {
    Event::Alarm { run: run(job, attempt), kind }
}

fn show(command: &Command) -> String {
    match command {
        Command::Launch { run, placement, resume_from } => {
            let slices: Vec<String> = placement.iter().map(show_slice).collect();
            let from = if *resume_from == Span::ZERO { String::new() } else { format!(" from {resume_from}") };
            format!("launch {run} on {}{from}", slices.join(" "))
        }
        Command::Drain { run, grace } => format!("drain {run} within {grace}"),
        Command::Kill { run } => format!("kill {run}"),
        Command::Alarm { at, run, kind } => format!("alarm {kind:?} of {run} at {at}"),
        Command::Wake { at } => format!("wake at {at}"),
        Command::Close { job, outcome } => format!("close {job} {}", outcome.name()),
    }
}

/// Node and GPUs, such as `n0:0-3` or `n0:5*0.25`.
fn show_slice(slice: &Slice) -> String {
    let gpus: Vec<u32> = slice.gpu_indices().collect();
    let part = if slice.is_whole() { String::new() } else { format!("*0.{:03}", slice.milli) };
    match (gpus.first(), gpus.last()) {
        (Some(first), Some(last)) if first == last => format!("{}:{first}{part}", slice.node),
        (Some(first), Some(last)) if (last - first + 1) as usize == gpus.len() => {
            format!("{}:{first}-{last}{part}", slice.node)
        }
        _ => format!("{}:{gpus:?}{part}", slice.node),
    }
}
