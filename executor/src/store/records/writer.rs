//! The thread that writes: many records a transaction when there is much to do, one when there is little.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use super::{Projected, Records, RecordsError};
use crate::store::Position;

/// Rows after which a transaction ends even if more wait, so that readers see news.
const ROWS_MAX: usize = 4096;

/// The way to the thread. When it is dropped, all that was sent is written first.
#[derive(Debug)]
pub struct Writer {
    sender: Option<SyncSender<Message>>,
    thread: Option<JoinHandle<()>>,
    progress: Arc<Mutex<Progress>>,
    /// Records that were sent and are not written.
    waiting: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Progress {
    watermark: Position,
    cause: Option<String>,
}

#[derive(Debug)]
enum Message {
    Projected(Projected),
    Sync(SyncSender<()>),
}

impl Writer {
    /// Starts the thread; `waiting_max` records may wait for it.
    pub fn start(records: Records, waiting_max: usize) -> Result<Self, RecordsError> {
        let (sender, receiver) = sync_channel(waiting_max);
        let progress = Arc::new(Mutex::new(Progress { watermark: records.watermark(), cause: None }));
        let shared = Arc::clone(&progress);
        let waiting = Arc::new(AtomicU64::new(0));
        let left = Arc::clone(&waiting);
        let path = records.path.clone();
        let thread =
            thread::Builder::new().name("records".to_owned()).spawn(move || work(records, &receiver, &shared, &left));
        let thread = thread.map_err(|source| RecordsError::io("start the writer of", &path, source))?;
        Ok(Self { sender: Some(sender), thread: Some(thread), progress, waiting })
    }

    /// Sends the rows of one record. Waits while too many wait.
    pub fn send(&self, projected: Projected) -> Result<(), RecordsError> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.post(Message::Projected(projected))
    }

    /// Where it stands how many records were sent and are not written.
    pub fn waiting(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.waiting)
    }

    /// Waits until all that was sent is written and survives a power cut. To be called before the journal is rotated.
    pub fn sync(&self) -> Result<(), RecordsError> {
        let (done, wait) = sync_channel(1);
        self.post(Message::Sync(done))?;
        wait.recv().map_err(|_| self.stopped())
    }

    /// Up to where the rows are visible to readers.
    pub fn watermark(&self) -> Position {
        lock(&self.progress).watermark
    }

    fn post(&self, message: Message) -> Result<(), RecordsError> {
        match &self.sender {
            Some(sender) => sender.send(message).map_err(|_| self.stopped()),
            None => Err(self.stopped()),
        }
    }

    fn stopped(&self) -> RecordsError {
        let cause = lock(&self.progress).cause.clone();
        RecordsError::Stopped { cause: cause.unwrap_or_else(|| "their writer has ended".to_owned()) }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was reported where it happened.
            let _ = thread.join();
        }
    }
}

fn work(mut records: Records, receiver: &Receiver<Message>, progress: &Mutex<Progress>, waiting: &AtomicU64) {
    while let Ok(first) = receiver.recv() {
        let (batches, syncs) = gather(first, receiver);
        let mut result = records.apply(&batches);
        if result.is_ok() && !syncs.is_empty() {
            result = records.sync();
        }
        let mut progress = lock(progress);
        progress.watermark = records.watermark();
        if let Err(error) = result {
            // The channel closes with this thread, so that the next call learns the cause.
            progress.cause = Some(error.to_string());
            return;
        }
        drop(progress);
        waiting.fetch_sub(batches.len() as u64, Ordering::Relaxed);
        for done in syncs {
            // Whoever waited may have gone away.
            let _ = done.send(());
        }
    }
}

/// What waits, up to the first who wants it synced.
fn gather(first: Message, receiver: &Receiver<Message>) -> (Vec<Projected>, Vec<SyncSender<()>>) {
    let (mut batches, mut syncs, mut rows) = (Vec::new(), Vec::new(), 0);
    let mut next = Ok(first);
    loop {
        match next {
            Ok(Message::Projected(projected)) => {
                rows += projected.rows.len();
                batches.push(projected);
            }
            Ok(Message::Sync(done)) => syncs.push(done),
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => return (batches, syncs),
        }
        if rows >= ROWS_MAX || !syncs.is_empty() {
            return (batches, syncs);
        }
        next = receiver.try_recv();
    }
}

fn lock(progress: &Mutex<Progress>) -> MutexGuard<'_, Progress> {
    progress.lock().unwrap_or_else(PoisonError::into_inner)
}
