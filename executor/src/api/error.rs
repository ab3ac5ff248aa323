//! What the API answers when it does not do what it was asked for. Codes are stable, texts are not.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use engine::RunId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::SCHEMA;
use crate::handle::Down;
use crate::submission::Refused;
use crate::world::Done;

/// The body of every answer that is not 2xx.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Version of the answer.
    pub schema: u32,
    /// Stable code, such as `unknown-job`.
    #[schema(schema_with = super::codes::schema)]
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// The field that is wrong, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

/// Whether a refusal is in the audit log already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// The thread that schedules has refused, and has written it down.
    Already,
    /// The API has refused.
    NotYet,
}

/// A refusal.
#[derive(Clone, Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    problem: Problem,
    written: Written,
}

/// Rides on the response of a refusal that is not written down yet.
#[derive(Clone, Debug)]
pub(super) struct Unwritten {
    pub(super) code: String,
    pub(super) message: String,
}

impl ApiError {
    pub(super) fn new(status: StatusCode, code: &str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        let (message, hint) = (message.into(), hint.into());
        debug_assert!(super::codes::holds(code, status.as_u16()), "{code} with {status} is not in the table of codes");
        let problem = Problem { schema: SCHEMA, code: code.to_owned(), message, hint, field: None };
        Self { status, problem, written: Written::NotYet }
    }

    pub(super) fn at(mut self, field: impl Into<String>) -> Self {
        self.problem.field = Some(field.into());
        self
    }

    fn written(mut self) -> Self {
        self.written = Written::Already;
        self
    }

    pub(super) fn unknown_job(job: &str) -> Self {
        let hint = "`trainyard queue --state all` lists the jobs; name one by number or by name";
        Self::new(StatusCode::NOT_FOUND, "unknown-job", format!("there is no job `{job}`"), hint)
    }

    pub(super) fn unknown_node(node: &str) -> Self {
        let message = format!("there is no node `{node}`");
        Self::new(StatusCode::NOT_FOUND, "unknown-node", message, "`trainyard nodes` lists them")
    }

    pub(super) fn unknown_route() -> Self {
        let hint = "routes begin with /v1; the client may be of another version than the server";
        Self::new(StatusCode::NOT_FOUND, "unknown-route", "there is no such route", hint)
    }

    pub(super) fn wrong_method() -> Self {
        let hint = "look with GET, change with POST";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "wrong-method", "this route has no such method", hint)
    }

    /// A part of the path is no text.
    pub(super) fn bad_path() -> Self {
        let hint = "percent-encode the UTF-8 bytes of names";
        Self::new(StatusCode::BAD_REQUEST, "bad-path", "a part of the path is no text", hint)
    }

    pub(super) fn timed_out() -> Self {
        let hint = "it may have been done all the same: look, or submit again with the same Idempotency-Key";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", "the server did not answer in time", hint)
    }

    /// What the thread that schedules says, where it did not do what it was asked for.
    pub(super) fn of(done: Done) -> Self {
        match done {
            Done::Refused(Refused { field, message, hint }) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", message, hint).at(field).written()
            }
            Done::Unknown(what) => {
                Self::new(StatusCode::NOT_FOUND, "unknown", what, "it may have ended in the meantime").written()
            }
            Done::QueueFull { tenant, jobs_max } => {
                let whose = tenant.map_or_else(|| "this server".to_owned(), |tenant| format!("tenant `{tenant}`"));
                let message = format!("{jobs_max} jobs of {whose} wait or run, and more may not");
                let hint = "submit again when some have ended, or cancel some";
                Self::new(StatusCode::CONFLICT, "queue-full", message, hint).written()
            }
            done => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", format!("{done:?}"), "report this"),
        }
    }

    /// A job file that is refused before it is submitted.
    pub(super) fn of_refused(refused: Refused) -> Self {
        Self { written: Written::NotYet, ..Self::of(Done::Refused(refused)) }
    }

    /// No such run, or none that may be known of.
    pub(super) fn unknown_run(run: RunId) -> Self {
        let message = format!("job {} has no such run that makes progress", run.job.0);
        Self { written: Written::NotYet, ..Self::of(Done::Unknown(message)) }
    }

    /// The same refusal without a submission.
    pub(super) fn of_trial(refused: Refused) -> Self {
        Self::of(Done::Refused(refused))
    }
}

impl From<Down> for ApiError {
    fn from(down: Down) -> Self {
        let hint = "look at the log of the server, and start it again";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "down", down.to_string(), hint)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = json(self.status, &self.problem);
        if self.written == Written::NotYet {
            let Problem { code, message, .. } = self.problem;
            response.extensions_mut().insert(Unwritten { code, message });
        }
        response
    }
}

/// An answer in JSON.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    // Plain data with text keys always has a JSON form.
    let bytes = serde_json::to_vec(body).unwrap_or_default();
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    (status, [kind], bytes).into_response()
}
