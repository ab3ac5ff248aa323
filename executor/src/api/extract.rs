//! Bodies and queries as types. Fields that nobody knows are refused: a typing error must not be silent.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::App;
use super::error::ApiError;

/// A body in JSON.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let body_max = app.settings.body_max;
        let bytes = Bytes::from_request(request, app).await.map_err(|rejection| unread(&rejection, body_max))?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| wrong(&error))
    }
}

/// A body in JSON that may be left out: then it has its defaults.
pub(super) struct MaybeBody<T>(pub(super) T);

impl<T: DeserializeOwned + Default> FromRequest<App> for MaybeBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let body_max = app.settings.body_max;
        let bytes = Bytes::from_request(request, app).await.map_err(|rejection| unread(&rejection, body_max))?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        serde_json::from_slice(&bytes).map(Self).map_err(|error| wrong(&error))
    }
}

fn unread(rejection: &BytesRejection, body_max: usize) -> ApiError {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return too_large(body_max);
    }
    ApiError::new(StatusCode::BAD_REQUEST, "bad-body", rejection.body_text(), "send the whole body")
}

/// The answer to a body that is too long.
pub(super) fn too_large(body_max: usize) -> ApiError {
    let message = format!("the body has more than {body_max} bytes");
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", message, "keep data in files, and name them")
}

fn wrong(error: &serde_json::Error) -> ApiError {
    let hint = "compare it with the fields of a job file or of the request";
    if error.classify() != Category::Data {
        let message = format!("the body is no JSON: {error}");
        return ApiError::new(StatusCode::BAD_REQUEST, "bad-json", message, "line and column are those of the body");
    }
    let message = error.to_string();
    let problem = ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "bad-body", message.clone(), hint);
    match named_field(&message) {
        Some(field) => problem.at(field),
        None => problem,
    }
}

/// The field that a message of serde is about, where it names one.
fn named_field(message: &str) -> Option<&str> {
    let mut begins = ["unknown field `", "missing field `", "duplicate field `"].into_iter();
    let rest = begins.find_map(|begin| message.strip_prefix(begin))?;
    rest.split_once('`').map(|(field, _)| field)
}

/// The query behind the path.
pub(super) struct Params<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<App> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        Query::<T>::try_from_uri(&parts.uri).map(|Query(params)| Self(params)).map_err(|rejection| {
            let problem = |text: &str| {
                ApiError::new(
                    StatusCode::BAD_REQUEST,
                    "bad-query",
                    text,
                    "look at the spelling of the keys and the form of the values",
                )
            };
            let text = rejection.body_text();
            let text = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
            match named_field(text) {
                Some(field) => problem(text).at(field),
                None => problem(text),
            }
        })
    }
}

/// A part of the path.
pub(super) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let part = axum::extract::Path::<T>::from_request_parts(parts, app).await;
        part.map(|axum::extract::Path(part)| Self(part)).map_err(|_| ApiError::bad_path())
    }
}
