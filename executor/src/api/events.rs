//! Changes as server-sent events.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc::Sender;

use super::App;
use super::feed::feed;
use super::identity::Identity;
use super::server::Shutdown;
use super::visible::Visible;
use crate::handle::{Change, Down};

/// A comment goes out after so long a silence, so that both ends notice when the other is gone.
const SILENCE: Duration = Duration::from_secs(15);

/// Changes of jobs and nodes, as they happen.
#[utoipa::path(
    get, path = "/v1/events", tag = "server", operation_id = "events",
    responses((status = 200, description = "Server-sent events `job`, `node` and `missed`, without an end", body = String,
        content_type = "text/event-stream")),
)]
pub(super) async fn events(State(app): State<App>, identity: Identity) -> Response {
    let (sender, body) = feed();
    let changes = app.handle.follow();
    tokio::spawn(tell(changes, Visible::new(identity, app.handle), sender, app.shutdown));
    ([(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-cache")], body).into_response()
}

async fn tell(mut changes: Receiver<Change>, mut visible: Visible, sender: Sender<Bytes>, shutdown: Shutdown) {
    // At once, so that the client knows that it follows.
    let mut text = ": following\n\n".to_owned();
    loop {
        if !text.is_empty() && sender.send(Bytes::from(text)).await.is_err() {
            return;
        }
        text = tokio::select! {
            change = changes.recv() => match change {
                Ok(change) => match visible.sees(&change).await {
                    Ok(true) => event(&change),
                    // Nothing is sent; the connection is looked after all the same.
                    Ok(false) => String::new(),
                    Err(Down) => return,
                },
                Err(RecvError::Lagged(missed)) => format!("event: missed\ndata: {{\"missed\":{missed}}}\n\n"),
                Err(RecvError::Closed) => return,
            },
            () = tokio::time::sleep(SILENCE) => ":\n\n".to_owned(),
            () = sender.closed() => return,
            () = shutdown.begun() => return,
        };
    }
}

fn event(change: &Change) -> String {
    let kind = match change {
        Change::Job { .. } => "job",
        Change::Node { .. } => "node",
    };
    // Plain data with text keys always has a JSON form, on one line.
    let data = serde_json::to_string(change).unwrap_or_default();
    format!("event: {kind}\ndata: {data}\n\n")
}
