//! What is done to a job: to which it can be, and what would come of it.

use axum::http::StatusCode;
use engine::{Cause, Hold, JobId, Phase};
use serde::Deserialize;
use utoipa::IntoParams;

use super::error::ApiError;
use crate::view;
use crate::world::Wish;

/// Whether something is done, or only said.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TrialParams {
    /// Say what would be done, and do nothing.
    #[serde(default)]
    pub(super) dry_run: bool,
}

/// What is done to a job.
#[derive(Clone, Debug)]
pub(super) enum Verb {
    Cancel,
    /// With the reason; empty where none is given.
    Hold(String),
    Release,
    PutFirst,
}

impl Verb {
    /// Whether it can be done to a job in this phase.
    pub(super) fn check(&self, id: JobId, phase: Phase) -> Result<(), ApiError> {
        let conflict = |code, message, hint: &str| Err(ApiError::new(StatusCode::CONFLICT, code, message, hint));
        match (self, phase) {
            (_, Phase::Done(outcome)) => {
                conflict("ended", format!("job {} has ended: {}", id.0, outcome.name()), "nothing is left to be done")
            }
            (Self::Release, Phase::Held(Hold::Operator) | Phase::Draining(Cause::Held)) => Ok(()),
            (Self::Release, phase) => {
                let message = format!("job {} is not on hold: it is {}", id.0, view::state_word(phase));
                conflict("not-held", message, "`trainyard explain` says what it waits for")
            }
            (Self::PutFirst, Phase::Launching | Phase::Running) => {
                let message = format!("job {} does not wait: it is {}", id.0, view::state_word(phase));
                conflict("not-waiting", message, "it has its GPUs already")
            }
            _ => Ok(()),
        }
    }

    /// What would come of it.
    pub(super) fn would(&self, id: JobId, phase: Phase) -> String {
        let runs = matches!(phase, Phase::Launching | Phase::Running | Phase::Draining(_));
        let what = match (self, phase) {
            (Self::Cancel, _) if runs => "would be told to stop, and would end as cancelled",
            (Self::Cancel, _) => "would end as cancelled without another run",
            (Self::Hold(_), _) if runs => "would be told to stop, and would stay out of the queue",
            (Self::Hold(_), _) => "would stay out of the queue",
            (Self::Release, _) => "would go back to the queue",
            (Self::PutFirst, Phase::Held(_)) => "would go before all others once it is in the queue",
            (Self::PutFirst, _) => "would go before all others in the queue",
        };
        format!("job {} is {} and {what}", id.0, view::state_word(phase))
    }

    /// What the thread that schedules is asked.
    pub(super) fn wish(self, job: JobId) -> Wish {
        match self {
            Self::Cancel => Wish::Cancel(job),
            Self::Hold(reason) => Wish::Hold { job, reason },
            Self::Release => Wish::Release(job),
            Self::PutFirst => Wish::PutFirst(job),
        }
    }
}
