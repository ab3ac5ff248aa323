//! Who has held how many GPUs for how long.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use engine::{MICROS, MILLI};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::answers::{UsageReport, UsageView};
use super::error::{ApiError, Problem, json};
use super::extract::Params;
use super::identity::Identity;
use super::records::ask;
use super::{App, SCHEMA};
use crate::calendar::{day_of, day_text, read_day};
use crate::store::records::{Usage, UsageFilter, UsageKey};

/// Days that are shown where the client does not say.
const DAYS: u32 = 30;

/// Whose usage of which days, and how it is added up.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct UsageParams {
    /// The first day (UTC); default: so that 30 days are shown.
    #[param(pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
    since: Option<String>,
    /// The last day (UTC), which is counted too; default: today.
    #[param(pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
    until: Option<String>,
    /// What has a line of its own; default: `tenant`.
    #[serde(default)]
    #[param(inline)]
    by: By,
    /// Only this tenant and those below it.
    tenant: Option<String>,
}

/// What has a line of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum By {
    #[default]
    Tenant,
    Owner,
    Model,
    Day,
}

impl By {
    fn key(self) -> UsageKey {
        match self {
            Self::Tenant => UsageKey::Tenant,
            Self::Owner => UsageKey::Owner,
            Self::Model => UsageKey::Model,
            Self::Day => UsageKey::Day,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Owner => "owner",
            Self::Model => "model",
            Self::Day => "day",
        }
    }
}

impl UsageParams {
    fn filter(&self, identity: &Identity, now_us: u64) -> Result<UsageFilter, ApiError> {
        let day = |text: &Option<String>, field: &'static str| {
            let wrong = |text: &str| {
                let message = format!("`{text}` is no day");
                ApiError::new(StatusCode::BAD_REQUEST, "bad-query", message, "write it as 2026-01-31").at(field)
            };
            text.as_deref().map(|text| read_day(text).ok_or_else(|| wrong(text))).transpose()
        };
        let last = day(&self.until, "until")?.unwrap_or_else(|| day_of(now_us));
        let first = day(&self.since, "since")?.unwrap_or_else(|| last.saturating_sub(DAYS - 1));
        let below = identity.narrowed(self.tenant.as_deref())?;
        Ok(UsageFilter { first, last, below, by: self.by.key(), now_us })
    }
}

/// What jobs have held, from the records.
#[utoipa::path(
    get, path = "/v1/usage", tag = "jobs", operation_id = "usage", summary = "Who has held how many GPUs for how long.",
    params(UsageParams),
    responses(
        (status = 200, description = "A line a key, ordered by it", body = UsageReport),
        (status = 400, description = "`bad-query`", body = Problem),
        (status = 503, description = "`no-records`, `down`, `timeout`", body = Problem),
    ),
)]
pub(super) async fn usage(
    State(app): State<App>,
    identity: Identity,
    Params(params): Params<UsageParams>,
) -> Result<Response, ApiError> {
    let now_us = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64);
    let filter = params.filter(&identity, now_us)?;
    let (since, until) = (day_text(filter.first), day_text(filter.last));
    let lines = ask(&app, move |reader| reader.usage(&filter)).await?;
    let mut total = Usage::default();
    for usage in lines.values() {
        total += *usage;
    }
    let rows = lines.into_iter().map(|(key, usage)| view(key, &usage)).collect();
    let by = params.by.name().to_owned();
    Ok(json(
        StatusCode::OK,
        &UsageReport { schema: SCHEMA, since, until, by, rows, total: view(String::new(), &total) },
    ))
}

fn view(key: String, usage: &Usage) -> UsageView {
    let gpu_s = |sum: u128| sum as f64 / (f64::from(MILLI) * MICROS as f64);
    UsageView {
        key,
        gpu_s: gpu_s(usage.held),
        finished_gpu_s: gpu_s(usage.finished),
        failed_gpu_s: gpu_s(usage.failed),
        stopped_gpu_s: gpu_s(usage.stopped),
        running_gpu_s: gpu_s(usage.running),
        lost_gpu_s: gpu_s(usage.lost),
        runs: usage.runs,
        jobs: usage.jobs,
    }
}
