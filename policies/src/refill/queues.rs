//! Queues of attained service as lists, as the simulators of Tiresias and Muri keep them.
//!
//! At an event, running jobs that have attained the limit of their queue go to the end of the next, one queue an event;
//! waiting jobs that are due go to the end of the first. Both in the order of submission. After the fill, running jobs
//! are moved before waiting ones in each queue.

use engine::{Draft, Job, JobId, MICROS, Span, Time};

use super::lists::{Entry, Note};
use crate::tiresias::promotion::Base;
use crate::tiresias::service::{GPU_SECOND, time_for};
use crate::tiresias::{Gittins, Measure, Quantum, Service};

/// When the move to the next queue is noticed, if nothing else happens before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    /// When the limit is reached.
    Exact,
    /// After floor((limit - seconds run) / GPUs) seconds (Tiresias' simulator: GPU-seconds minus seconds; Python 2 divides
    /// whole numbers). Mostly too early, so that it is noticed in several steps and late.
    Artifact,
    /// After ceil(limit / GPUs) - seconds run seconds (Muri's simulator).
    Ceiling,
}

/// Which index ranks the jobs of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Index {
    /// By its definition.
    Gittins,
    /// As Tiresias' simulator computes it: services are summed, not what is left of them; looked up at the next sample.
    Artifact,
}

/// The knobs.
#[derive(Clone, Debug)]
pub(crate) struct Queues {
    /// Service with which a job enters the next queue.
    pub(crate) limits: Vec<Service>,
    /// What counts as service.
    pub(crate) measure: Measure,
    /// Thousandths of its running time after which a waiting job goes back to the first queue; 0: it never does.
    pub(crate) promote_milli: u64,
    /// When moves are noticed.
    pub(crate) wake: Wake,
    /// What ranks the jobs of a queue before their place in it.
    pub(crate) rank: Option<(Index, Quantum, Gittins)>,
}

impl Queues {
    /// Moves jobs between queues, and sorts the list.
    pub(crate) fn arrange(&self, list: &mut [Entry], now: Time, draft: &Draft<'_>) {
        let mut end = super::lists::number_arrivals(list);
        for Entry { job: id, note } in list.iter_mut() {
            let job = draft.state().job(*id);
            if note.ran {
                let limit = self.limits.get(note.queue as usize);
                if limit.is_some_and(|limit| self.service(draft, *id, note.base) >= *limit) {
                    (note.queue, note.place) = (note.queue + 1, end);
                    end += 1;
                }
            } else if note.queue > 0 && self.due_of(job, note.base).is_some_and(|due| due <= now) {
                (note.queue, note.place, note.base) = (0, end, Base::now(job, now, self.measure));
                end += 1;
            }
        }
        list.sort_by_cached_key(|entry| {
            let rank = self.rank_of(draft, entry);
            (
                draft.state().job(entry.job).first_place,
                entry.note.queue,
                rank,
                if rank == 0 { Time::ZERO } else { draft.state().job(entry.job).submitted },
                entry.note.place,
            )
        });
    }

    /// Service in ended runs since the last promotion.
    fn service(&self, draft: &Draft<'_>, id: JobId, base: Base) -> Service {
        base.ran_since(draft.state().job(id)).0.saturating_mul(self.pace(draft, id))
    }

    /// Service in a microsecond.
    fn pace(&self, draft: &Draft<'_>, id: JobId) -> u64 {
        if self.measure == Measure::Time { 1000 } else { draft.state().class_of(id).gpu_milli }
    }

    /// When a run that makes progress from `since` on is seen to leave its queue.
    pub(crate) fn leaves(&self, draft: &Draft<'_>, id: JobId, since: Time) -> Option<Time> {
        let note = Note::of(draft, id);
        let limit = *self.limits.get(note.queue as usize)?;
        let (ran, pace) = (note.base.ran_since(draft.state().job(id)), self.pace(draft, id));
        let after = match self.wake {
            Wake::Exact => time_for(limit.saturating_sub(self.service(draft, id, note.base)), pace)?,
            _ if pace == 0 => return None,
            Wake::Artifact => {
                // Thousandths of a GPU; one GPU where only time counts. No look is nearer than a second.
                let seconds = (limit / GPU_SECOND).saturating_sub(ran.0 / MICROS) * 1000 / pace;
                Span::secs(seconds.max(1))
            }
            Wake::Ceiling => Span::secs(limit.div_ceil(pace).div_ceil(MICROS)) - ran,
        };
        Some(since + after)
    }

    /// When a waiting job is due for promotion.
    pub(crate) fn due(&self, draft: &Draft<'_>, id: JobId) -> Option<Time> {
        let note = Note::of(draft, id);
        if note.queue == 0 { None } else { self.due_of(draft.state().job(id), note.base) }
    }

    fn due_of(&self, job: &Job, base: Base) -> Option<Time> {
        let grain = if self.wake == Wake::Artifact { Span::secs(1) } else { Span(1) };
        base.due(job, self.promote_milli, grain)
    }

    /// Smaller goes first.
    fn rank_of(&self, draft: &Draft<'_>, entry: &Entry) -> u64 {
        let Some((index, quantum, gittins)) = &self.rank else { return 0 };
        let attained = self.service(draft, entry.job, entry.note.base);
        let width = match quantum {
            Quantum::Fixed(width) => Some(*width),
            Quantum::Queue | Quantum::Best => self.width(entry.note.queue as usize),
        };
        match index {
            Index::Gittins if *quantum == Quantum::Best => gittins.best_rank(attained),
            Index::Gittins => gittins.rank(attained, width),
            Index::Artifact => {
                u64::MAX - artifact_index(gittins, attained / GPU_SECOND, width.unwrap_or(Service::MAX) / GPU_SECOND)
            }
        }
    }

    fn width(&self, queue: usize) -> Option<Service> {
        let start = queue.checked_sub(1).map_or(0, |below| self.limits[below]);
        self.limits.get(queue).map(|end| end - start)
    }
}

/// The index of Tiresias' simulator, in ten-thousandths: 10^6 x P / E, where E sums services, not what is left of them, and
/// is cut to whole GPU-seconds; P has five digits. It is that of a job just below the next sample.
fn artifact_index(gittins: &Gittins, attained_s: u64, quantum_s: u64) -> u64 {
    let samples = gittins.samples();
    let above = |seconds: u64| samples.partition_point(|sample| sample / GPU_SECOND <= seconds);
    let Some(next) = samples.get(above(attained_s)) else { return 0 };
    let (from_s, last_s) = ((next / GPU_SECOND).saturating_sub(1), samples[samples.len() - 1] / GPU_SECOND);
    let alive = above(from_s);
    let end_s = from_s.saturating_add(quantum_s);
    let within = if end_s > last_s.saturating_sub(1) { samples.len() - 1 } else { above(end_s) };
    let left = (samples.len() - alive) as f64;
    let chance = round_to((within.max(alive) - alive) as f64 / left, 1e5);
    let sum = (gittins.sum(alive, within.max(alive)) / u128::from(GPU_SECOND)) as f64
        + quantum_s as f64 * (samples.len() - within) as f64;
    let expected = (sum / left).floor();
    if expected > 0.0 { (chance * 1e6 / expected * 1e4).round() as u64 } else { 0 }
}

fn round_to(value: f64, digits: f64) -> f64 {
    (value * digits).round() / digits
}
