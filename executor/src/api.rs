//! The API: HTTP with JSON on a unix socket.
//!
//! ```text
//!   socket ─▶ server (limits, who calls) ─▶ guard (time limit, audit) ─▶ handlers ─▶ Handle ─▶ the thread that schedules
//! ```
//!
//! Handlers hold nothing: they ask the thread that schedules, or look at its state between two steps.

pub mod answers;
pub mod client;
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
mod nodes;
pub mod server;
mod verbs;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

pub use self::error::Problem;
use self::error::{ApiError, json};
pub use self::identity::{Caller, Identity, Peers, Role};
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
    /// Longest body of a request, in bytes.
    pub body_max: usize,
    /// Longest wait for an answer to begin.
    pub request_timeout: Duration,
    /// What is known of the GPUs of this machine.
    pub devices: Arc<Devices>,
}

impl Settings {
    /// The settings of a server that began at `origin_us` and whose runs leave their files below `runs`.
    pub fn new(origin_us: u64, runs: impl Into<PathBuf>) -> Self {
        Self {
            origin_us,
            runs: runs.into(),
            body_max: 1 << 20,
            request_timeout: Duration::from_secs(30),
            devices: Arc::default(),
        }
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
        .fallback(async || ApiError::unknown_route())
        .method_not_allowed_fallback(async || ApiError::wrong_method())
        .layer(DefaultBodyLimit::max(body_max))
        .layer(from_fn_with_state(app.clone(), guard::guard))
        .route("/healthz", get(async || json(axum::http::StatusCode::OK, &answers::Health { status: "alive".into() })))
        .route("/readyz", get(ready))
        .with_state(app)
}

/// Whether the thread that schedules answers.
async fn ready(axum::extract::State(app): axum::extract::State<App>) -> Result<axum::response::Response, ApiError> {
    let looked = tokio::time::timeout(app.settings.request_timeout, app.handle.look(|_, _| ()));
    looked.await.map_err(|_| ApiError::timed_out())?.map_err(|down: Down| ApiError::from(down))?;
    Ok(json(axum::http::StatusCode::OK, &answers::Health { status: "ready".into() }))
}
