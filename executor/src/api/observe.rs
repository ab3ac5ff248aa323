//! What is written down of every request: its number, its route, how it was answered and how long that took.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use tracing::{Instrument, Level};

use super::App;

/// Tells requests of one log apart; a client may choose it.
const ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest number that a client may choose.
const ID_MAX: usize = 64;
/// Route of requests that have none. Paths would be without number.
const NO_ROUTE: &str = "(none)";

pub(super) async fn observe(State(app): State<App>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let id = id(request.headers());
    let method = word(request.method());
    let path = request.extensions().get::<MatchedPath>();
    let route = path.map_or_else(|| NO_ROUTE.to_owned(), |path| path.as_str().to_owned());
    let span = tracing::info_span!(target: "trainyard::http", "request", id = %id, method, route = %route);
    let mut response = next.run(request).instrument(span.clone()).await;
    let (took, status) = (begun.elapsed(), response.status());
    let metrics = app.handle.metrics();
    metrics.http_seconds.with_label_values(&[method, route.as_str()]).observe(took.as_secs_f64());
    metrics.http_requests.with_label_values(&[method, route.as_str(), status.as_str()]).inc();
    let _inside = span.enter();
    let (status, us) = (status.as_u16(), took.as_micros() as u64);
    match (status, method) {
        (500.., _) => tracing::event!(target: "trainyard::http", Level::WARN, status, us, "answered"),
        (_, "GET" | "HEAD") => tracing::event!(target: "trainyard::http", Level::DEBUG, status, us, "answered"),
        _ => tracing::event!(target: "trainyard::http", Level::INFO, status, us, "answered"),
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(ID, id);
    }
    response
}

/// The number that the client chose, if it is one that can be written anywhere; else a new one.
fn id(headers: &HeaderMap) -> String {
    let plain = |text: &&str| {
        let fits = (1..=ID_MAX).contains(&text.len());
        fits && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    let chosen = headers.get(ID).and_then(|id| id.to_str().ok()).filter(plain);
    chosen.map_or_else(|| format!("{:016x}", new()), str::to_owned)
}

/// A number that is not used twice, and that another server does not use either, as far as chance goes.
fn new() -> u64 {
    static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static COUNT: AtomicU64 = AtomicU64::new(0);
    KEYS.hash_one(COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Methods that somebody may use. Others are without number.
fn word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "(other)",
    }
}
