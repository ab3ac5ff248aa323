//! First in, first out, in rounds (the FIFO baseline of Gavel, OSDI 2020).

use engine::{Draft, JobId, Needs, Policy, Reason, Span, Time};

use super::place::place_on_random_model;
use super::{Beat, Turn};
use crate::place::{Placer, place};
use crate::ready::{Filing, LaneKey, Ready};

/// Where the policy keeps, on its board, when it last looked at the queue (0: never), and the jobs and freed resources
/// that it knew of then.
const LOOKED: usize = 1;
const JOBS: usize = 2;
const FREED: usize = 3;

/// How a job gets its GPU model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Types {
    /// As the placer picks nodes.
    Any,
    /// By lot among the models that have room; all GPUs of a gang are of one model.
    Random {
        /// The seed.
        seed: u64,
    },
}

/// Jobs start at the begin of rounds, in order of arrival, until the first that does not fit; nobody is stopped.
#[derive(Debug)]
pub struct FifoRounds {
    /// When it decides.
    beat: Beat,
    placer: Placer,
    types: Types,
    /// Time that passes at least from one look at the queue to the next.
    patience: Span,
    ready: Ready,
}

struct ByArrival;

impl Filing for ByArrival {
    fn lane(&self, _draft: &Draft<'_>, _job: JobId) -> LaneKey {
        LaneKey::default()
    }
}

impl FifoRounds {
    /// A policy that looks at the queue at the begin of a round, but not sooner than `patience` after it last did.
    pub fn new(beat: Beat, placer: Placer, types: Types, patience: Span) -> Self {
        Self { beat, placer, types, patience, ready: Ready::default() }
    }

    /// Whether it may look at the queue in this round, and has a reason to: something arrived or became free since it last
    /// did (Gavel, `_update_priorities`; a look at time zero does not count there as one).
    fn looks(&self, draft: &mut Draft<'_>) -> bool {
        let (jobs, freed, now) = (draft.state().jobs().len() as u64, draft.state().freed_epoch(), draft.now());
        let idle = draft.state().round().map_or(draft.state().live().is_empty(), |round| round.idle);
        let board = draft.board();
        if board.len() <= FREED {
            board.resize(FREED + 1, 0);
        }
        let due = board[LOOKED] == 0 || now.since(Time(board[LOOKED])) >= self.patience;
        let changed = (board[JOBS], board[FREED]) != (jobs, freed);
        let looks = idle || due && changed;
        if looks {
            (board[LOOKED], board[JOBS], board[FREED]) = (now.0, jobs, freed);
        }
        looks
    }

    fn place(&self, draft: &mut Draft<'_>, job: JobId) -> bool {
        match self.types {
            Types::Random { seed } if draft.cluster().inventory().models.len() > 1 => {
                place_on_random_model(draft, job, seed)
            }
            _ => place(self.placer, draft, job),
        }
    }

    /// The first job that waits.
    fn head(&self) -> Option<JobId> {
        let heads = self.ready.active().iter().filter_map(|lane| self.ready.lane(*lane).jobs.first());
        heads.min().map(|(_, job)| *job)
    }
}

impl Policy for FifoRounds {
    fn needs(&self) -> Needs {
        Beat::needs(false)
    }

    fn decide(&mut self, _now: Time, draft: &mut Draft<'_>) {
        self.ready.sync(draft, &ByArrival);
        if self.beat.turn(draft) != Turn::Round {
            return;
        }
        if !self.looks(draft) {
            self.beat.wait(draft);
            return;
        }
        while let Some(job) = self.head() {
            if !self.place(draft, job) || draft.start(job).is_err() {
                let class = draft.state().job(job).spec.class;
                draft.refuse_class(class, draft.shortage(class));
                draft.refuse_rest(Reason::BehindHead { head: job });
                break;
            }
            self.ready.remove(job);
        }
    }
}
