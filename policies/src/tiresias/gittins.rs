//! The Gittins index over samples of service.
//!
//! G(A) = sup over D of P(S - A <= D | S > A) / E[min(S - A, D) | S > A], where S is the service that a job needs in all
//! and A what it has attained (Gittins 1979; Tiresias, section 3.2.2). It is kept the other way round, as expected
//! service per completion, so that smaller goes first and integers do.

use super::service::Service;

/// Service in which a job is given the chance to finish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantum {
    /// The width of its queue; without an end in the last.
    Queue,
    /// Whatever makes the index best: the index as Gittins has it.
    Best,
    /// So much.
    Fixed(Service),
}

/// The samples, and what is worth knowing about them once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gittins {
    /// In rising order.
    samples: Vec<Service>,
    /// Sum of the first n.
    sums: Vec<u128>,
}

/// Rank of what no sample tells anything about.
pub(crate) const UNKNOWN: u64 = u64::MAX;

impl Gittins {
    /// The index over these samples.
    pub fn new(mut samples: Vec<Service>) -> Self {
        samples.sort_unstable();
        let sums = std::iter::once(0).chain(samples.iter().scan(0u128, |sum, sample| {
            *sum += u128::from(*sample);
            Some(*sum)
        }));
        Self { sums: sums.collect(), samples }
    }

    /// Expected service per completion of a job that has attained `attained`, if it gets up to `quantum` (`None`: all it
    /// needs). [`u64::MAX`] when no sample says that it finishes.
    pub fn rank(&self, attained: Service, quantum: Option<Service>) -> u64 {
        let alive = self.alive(attained);
        let end = quantum.map(|quantum| attained.saturating_add(quantum));
        let within = end.map_or(self.samples.len(), |end| self.alive(end));
        self.per_completion(attained, alive, within, end.unwrap_or(attained) - attained)
    }

    /// The same with the quantum that makes it least. As chances grow at samples only, quanta that end there will do.
    pub fn best_rank(&self, attained: Service) -> u64 {
        let alive = self.alive(attained);
        let ends = (alive..self.samples.len()).map(|at| {
            let quantum = self.samples[at] - attained;
            self.per_completion(attained, alive, at + 1, quantum)
        });
        ends.min().unwrap_or(UNKNOWN)
    }

    /// Index of the first sample above `attained`.
    fn alive(&self, attained: Service) -> usize {
        self.samples.partition_point(|sample| *sample <= attained)
    }

    /// Samples `alive..within` finish in the quantum, the others use it up.
    fn per_completion(&self, attained: Service, alive: usize, within: usize, quantum: Service) -> u64 {
        let finish = (within - alive) as u128;
        if finish == 0 {
            return UNKNOWN;
        }
        let of_finishers = self.sums[within] - self.sums[alive] - finish * u128::from(attained);
        let of_others = (self.samples.len() - within) as u128 * u128::from(quantum);
        u64::try_from((of_finishers + of_others) / finish).unwrap_or(UNKNOWN - 1)
    }

    /// The samples, in rising order.
    pub(crate) fn samples(&self) -> &[Service] {
        &self.samples
    }

    /// Sum of the samples `from..to`.
    pub(crate) fn sum(&self, from: usize, to: usize) -> u128 {
        self.sums[to] - self.sums[from]
    }
}
