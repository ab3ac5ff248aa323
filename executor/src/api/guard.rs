//! What every request of the API passes: who calls, how long it may take, and the audit log of refusals.

use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::App;
use super::admit::{Turned, admit};
use super::error::{ApiError, Unwritten};
use super::peers::Caller;
use crate::note::Audit;
use crate::world::Wish;

/// Longest text of a caller that goes into the audit log.
const SUBJECT_MAX: usize = 200;
/// Refusals to look that say nothing of whoever looks: nothing is written yet, or the server is busy or ends.
const HARMLESS: [&str; 4] = ["no-logs", "no-records", "timeout", "down"];

/// The outcome where a job of others was asked for. Whoever asked was told that there is none.
const FOREIGN: &str = "foreign-tenant";

pub(super) async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let caller = request.extensions().get().cloned().unwrap_or(Caller::Stranger { uid: None });
    let changes = request.method() != Method::GET;
    let verb = request.method().as_str().to_owned();
    let subject: String = request.uri().path().chars().take(SUBJECT_MAX).collect();
    match admit(&app.settings.access, &caller, request.headers(), request.method(), app.settings.body_max) {
        Err(turned) => {
            let Turned { audit, response } = *turned;
            let refused = response.extensions().get().cloned();
            write(&app, Audit { verb, subject, ..audit }, refused).await;
            response
        }
        Ok(identity) => {
            request.extensions_mut().insert(Caller::Known(identity.clone()));
            let answered = tokio::time::timeout(app.settings.request_timeout, next.run(request)).await;
            let response = answered.unwrap_or_else(|_| ApiError::timed_out().into_response());
            let hidden = identity.has_hidden() && !response.status().is_success();
            let refused = response.extensions().get::<Unwritten>().cloned();
            // Who runs the server may ask for what is not there; others who do may be looking for a way in.
            let probes = |code: &str| identity.counted.is_some() && !HARMLESS.contains(&code);
            let refused = refused.filter(|refused| hidden || changes || probes(&refused.code));
            if let Some(mut refused) = refused {
                if hidden {
                    FOREIGN.clone_into(&mut refused.code);
                }
                write(&app, Audit { verb, subject, ..identity.audit() }, Some(refused)).await;
            }
            response
        }
    }
}

/// Writes a refusal down, unless its source was refused too often lately.
async fn write(app: &App, mut audit: Audit, refused: Option<Unwritten>) {
    if let Some(Unwritten { code, message }) = refused {
        audit.outcome = code;
        if audit.detail.is_empty() {
            audit.detail = message;
        }
    }
    let source = format!("{} {}", audit.from, audit.who);
    if app.settings.access.refusals.is_written(&source, Instant::now()) {
        // Where nothing can be written any more, the refusal stands all the same.
        let _ = tokio::time::timeout(app.settings.request_timeout, app.handle.ask(Wish::Refusal, audit)).await;
    }
}
