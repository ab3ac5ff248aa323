//! The API: HTTP with JSON on a unix socket.
//!
//! ```text
//!   socket ─▶ server (limits, who calls) ─▶ guard (time limit, audit) ─▶ handlers ─▶ Handle ─▶ the thread that schedules
//! ```
//!
//! Handlers hold nothing: they ask the thread that schedules, or look at its state between two steps.

mod admission;
mod admit;
pub mod answers;
mod audit;
pub mod client;
mod codes;
pub mod doors;
mod error;
mod events;
mod explain;
mod extract;
mod feed;
mod guard;
mod identity;
mod jobs;
mod log_file;
mod logs;
mod metrics;
mod nodes;
mod observe;
pub mod openapi;
mod peers;
mod records;
pub mod server;
pub mod tcp;
mod tls;
mod usage;
mod verbs;
mod visible;
mod warden;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

pub use self::admit::Access;
pub use self::error::Problem;
use self::error::{ApiError, json};
pub use self::identity::{Identity, Role};
pub use self::peers::{Caller, Door, Peers};
pub use self::warden::watch;
use crate::handle::{Down, Handle};
use crate::health::Devices;

/// Version of all answers.
pub const SCHEMA: u32 = 1;

/// What the API must know of the server, and what it allows.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Wall-clock time of scheduler time 0, in microseconds since 1970.
    pub origin_us: u64,
    /// The folder with what runs leave: `<job>-<attempt>/task-<k>/stdout`.
    pub runs: PathBuf,
    /// The records, for questions about the past; none: such questions are refused.
    pub records: Option<PathBuf>,
    /// Longest body of a request, in bytes.
    pub body_max: usize,
    /// Longest wait for an answer to begin.
    pub request_timeout: Duration,
    /// Who is let in, and how often.
    pub access: Access,
    /// What is known of the GPUs of this machine.
    pub devices: Arc<Devices>,
}

impl Settings {
    /// The settings of a server that began at `origin_us` and whose runs leave their files below `runs`.
    pub fn new(origin_us: u64, runs: impl Into<PathBuf>) -> Self {
        let (runs, body_max, request_timeout) = (runs.into(), 1 << 20, Duration::from_secs(30));
        let (access, devices) = (Access::default(), Arc::default());
        Self { origin_us, runs, records: None, body_max, request_timeout, access, devices }
    }

    /// With the records of the server.
    #[must_use]
    pub fn with_records(self, records: impl Into<PathBuf>) -> Self {
        Self { records: Some(records.into()), ..self }
    }

    /// GPUs of this machine, which `nodes` shows.
    #[must_use]
    pub fn with_devices(self, devices: Arc<Devices>) -> Self {
        Self { devices, ..self }
    }
}

/// What handlers share.
#[derive(Clone, Debug)]
struct App {
    handle: Handle,
    settings: Arc<Settings>,
    shutdown: server::Shutdown,
}

/// All routes. Answers without an end (events, logs that are followed) end with `shutdown`.
pub fn router(handle: Handle, settings: Settings, shutdown: server::Shutdown) -> Router {
    let body_max = settings.body_max;
    let app = App { handle, settings: Arc::new(settings), shutdown };
    Router::new()
        .route("/v1/jobs", post(jobs::submit).get(jobs::list))
        .route("/v1/jobs/{job}", get(jobs::show))
        .route("/v1/jobs/{job}/explain", get(explain::explain))
        .route("/v1/jobs/{job}/cancel", post(jobs::cancel))
        .route("/v1/jobs/{job}/hold", post(jobs::hold))
        .route("/v1/jobs/{job}/release", post(jobs::release))
        .route("/v1/jobs/{job}/top-priority", post(jobs::top_priority))
        .route("/v1/jobs/{job}/logs", get(logs::logs))
        .route("/v1/runs/saved", post(jobs::saved))
        .route("/v1/nodes", get(nodes::list))
        .route("/v1/nodes/{node}/drain", post(nodes::drain))
        .route("/v1/nodes/{node}/resume", post(nodes::resume))
        .route("/v1/events", get(events::events))
        .route("/v1/usage", get(usage::usage))
        .route("/metrics", get(metrics::show))
        .route("/v1/audit", get(audit::audit))
        .fallback(async || ApiError::unknown_route())
        .method_not_allowed_fallback(async || ApiError::wrong_method())
        .layer(DefaultBodyLimit::max(body_max))
        .layer(from_fn_with_state(app.clone(), guard::guard))
        .route("/v1/openapi.json", get(openapi::show))
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        // Once more, for those that came after the guard.
        .method_not_allowed_fallback(async || ApiError::wrong_method())
        .layer(from_fn_with_state(app.clone(), observe::observe))
        .with_state(app)
}

/// Whether the server answers at all.
#[utoipa::path(
    get, path = "/healthz", tag = "server", operation_id = "healthz",
    responses((status = 200, description = "It does", body = answers::Health)),
)]
async fn alive() -> axum::response::Response {
    json(axum::http::StatusCode::OK, &answers::Health { status: "alive".into() })
}

/// Whether the thread that schedules answers.
#[utoipa::path(
    get, path = "/readyz", tag = "server", operation_id = "readyz",
    responses(
        (status = 200, description = "It does", body = answers::Health),
        (status = 503, description = "`down`, `timeout`", body = Problem),
    ),
)]
async fn ready(axum::extract::State(app): axum::extract::State<App>) -> Result<axum::response::Response, ApiError> {
    let looked = tokio::time::timeout(app.settings.request_timeout, app.handle.look(|_, _| ()));
    looked.await.map_err(|_| ApiError::timed_out())?.map_err(|down: Down| ApiError::from(down))?;
    Ok(json(axum::http::StatusCode::OK, &answers::Health { status: "ready".into() }))
}
