//! Attained service, and the levels into which it divides jobs.

use engine::{Draft, Job, JobId, Span, Time};

/// Thousandths of a GPU x microseconds. Where only time counts: as if each job had one GPU.
pub type Service = u64;

/// Service of one GPU in a second.
pub(crate) const GPU_SECOND: Service = 1_000_000_000;

/// What counts as service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// GPUs x time (two-dimensional).
    GpuTime,
    /// Time.
    Time,
}

impl Measure {
    /// All service of a job in ended runs.
    pub(crate) fn in_ended_runs(self, job: &Job) -> Service {
        match self {
            Self::GpuTime => Service::try_from(job.gpu_milli_micros).unwrap_or(Service::MAX),
            Self::Time => job.service.0.saturating_mul(1000),
        }
    }

    /// Service that a placed job attains in a microsecond.
    pub(crate) fn pace(self, job: &Job) -> u64 {
        match self {
            Self::GpuTime => engine::placement::gpu_milli(&job.placement),
            Self::Time => 1000,
        }
    }

    /// All service of a job by `now`.
    pub(crate) fn attained(self, job: &Job, now: Time) -> Service {
        let ran = if job.is_live() {
            job.running_since.known().map_or(Span::ZERO, |since| now.since(since))
        } else {
            Span::ZERO
        };
        self.in_ended_runs(job).saturating_add(self.pace(job).saturating_mul(ran.0))
    }
}

/// Time in which `pace` gives at least `service`; `None` when it never does.
pub(crate) fn time_for(service: Service, pace: u64) -> Option<Span> {
    if pace == 0 { (service == 0).then_some(Span::ZERO) } else { Some(Span(service.div_ceil(pace))) }
}

/// Levels before they widen, and levels in each doubling of service after that.
const QUANTA: u64 = 8;

/// What divides jobs into levels. Lower levels go first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Levels {
    /// Queues: service of at least the n-th limit puts a job into queue n (Tiresias, section 3.3).
    Limits(Vec<Service>),
    /// Steps of one quantum; from eight quanta on, eight steps in each doubling. As slices grow with service, a job of
    /// any length has one at some time that is long enough for it.
    Quanta(Service),
    /// The size of the gang, whatever it has attained.
    GangSize,
}

impl Levels {
    /// The level of a job that has attained `service`, promotions taken off.
    pub(crate) fn of(&self, draft: &Draft<'_>, job: JobId, service: Service) -> u64 {
        match self {
            Self::Limits(limits) => limits.partition_point(|limit| *limit <= service) as u64,
            Self::Quanta(quantum) => step(service / quantum).0,
            Self::GangSize => draft.state().class_of(job).gpu_milli,
        }
    }

    /// Service with which a job of `service` leaves its level; `None` where it never does.
    pub(crate) fn end(&self, service: Service) -> Option<Service> {
        match self {
            Self::Limits(limits) => limits.get(limits.partition_point(|limit| *limit <= service)).copied(),
            Self::Quanta(quantum) => step(service / quantum).1.checked_mul(*quantum),
            Self::GangSize => None,
        }
    }

    /// Width of a level; `None` for one without an end.
    pub(crate) fn width(&self, level: u64) -> Option<Service> {
        let Self::Limits(limits) = self else { return None };
        let end = limits.get(level as usize)?;
        let start = (level as usize).checked_sub(1).map_or(0, |below| limits[below]);
        Some(end - start)
    }
}

/// The step on which `quanta` is, and where the next begins.
fn step(quanta: u64) -> (u64, u64) {
    if quanta < QUANTA {
        return (quanta, quanta + 1);
    }
    let doublings = u64::from(quanta.ilog2() - QUANTA.ilog2());
    let within = quanta >> doublings;
    (within + QUANTA * doublings, (within + 1) << doublings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_single_quanta_first_and_widen_then() {
        let steps = [0, 1, 7, 8, 15, 16, 17, 18, 31, 32, 35, 36].map(step);
        let expected = [
            (0, 1),
            (1, 2),
            (7, 8),
            (8, 9),
            (15, 16),
            (16, 18),
            (16, 18),
            (17, 20),
            (23, 32),
            (24, 36),
            (24, 36),
            (25, 40),
        ];
        assert_eq!(steps, expected);
        for quanta in 0..10_000 {
            let (level, end) = step(quanta);
            assert_eq!(step(end).0, level + 1, "{quanta}");
            assert_eq!(step(end - 1).0, level, "{quanta}");
        }
    }

    #[test]
    fn limits_belong_to_the_next_queue() {
        let levels = Levels::Limits(vec![10, 30]);
        let ends = [0, 9, 10, 29, 30].map(|service| levels.end(service));
        assert_eq!(ends, [Some(10), Some(10), Some(30), Some(30), None]);
        assert_eq!([0, 1, 2].map(|level| levels.width(level)), [Some(10), Some(20), None]);
    }
}
