//! Questions that the records answer, away from the threads that serve.

use axum::http::StatusCode;

use super::App;
use super::error::ApiError;
use crate::store::records::{Reader, RecordsError};

/// What `read` finds in the records.
pub(super) async fn ask<T: Send + 'static>(
    app: &App,
    read: impl FnOnce(&Reader) -> Result<T, RecordsError> + Send + 'static,
) -> Result<T, ApiError> {
    let records = app.settings.records.clone().ok_or_else(|| unreadable("this server keeps none"))?;
    let read = move || Reader::open(&records).and_then(|reader| read(&reader));
    let found = tokio::task::spawn_blocking(read).await.map_err(|error| unreadable(&error.to_string()))?;
    found.map_err(|error| unreadable(&error.to_string()))
}

fn unreadable(why: &str) -> ApiError {
    let hint = "the journal has it all: the next start of the server makes the records anew";
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "no-records", format!("the records cannot be read: {why}"), hint)
}
