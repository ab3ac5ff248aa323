//! What queues used over time (KAI, Time-based fair share): their GPU-time in a window, by what the cluster had in it.
//!
//! KAI reads it from a series of samples. Here the window is cut into parts; the board of the engine holds, for each tenant, what
//! it had used in all at the beginning of each part. The window moves by whole parts.

use engine::{Draft, Span, State, TenantId, Time, decay};

use super::division::PARTS;

/// Parts of a window.
const STEPS: u64 = 24;
/// Numbers that the board holds for each tenant.
const SLOTS: usize = STEPS as usize + 1;
/// Usage stands on the board in thousandths of a GPU x milliseconds, so that a number holds it.
const MICROS_IN_UNIT: u128 = 1000;

/// How the window moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It ends now.
    Sliding,
    /// It begins anew each time that it is over.
    Tumbling,
}

/// Time-based fair share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) length: Span,
    pub(crate) kind: Kind,
    /// After so long usage counts half; `None`: all of the window counts the same.
    pub(crate) half_life: Option<Span>,
    /// How hard usage counts, in thousandths: `kValue`.
    pub(crate) emphasis_milli: u64,
}

impl Window {
    fn step(&self) -> u64 {
        (self.length.0 / STEPS).max(1)
    }

    /// Writes down what tenants have used at the beginning of the present part, and asks for a look at the next.
    ///
    /// The board: the number of the last part that was written down plus one, then the slots of each tenant in a ring.
    pub(super) fn sample(&self, draft: &mut Draft<'_>) {
        let now = draft.now();
        let part = now.0 / self.step();
        let tenants = draft.state().tenants().len();
        let last = draft.state().board().first().copied().unwrap_or(0);
        if draft.state().board().len() < 1 + tenants * SLOTS {
            draft.board().resize(1 + tenants * SLOTS, 0);
        }
        if part + 1 > last {
            // With a look at the beginning of each part while anything runs, what is used by now was used before it.
            let used: Vec<u64> = (0..tenants).map(|at| total(draft.state(), TenantId::new(at))).collect();
            let first = last.max((part + 1).saturating_sub(SLOTS as u64));
            let board = draft.board();
            for written in first..=part {
                for (at, used) in used.iter().enumerate() {
                    board[1 + at * SLOTS + written as usize % SLOTS] = *used;
                }
            }
            board[0] = part + 1;
        }
        if !draft.state().live().is_empty() {
            draft.wake_at(Time((part + 1) * self.step()));
        }
    }

    /// Usage of a tenant by the capacity of the cluster in the window, in parts, and how hard it counts.
    pub(super) fn usage(&self, state: &State, tenant: TenantId) -> i128 {
        let (now, step) = (state.now(), self.step());
        let part = now.0 / step;
        let first = match self.kind {
            Kind::Sliding => part.saturating_sub(STEPS - 1),
            Kind::Tumbling => part / STEPS * STEPS,
        };
        let at = |part: u64| {
            let slot = 1 + tenant.index() * SLOTS + part as usize % SLOTS;
            state.board().get(slot).copied().unwrap_or(0)
        };
        let capacity = state.cluster().up_gpu_milli();
        let (mut used, mut had) = (0u128, 0u128);
        for part in first..=part {
            let begin = Time(part * step);
            let (end, until) = if part == now.0 / step {
                (now, total(state, tenant))
            } else {
                (Time((part + 1) * step), at(part + 1))
            };
            let spent = u128::from(until.saturating_sub(at(part))) * MICROS_IN_UNIT;
            let could = u128::from(capacity) * u128::from(end.since(begin).0);
            let age = now.since(end);
            let aged = |amount: u128| match self.half_life {
                Some(half_life) => decay::advance(amount, 0, age, Some(half_life)),
                None => amount,
            };
            used += aged(spent);
            had += aged(could);
        }
        let share = (used * PARTS.unsigned_abs()).checked_div(had).unwrap_or(0);
        i128::try_from(share).unwrap_or(PARTS)
    }
}

/// All that a tenant has used by now.
fn total(state: &State, tenant: TenantId) -> u64 {
    u64::try_from(state.tenants().usage(tenant, state.now()) / MICROS_IN_UNIT).unwrap_or(u64::MAX)
}
