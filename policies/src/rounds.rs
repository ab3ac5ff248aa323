//! Policies that decide in rounds.
//!
//! In a world that goes in rounds ([`engine::Event::Round`]) they decide at the begin of each. In any other world they
//! keep time themselves: they decide at multiples of their own round, and only while jobs wait.

mod fifo;
mod las;
mod place;
mod quota;

use engine::{Draft, Needs, Reason, Span, Time, Triggers};

pub use self::fifo::{FifoRounds, Types};
pub use self::las::{LasRounds, Stopped};
pub use self::place::RoundPlacer;
pub use self::quota::QuotaSrtf;

/// Where the policy keeps the stamp of the last round in which it decided.
const STAMP: usize = 0;

/// When a policy that decides in rounds may decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beat {
    /// The round, in a world that has none of its own. More than zero.
    pub every: Span,
}

/// What the present instant is to a policy that decides in rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// A round begins.
    Round,
    /// The same, but the policy has decided already: these are the consequences.
    Again,
    /// No round begins.
    Between,
}

impl Beat {
    /// What a policy must know that decides in rounds.
    fn needs(oracle: bool) -> Needs {
        let triggers = Triggers::FREED.and(Triggers::ARRIVED).and(Triggers::WOKE).and(Triggers::ROUND);
        Needs { oracle, triggers, usage_half_life: None }
    }

    /// What the present instant is. Outside of a round, waiting jobs wait for the next one.
    fn turn(self, draft: &mut Draft<'_>) -> Turn {
        let now = draft.now();
        let stamp = match draft.state().round() {
            Some(round) if round.began == now => round.number,
            None if now.0.is_multiple_of(self.every.0) => now.0 / self.every.0 + 1,
            _ => {
                self.wait(draft);
                return Turn::Between;
            }
        };
        let board = draft.board();
        board.resize(board.len().max(STAMP + 1), 0);
        if std::mem::replace(&mut board[STAMP], stamp) != stamp {
            return Turn::Round;
        }
        self.wait(draft);
        Turn::Again
    }

    /// Waiting jobs wait for the next round.
    fn wait(self, draft: &mut Draft<'_>) {
        draft.refuse_rest(Reason::NextRound);
        self.wake(draft);
    }

    /// Asks for the next round, if a job waits and the world has no rounds of its own.
    fn wake(self, draft: &mut Draft<'_>) {
        if draft.state().totals().ready > 0 && draft.state().round().is_none() {
            draft.wake_at(self.next(draft.now()));
        }
    }

    /// The first multiple of the round after `now`.
    fn next(self, now: Time) -> Time {
        Time((now.0 / self.every.0 + 1).saturating_mul(self.every.0))
    }
}
