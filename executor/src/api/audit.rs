//! The audit log, for admins.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use super::answers::AuditLines;
use super::error::{ApiError, Problem, json};
use super::extract::Params;
use super::identity::{Identity, Role};
use super::records::ask;
use super::{App, SCHEMA};
use crate::store::records::AuditFilter;

/// Lines of a page where the client does not say.
const PAGE: u32 = 100;
/// Most lines of a page.
const PAGE_MAX: u32 = 10_000;

/// Which lines, and how many. The newest come first.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditParams {
    /// Of this user or token.
    who: Option<String>,
    /// About this, such as `job 7`.
    subject: Option<String>,
    /// With this verb.
    verb: Option<String>,
    /// With this outcome.
    outcome: Option<String>,
    /// Not before this instant, in microseconds since 1970.
    since_us: Option<u64>,
    /// The last line of the page before.
    after: Option<u64>,
    /// Most lines; default: 100.
    #[param(minimum = 1, maximum = 10000)]
    limit: Option<u32>,
}

/// Who did what from where, with the outcome.
#[utoipa::path(
    get, path = "/v1/audit", tag = "server", operation_id = "audit",
    params(AuditParams),
    responses(
        (status = 200, description = "A page, the newest lines first", body = AuditLines),
        (status = 400, description = "`bad-query`", body = Problem),
        (status = 503, description = "`no-records`, `down`, `timeout`", body = Problem),
    ),
)]
pub(super) async fn audit(
    State(app): State<App>,
    identity: Identity,
    Params(params): Params<AuditParams>,
) -> Result<Response, ApiError> {
    identity.at_least(Role::Admin)?;
    let limit = params.limit.unwrap_or(PAGE).clamp(1, PAGE_MAX);
    let AuditParams { who, subject, verb, outcome, since_us, after, .. } = params;
    let filter = AuditFilter { who, subject, verb, outcome, since_us, before: after, limit };
    let lines = ask(&app, move |reader| reader.audit(&filter)).await?;
    let next = lines.last().filter(|_| lines.len() == limit as usize).map(|line| line.seq);
    Ok(json(StatusCode::OK, &AuditLines { schema: SCHEMA, lines, next }))
}
