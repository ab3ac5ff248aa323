//! Figures for Prometheus.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::App;
use super::error::ApiError;
use super::identity::Identity;

const KIND: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All figures, in the text format of Prometheus.
#[utoipa::path(
    get, path = "/metrics", tag = "server", operation_id = "metrics",
    responses(
        (status = 200, description = "Text format 0.0.4", body = String, content_type = "text/plain"),
        (status = 500, description = "`internal`", body = super::Problem),
    ),
)]
pub(super) async fn show(State(app): State<App>, identity: Identity) -> Result<Response, ApiError> {
    // Its labels name tenants.
    identity.sees_all()?;
    let metrics = std::sync::Arc::clone(app.handle.metrics());
    let read = std::sync::Arc::clone(&metrics);
    app.handle.look(move |core, book| read.look(core, book)).await?;
    metrics.connections.set(app.shutdown.connections().cast_signed());
    let text = metrics.text().map_err(|error| {
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string(), "report this")
    })?;
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static(KIND))], text).into_response())
}
