//! What every request of the API passes: who calls, how long it may take, and the audit log of refusals.

use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::App;
use super::error::{ApiError, Unwritten};
use super::identity::{Caller, forbidden};
use crate::note::Audit;
use crate::world::Wish;

/// Longest text of a caller that goes into the audit log.
const SUBJECT_MAX: usize = 200;

pub(super) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let caller = request.extensions().get().cloned().unwrap_or(Caller::Stranger { uid: None });
    let changes = request.method() != Method::GET;
    let verb = request.method().as_str().to_owned();
    let subject: String = request.uri().path().chars().take(SUBJECT_MAX).collect();
    let (audit, response) = match &caller {
        Caller::Known(identity) => {
            let answered = tokio::time::timeout(app.settings.request_timeout, next.run(request)).await;
            (identity.audit(), answered.unwrap_or_else(|_| ApiError::timed_out().into_response()))
        }
        Caller::Stranger { uid } => {
            let who = uid.map_or_else(|| "unknown".to_owned(), |uid| format!("uid-{uid}"));
            (Audit { who, from: "unix".to_owned(), ..Audit::default() }, forbidden().into_response())
        }
    };
    let refused = response.extensions().get::<Unwritten>();
    if let Some(Unwritten { code, message }) = refused.filter(|_| changes || matches!(caller, Caller::Stranger { .. }))
    {
        let (outcome, detail) = (code.clone(), message.clone());
        let audit = Audit { verb, subject, outcome, detail, ..audit };
        // Where nothing can be written any more, the refusal stands all the same.
        let _ = tokio::time::timeout(app.settings.request_timeout, app.handle.ask(Wish::Refusal, audit)).await;
    }
    response
}
