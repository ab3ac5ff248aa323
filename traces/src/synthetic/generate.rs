//! From a request to a trace.

use engine::{Span, Time};
use rand::rngs::ChaCha12Rng;
use rand::{Rng, RngExt, SeedableRng};

use super::arrivals::arrivals_s;
use super::draw::{Weights, run_time_s};
use super::model::{Class, Model, Outcomes, Tenants};
use super::request::Request;
use crate::intern::Interner;
use crate::trace::{Ledger, Recorded, Trace, TraceJob};

/// Each concern draws from a stream of its own: other estimates leave the jobs as they are.
#[derive(Clone, Copy)]
enum Stream {
    Jobs,
    Arrivals,
    Estimates,
}

fn rng(request: &Request, stream: Stream) -> ChaCha12Rng {
    let mut rng = ChaCha12Rng::seed_from_u64(request.seed);
    rng.set_stream(stream as u64);
    rng
}

/// Generates the trace: the same request gives the same jobs.
pub fn generate(request: &Request) -> Trace {
    let mut tenants = Interner::<String>::default();
    let mut jobs = draw_jobs(request, &mut tenants);
    let span_s = span_s(request, &jobs);
    let shape = &request.model.arrivals;
    let submits = arrivals_s(shape, jobs.len(), span_s, &mut rng(request, Stream::Arrivals));
    for (job, submit_s) in jobs.iter_mut().zip(submits) {
        job.submit = Time::ZERO + Span::secs(submit_s);
    }
    let mut rng = rng(request, Stream::Estimates);
    for job in &mut jobs {
        job.estimate = request.estimates.draw(job.duration, &mut rng);
    }
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

fn draw_jobs(request: &Request, tenants: &mut Interner<String>) -> Vec<TraceJob> {
    let mut rng = rng(request, Stream::Jobs);
    let mix = Mix::new(request);
    let people = People::new(request.model.tenants);
    let job = |i| {
        let (class, gpus) = mix.draw(&mut rng);
        let run_time = Span::secs(run_time_s(class.run_time, mix.max_s, &mut rng));
        let recorded = outcome(class.outcomes, &mut rng);
        let tenant = tenants.intern(people.draw(&mut rng).as_str());
        TraceJob { recorded, tenant, ..TraceJob::plain(format!("job-{i}"), Time::ZERO, run_time, gpus * 1000) }
    };
    (1..=request.jobs).map(job).collect()
}

/// Time between first and last arrival at which the jobs offer the load asked for.
fn span_s(request: &Request, jobs: &[TraceJob]) -> u64 {
    let gpu_s: f64 = jobs.iter().map(|job| f64::from(job.gpu_milli) / 1000.0 * job.duration.secs_f64()).sum();
    (gpu_s / (f64::from(request.gpus) * request.load)).round() as u64
}

/// Classes and their gangs, as far as they may be drawn.
struct Mix {
    classes: Vec<(&'static Class, Vec<u32>, Weights)>,
    shares: Weights,
    max_s: f64,
}

impl Mix {
    fn new(request: &Request) -> Self {
        let model: &'static Model = request.model;
        let allowed = |class: &'static Class| {
            let gangs = class.gangs.iter().filter(|(gpus, _)| *gpus <= request.max_gpus);
            let (sizes, weights): (Vec<u32>, Vec<f64>) = gangs.copied().unzip();
            (!sizes.is_empty()).then(|| (class, sizes, Weights::new(weights)))
        };
        let classes: Vec<_> = model.classes.iter().filter_map(allowed).collect();
        let shares = Weights::new(classes.iter().map(|(class, _, _)| class.share));
        let max_s = request.max_hours.map_or(model.run_time_max_s, |hours| model.run_time_max_s.min(hours * 3600.0));
        Self { classes, shares, max_s }
    }

    fn draw(&self, rng: &mut impl Rng) -> (&'static Class, u32) {
        let (class, sizes, weights) = &self.classes[self.shares.draw(rng)];
        (class, sizes[weights.draw(rng)])
    }
}

/// Groups and their users.
struct People {
    groups: Weights,
    users: Weights,
}

impl People {
    fn new(tenants: Tenants) -> Self {
        match tenants {
            Tenants::Weights { groups, users } => {
                Self { groups: Weights::new(groups.iter().copied()), users: Weights::zipf(users) }
            }
            Tenants::Zipf { groups, users } => Self { groups: Weights::zipf(groups), users: Weights::zipf(users) },
        }
    }

    fn draw(&self, rng: &mut impl Rng) -> String {
        format!("vc-{:02}/user-{:02}", self.groups.draw(rng) + 1, self.users.draw(rng) + 1)
    }
}

fn outcome(shares: Outcomes, rng: &mut impl Rng) -> Recorded {
    let at = rng.random::<f64>() * (shares.finished + shares.killed + shares.failed);
    if at < shares.finished {
        Recorded::Finished
    } else if at < shares.finished + shares.killed {
        Recorded::Killed
    } else {
        Recorded::Failed
    }
}
