//! From a request to a trace.

use std::collections::{BTreeMap, VecDeque};

use engine::{Span, Time};
use rand::rngs::ChaCha12Rng;
use rand::{Rng, RngExt, SeedableRng};

use super::arrivals::{BurstSizes, submissions_s};
use super::draw::{Weights, shuffle};
use super::law::{between, place_of, run_time_s};
use super::model::{Outcomes, Tenants};
use super::request::{Estimates, Request};
use crate::build::sort_jobs;
use crate::intern::Interner;
use crate::trace::{Ledger, Recorded, Trace, TraceJob};

/// Each concern draws from a stream of its own: other estimates leave the jobs as they are.
#[derive(Clone, Copy)]
enum Stream {
    Jobs,
    Arrivals,
    Estimates,
    Bursts,
    Tenants,
}

fn rng(request: &Request, stream: Stream) -> ChaCha12Rng {
    let mut rng = ChaCha12Rng::seed_from_u64(request.seed);
    rng.set_stream(stream as u64);
    rng
}

/// Generates the trace: the same request gives the same jobs. The changes of the request are not made.
pub fn generate(request: &Request) -> Trace {
    let people = People::new(&request.model.tenants);
    let arrivals = arrivals(request, drafts(request, &people));
    let sizes: Vec<u32> = arrivals.iter().map(|jobs| jobs.len() as u32).collect();
    let mut tenants = Interner::<String>::default();
    let mut jobs = name(request, &people, &arrivals, &mut tenants);
    let span_s = span_s(request, &jobs);
    let submits = submissions_s(&request.model.arrivals, &sizes, span_s, &mut rng(request, Stream::Arrivals));
    for (job, submit_s) in jobs.iter_mut().zip(submits) {
        job.submit = Time::ZERO + Span::secs(submit_s);
    }
    sort_jobs(&mut jobs);
    for (number, job) in jobs.iter_mut().enumerate() {
        job.id = format!("job-{}", number + 1).into();
    }
    estimate(request, &mut jobs);
    Trace {
        source: request.to_string(),
        format: "synthetic".to_owned(),
        origin: None,
        ledger: Ledger { rows: jobs.len() as u64, ..Ledger::default() },
        jobs,
        tenants: tenants.into_values(),
        ..Trace::default()
    }
}

fn estimate(request: &Request, jobs: &mut [TraceJob]) {
    let mut rng = rng(request, Stream::Estimates);
    let law = request.model.estimates.as_ref();
    for job in jobs {
        job.estimate = match (request.estimates, law) {
            (Estimates::By(errors), _) => errors.draw(job.duration, &mut rng),
            (Estimates::Model, Some(law)) => {
                let (has, place) = (rng.random::<f64>() < law.share, rng.random::<f64>());
                let secs = job.duration.secs_f64() * between(&law.factors, place);
                has.then(|| Span::secs(secs.round().clamp(1.0, 1e12) as u64))
            }
            (Estimates::Model, None) => None,
        };
    }
}

/// Jobs that are submitted together: alone, or as a burst of one group.
fn arrivals(request: &Request, jobs: Vec<Draft>) -> Vec<Vec<Draft>> {
    let Some(bursts) = &request.model.arrivals.bursts else { return jobs.into_iter().map(|job| vec![job]).collect() };
    let (law, mut rng) = (BurstSizes::new(bursts), rng(request, Stream::Bursts));
    let order: Vec<usize> = jobs.iter().map(|job| job.group).collect();
    let mut waiting: BTreeMap<usize, VecDeque<Draft>> = BTreeMap::new();
    for job in jobs {
        waiting.entry(job.group).or_default().push_back(job);
    }
    // Each turn belongs to a group; one whose jobs are all gone is passed over.
    let mut arrivals: Vec<Vec<Draft>> = Vec::new();
    for group in order {
        let queue = waiting.entry(group).or_default();
        if !queue.is_empty() {
            let size = (law.draw(&mut rng) as usize).min(queue.len());
            arrivals.push(queue.drain(..size).collect());
        }
    }
    shuffle(&mut arrivals, &mut rng);
    arrivals
}

/// The jobs of all arrivals, one after the other, with their tenants.
fn name(request: &Request, people: &People, arrivals: &[Vec<Draft>], tenants: &mut Interner<String>) -> Vec<TraceJob> {
    let mut rng = rng(request, Stream::Tenants);
    let mut jobs = Vec::with_capacity(request.jobs as usize);
    for arrival in arrivals {
        let Some(first) = arrival.first() else { continue };
        let tenant = tenants.intern(people.name(first.group, &mut rng).as_str());
        jobs.extend(arrival.iter().map(|draft| draft.job(tenant)));
    }
    jobs
}

/// Time between first and last arrival at which the jobs offer the load asked for; within what a time can hold.
fn span_s(request: &Request, jobs: &[TraceJob]) -> u64 {
    let gpu_s: f64 = jobs.iter().map(|job| f64::from(job.gpu_milli) / 1000.0 * job.duration.secs_f64()).sum();
    (gpu_s / (f64::from(request.gpus) * request.load)).round().min(9e12) as u64
}

/// A job before it has a name.
struct Draft {
    gpu_milli: u32,
    run_s: u64,
    recorded: Recorded,
    group: usize,
}

impl Draft {
    fn job(&self, tenant: u32) -> TraceJob {
        let job = TraceJob::plain("", Time::ZERO, Span::secs(self.run_s), self.gpu_milli);
        TraceJob { tenant, recorded: self.recorded, ..job }
    }
}

/// The jobs of the mix, in random order.
fn drafts(request: &Request, people: &People) -> Vec<Draft> {
    let mut rng = rng(request, Stream::Jobs);
    let model = &*request.model;
    let is_allowed = |gang: &&(f64, f64)| gang.0 <= f64::from(request.max_gpus);
    let shares: Vec<f64> = model
        .classes
        .iter()
        .map(|class| if class.gangs.iter().any(|gang| is_allowed(&gang)) { class.share } else { 0.0 })
        .collect();
    let max_s = request.max_hours.map_or(model.run_time_max_s, |hours| model.run_time_max_s.min(hours * 3600.0));
    let order = request.drawing.indices(&shares, request.jobs as usize, &mut rng);
    let mut kinds: Vec<_> = Vec::new();
    for (number, class) in model.classes.iter().enumerate() {
        let count = order.iter().filter(|at| **at == number).count();
        let gangs: Vec<(f64, f64)> = class.gangs.iter().filter(is_allowed).copied().collect();
        let weights: Vec<f64> = gangs.iter().map(|gang| gang.1).collect();
        let sizes = request.drawing.indices(&weights, count, &mut rng);
        let gpus: Vec<u32> = sizes.into_iter().map(|at| (gangs[at].0 * 1000.0).round() as u32).collect();
        let below = place_of(&class.run_time, max_s);
        let places = request.drawing.places(count, &mut rng).into_iter().map(move |place| place * below);
        let groups: Vec<Weights> = class.groups.iter().map(|row| Weights::new(row.iter().copied())).collect();
        kinds.push((class, gpus.into_iter().zip(places), groups));
    }
    let mut jobs = Vec::with_capacity(order.len());
    for at in order {
        let (class, draws, groups) = &mut kinds[at];
        let Some((gpu_milli, place)) = draws.next() else { continue };
        let run_s = run_time_s(&class.run_time, place).min(max_s).round().max(1.0) as u64;
        let recorded = class.outcomes.map_or(Recorded::Unknown, |ends| outcome(ends, &mut rng));
        let group = match groups.get((place * groups.len() as f64) as usize) {
            Some(row) => row.draw(&mut rng),
            None => people.group(&mut rng),
        };
        jobs.push(Draft { gpu_milli, run_s, recorded, group });
    }
    jobs
}

/// Groups and their users.
struct People {
    /// Of the groups that have a weight, and of all others together.
    groups: Weights,
    /// Groups that have a weight.
    listed: usize,
    others: Weights,
    users: Weights,
}

impl People {
    fn new(tenants: &Tenants) -> Self {
        let listed = tenants.weights.len() as u32;
        let others = Weights::zipf(listed + 1, tenants.groups, tenants.exponent);
        let users = Weights::zipf(1, tenants.users, tenants.users_exponent);
        let Some(last) = tenants.weights.last() else {
            return Self { groups: Weights::new([1.0]), listed: 0, others, users };
        };
        // The law goes on from the last group that has a weight.
        let scale = last * f64::from(listed).powf(tenants.exponent);
        let rest = (tenants.groups > listed).then_some(others.total() * scale);
        Self {
            groups: Weights::new(tenants.weights.iter().copied().chain(rest)),
            listed: listed as usize,
            others,
            users,
        }
    }

    /// A group that has a weight, or all others.
    fn group(&self, rng: &mut impl Rng) -> usize {
        if self.listed == 0 { 0 } else { self.groups.draw(rng) }
    }

    /// The path of somebody in the group.
    fn name(&self, group: usize, rng: &mut impl Rng) -> String {
        let number = if group < self.listed { group } else { self.listed + self.others.draw(rng) } + 1;
        if self.users.total() > 0.0 {
            format!("vc-{number:02}/user-{:02}", self.users.draw(rng) + 1)
        } else {
            format!("vc-{number:02}")
        }
    }
}

fn outcome(shares: Outcomes, rng: &mut impl Rng) -> Recorded {
    let all = [
        (Recorded::Finished, shares.finished),
        (Recorded::Killed, shares.killed),
        (Recorded::Failed, shares.failed),
        (Recorded::TimedOut, shares.timed_out),
        (Recorded::NodeFailed, shares.node_failed),
        (Recorded::Censored, shares.censored),
        (Recorded::Unknown, shares.unknown),
    ];
    all[Weights::new(all.map(|(_, share)| share)).draw(rng)].0
}
