//! What everybody else holds of the thread that schedules: they ask, they look, they follow.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use engine::{Core, JobId};
use serde::Serialize;
use tokio::sync::{broadcast, oneshot};

use crate::book::Book;
use crate::metrics::Metrics;
use crate::note::Audit;
use crate::world::{Done, Message, Request, Wish};

/// Changes that a slow follower may fall behind by before it is told that it has missed some.
const FOLLOWERS_LAG: usize = 4096;

/// The server does not schedule any more: it stops, or its journal cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server does not take requests any more")]
pub struct Down;

/// A job or a node that changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Change {
    /// A job entered another phase, started, saved or ended.
    Job {
        /// The job.
        job: JobId,
        /// Word for its state, as [`crate::view::JobView::state`].
        state: &'static str,
    },
    /// A node came up, drains or went down.
    Node {
        /// Its name.
        node: String,
        /// Word for its state.
        state: &'static str,
    },
}

/// A way to the thread that schedules.
#[derive(Clone, Debug)]
pub struct Handle {
    messages: Sender<Message>,
    changes: broadcast::Sender<Change>,
    metrics: Arc<Metrics>,
}

impl Handle {
    /// A way to whoever receives `messages`.
    pub fn new(messages: Sender<Message>) -> Self {
        Self { messages, changes: broadcast::Sender::new(FOLLOWERS_LAG), metrics: Arc::default() }
    }

    /// The figures of the server.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Asks for something. The answer comes once it is on disk.
    pub async fn ask(&self, wish: Wish, audit: Audit) -> Result<Done, Down> {
        let (sender, receiver) = oneshot::channel();
        // Who asked may have gone away; it is done all the same.
        let answer = Box::new(move |done| drop(sender.send(done)));
        self.send(Message::Request(Box::new(Request { wish, audit, answer })))?;
        receiver.await.map_err(|_| Down)
    }

    /// Looks at the state between two steps. Scheduling waits meanwhile, so look briefly.
    pub async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Core, &Book) -> T + Send + 'static,
    ) -> Result<T, Down> {
        let (sender, receiver) = oneshot::channel();
        let look = Box::new(move |core: &Core, book: &Book| drop(sender.send(look(core, book))));
        self.send(Message::Look(look))?;
        receiver.await.map_err(|_| Down)
    }

    /// Follows what changes from now on.
    pub fn follow(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// Tells who follows.
    pub fn tell(&self, change: Change) {
        // Nobody may follow.
        let _ = self.changes.send(change);
    }

    /// Ends the server; runs go on.
    pub fn stop(&self) -> Result<(), Down> {
        self.send(Message::Stop)
    }

    fn send(&self, message: Message) -> Result<(), Down> {
        self.messages.send(message).map_err(|_| Down)
    }
}
