//! A body that is written while it is sent: logs and events.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use hyper::body::Frame;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Pieces that may wait until the client takes them; then the writer waits.
const PIECES: usize = 8;

/// The receiving end. It is dropped when the client goes away, which the sender notices.
struct Feed(Receiver<Bytes>);

/// A body, and the way to write it.
pub(super) fn feed() -> (Sender<Bytes>, Body) {
    let (sender, receiver) = channel(PIECES);
    (sender, Body::new(Feed(receiver)))
}

impl hyper::body::Body for Feed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|bytes| Ok(Frame::data(bytes))))
    }
}
