//! A tiny language for scenarios: a cluster, a policy, jobs and what happens to them, one line each.
//!
//! ```text
//! cluster 2x4                       nodes x GPUs
//! policy fifo[skip=true]
//! set restart_s=30                  as on the command line
//! weight org/team 2
//! job A at 0 gpus 4 for 100         then any of: tenant T, priority N, estimate S, limit S, after A,B, retry N,
//!                                   backoff S, grace S, fails AFTER TIMES, fixed, held
//! at 50 move A=1:0-3,B=0:0-1+1:4-5   jobs change places: node and GPUs, parts of a gang with a plus
//! at 50 down 0                      or up, drain, resume with a node; cancel, hold, release with a job
//! ```
//!
//! Jobs stand in the order of their submission. All times are seconds.

use std::fmt::Write;

use engine::{Command, Core, Event, Exit, Input, Inventory, JobId, NodeId, RunId, Slice, Span, Time, Watch};
use simulator::physics::Physics;
use simulator::tenants::TenantTerms;
use simulator::workload::Workload;
use simulator::world::{Flaw, SimWorld};
use traces::Trace;

use crate::bench::job;
use crate::movers::{Move, Movers};

/// What a script says.
#[derive(Default)]
struct Script {
    cluster: (usize, u32),
    policy: String,
    settings: Vec<String>,
    weights: String,
    trace: Trace,
    wishes: Vec<Wishes>,
    facts: Vec<(Time, Event)>,
    moves: Vec<Move>,
}

/// What a trace cannot say about a job.
#[derive(Clone, Default)]
struct Wishes {
    after: Vec<JobId>,
    retries: u16,
    backoff: Span,
    grace: Span,
    held: bool,
    flaw: Option<Flaw>,
}

fn span(text: &str) -> Span {
    Span::from_secs_f64(text.parse().unwrap()).unwrap()
}

/// Whole GPUs of a node, such as `1:0-3`.
fn place(text: &str) -> Slice {
    let (node, gpus) = text.split_once(':').unwrap();
    let (first, last) = gpus.split_once('-').unwrap_or((gpus, gpus));
    let (first, last): (u32, u32) = (first.parse().unwrap(), last.parse().unwrap());
    let mask = (first..=last).map(|gpu| 1 << gpu).sum();
    Slice { node: NodeId(node.parse().unwrap()), bank: 0, milli: 1000, mask, cpu_milli: 0, memory_mib: 0 }
}

fn time(text: &str) -> Time {
    Time::ZERO + span(text)
}

impl Script {
    fn parse(text: &str) -> Self {
        let mut script =
            Self { trace: Trace { tenants: vec!["all".to_owned()], ..Trace::default() }, ..Self::default() };
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                ["cluster", size] => {
                    let (nodes, gpus) = size.split_once('x').unwrap();
                    script.cluster = (nodes.parse().unwrap(), gpus.parse().unwrap());
                }
                ["policy", policy] => policy.clone_into(&mut script.policy),
                ["set", setting] => script.settings.push(setting.to_owned()),
                ["weight", path, weight] => {
                    writeln!(script.weights, "[[tenant]]\npath = \"{path}\"\nweight = {weight}").unwrap();
                }
                ["job", name, "at", at, "gpus", gpus, "for", work, ref wishes @ ..] => {
                    let milli = (gpus.parse::<f64>().unwrap() * 1000.0).round() as u32;
                    script.trace.jobs.push(job(name, time(at), milli, span(work)));
                    script.wishes.push(Wishes::default());
                    script.wish(wishes);
                }
                ["at", at, "move", moves] => script.moves(time(at), moves),
                ["at", at, what, whom] => script.fact(time(at), what, whom),
                _ => panic!("no such line: {line}"),
            }
        }
        assert!(script.trace.jobs.is_sorted_by_key(|job| job.submit), "jobs stand in the order of their submission");
        script
    }

    /// Reads what stands behind a job.
    fn wish(&mut self, words: &[&str]) {
        let mut rest = words;
        while let [key, ..] = rest {
            let (value, used) = if matches!(*key, "fixed" | "held") { ("", 1) } else { (rest[1], 2) };
            let tenant = if *key == "tenant" { self.tenant(value) } else { 0 };
            let after =
                if *key == "after" { value.split(',').map(|name| self.job(name)).collect() } else { Vec::new() };
            let (job, wishes) = (self.trace.jobs.last_mut().unwrap(), self.wishes.last_mut().unwrap());
            match *key {
                "tenant" => job.tenant = tenant,
                "priority" => job.priority = value.parse().unwrap(),
                "estimate" => job.estimate = Some(span(value)),
                "limit" => job.time_limit = Some(span(value)),
                "fixed" => job.preemptible = false,
                "after" => wishes.after = after,
                "retry" => wishes.retries = value.parse().unwrap(),
                "backoff" => wishes.backoff = span(value),
                "grace" => wishes.grace = span(value),
                "held" => wishes.held = true,
                "fails" => {
                    wishes.flaw = Some(Flaw { after: span(value), times: rest[2].parse().unwrap(), code: 1 });
                    rest = &rest[1..];
                }
                _ => panic!("no such wish: {key}"),
            }
            rest = &rest[used..];
        }
    }

    fn tenant(&mut self, path: &str) -> u32 {
        let known = self.trace.tenants.iter().position(|tenant| tenant == path);
        let at = known.unwrap_or_else(|| {
            self.trace.tenants.push(path.to_owned());
            self.trace.tenants.len() - 1
        });
        at as u32
    }

    fn job(&self, name: &str) -> JobId {
        JobId::new(self.trace.jobs.iter().position(|job| &*job.id == name).unwrap())
    }

    fn fact(&mut self, at: Time, what: &str, whom: &str) {
        let node = || NodeId(whom.parse().unwrap());
        let event = match what {
            "down" => Event::NodeDown { node: node() },
            "up" => Event::NodeUp { node: node() },
            "drain" => Event::NodeDrained { node: node() },
            "resume" => Event::NodeResumed { node: node() },
            "cancel" => Event::Cancelled { job: self.job(whom) },
            "hold" => Event::JobHeld { job: self.job(whom) },
            "release" => Event::JobReleased { job: self.job(whom) },
            "first" => Event::PutFirst { job: self.job(whom) },
            _ => panic!("no such fact: {what}"),
        };
        self.facts.push((at, event));
    }

    fn moves(&mut self, at: Time, text: &str) {
        let one = |text: &str| {
            let (job, places) = text.split_once('=').unwrap();
            (self.job(job), places.split('+').map(place).collect())
        };
        let jobs = text.split(',').map(one).collect();
        self.moves.push(Move { at, jobs });
    }

    fn weights(&self) -> TenantTerms {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, self.weights.as_bytes()).unwrap();
        TenantTerms::load(file.path()).unwrap()
    }
}

/// Runs a script. Returns it with what happened below it, one line a fact or order.
pub(crate) fn play(text: &str) -> String {
    let script = Script::parse(text);
    let (inventory, physics) =
        (Inventory::uniform(script.cluster.0, script.cluster.1, "GPU"), Physics::parse(&script.settings).unwrap());
    let trace = std::sync::Arc::new(script.trace.clone());
    let mut workload = Workload::new(&trace, &inventory, &script.weights());
    for (at, wishes) in script.wishes.iter().enumerate() {
        workload.amend(at, |spec| {
            spec.after = wishes.after.iter().copied().collect();
            spec.retry.failures_max = wishes.retries;
            spec.retry.backoff = wishes.backoff;
            spec.grace = wishes.grace;
            spec.held = wishes.held;
        });
    }
    let mut world = SimWorld::new(&workload, &physics, &inventory, 1).unwrap();
    world.schedule(script.facts.iter().cloned());
    for (at, wishes) in script.wishes.iter().enumerate() {
        wishes.flaw.into_iter().for_each(|flaw| world.flaw(JobId::new(at), flaw));
    }
    let context = policies::Context { estimates: workload.has_estimates(), seed: 1 };
    let inner = policies::build(&script.policy, context).unwrap().policy;
    let movers = Movers { inner, moves: script.moves.clone(), bill: engine::Bill::default() };
    let mut core = Core::new(inventory.clone(), Box::new(movers));
    let mut timeline = Timeline { trace: &trace, lines: String::new() };
    engine::drive(&mut core, &mut world, &mut engine::NoRecord, &mut timeline).unwrap();
    let open = core.state().totals().open;
    let left = if open == 0 { String::new() } else { format!("{open} jobs never ended\n") };
    let script: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    format!("{}\n\n{}{left}", script.join("\n"), timeline.lines)
}

/// Writes down what happens.
struct Timeline<'a> {
    trace: &'a Trace,
    lines: String,
}

impl Timeline<'_> {
    fn line(&mut self, now: Time, what: &str) {
        writeln!(self.lines, "{:>8}  {what}", now.to_string()).unwrap();
    }

    fn name(&self, job: JobId) -> &str {
        &self.trace.jobs[job.index()].id
    }

    fn run(&self, run: RunId) -> String {
        format!("{}/{}", self.name(run.job), run.attempt)
    }

    fn fact(&self, core: &Core, event: &Event) -> Option<String> {
        Some(match event {
            Event::Ended { run, exit, saved } => {
                let saved = saved.unwrap_or_default();
                match exit {
                    Exit::Completed => format!("end     {}", self.run(*run)),
                    Exit::Failed(code) => format!("fail    {} with code {code}, {saved} safe", self.run(*run)),
                    Exit::Stopped => format!("stop    {}, {saved} safe", self.run(*run)),
                }
            }
            Event::Started { run, rate } => {
                let late = core.state().job(run.job).launched != core.state().now();
                let slow = *rate != engine::Rate::FULL;
                let speed = if slow { format!(" at speed 0.{:03}", rate.as_ppm() / 1000) } else { String::new() };
                return (late || slow).then(|| format!("start   {}{speed}", self.run(*run)));
            }
            Event::NodeDown { node } => format!("down    {node}"),
            Event::NodeUp { node } => format!("up      {node}"),
            Event::NodeDrained { node } => format!("drain   {node}"),
            Event::NodeResumed { node } => format!("resume  {node}"),
            Event::Cancelled { job } => format!("cancel  {}", self.name(*job)),
            Event::JobHeld { job } => format!("hold    {}", self.name(*job)),
            Event::JobReleased { job } => format!("release {}", self.name(*job)),
            Event::PutFirst { job } => format!("first   {}", self.name(*job)),
            _ => return None,
        })
    }

    fn order(&self, command: &Command) -> Option<String> {
        Some(match command {
            Command::Launch { run, placement, resume_from } => {
                let slices: Vec<String> = placement.iter().map(slice).collect();
                let from = if *resume_from > Span::ZERO { format!(" from {resume_from}") } else { String::new() };
                format!("launch  {} on {}{from}", self.run(*run), slices.join(" "))
            }
            Command::Drain { run, .. } => format!("drain   {}", self.run(*run)),
            Command::Kill { run } => format!("kill    {}", self.run(*run)),
            Command::Close { job, outcome } => format!("close   {} {}", self.name(*job), outcome.name()),
            Command::Alarm { .. } | Command::Wake { .. } => return None,
        })
    }
}

/// Node and GPUs, such as `n0:0-3` or `n0:5 (0.25)`.
fn slice(slice: &Slice) -> String {
    let gpus: Vec<u32> = slice.gpu_indices().collect();
    let part = if slice.is_whole() { String::new() } else { format!(" (0.{:03})", slice.milli) };
    let runs: Vec<String> = gpus
        .chunk_by(|a, b| a + 1 == *b)
        .map(|run| if run.len() == 1 { run[0].to_string() } else { format!("{}-{}", run[0], run[run.len() - 1]) })
        .collect();
    format!("{}:{}{part}", slice.node, runs.join(","))
}

impl Watch for Timeline<'_> {
    fn after(&mut self, core: &Core, batch: &[Input], commands: &[Command]) {
        let facts = batch.iter().filter_map(|input| self.fact(core, &input.event));
        let lines: Vec<String> = facts.chain(commands.iter().filter_map(|command| self.order(command))).collect();
        for line in &lines {
            self.line(core.state().now(), line);
        }
    }
}
