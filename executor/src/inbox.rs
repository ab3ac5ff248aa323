//! The inbox of a server: a channel with everybody else at its other end, and the clock.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use engine::Time;

use crate::clock::Clock;
use crate::world::{Inbox, Message};

/// Most messages of one batch: those who wait behind them are served in the next.
const BATCH: usize = 4096;
/// Longest wait, so that a clock that was set is noticed.
const WAIT: Duration = Duration::from_secs(10);

/// A channel and a clock.
#[derive(Debug)]
pub struct Channel {
    receiver: Receiver<Message>,
    clock: Clock,
}

impl Channel {
    /// What comes out of `receiver`, at the time of `clock`.
    pub fn new(receiver: Receiver<Message>, clock: Clock) -> Self {
        Self { receiver, clock }
    }
}

impl Inbox for Channel {
    fn wait(&mut self, until: Option<Time>, messages: &mut Vec<Message>) -> Time {
        messages.extend(self.receiver.try_iter().take(BATCH));
        if messages.is_empty() {
            let left = until.map_or(WAIT, |until| Duration::from_micros(until.since(self.clock.now()).0));
            match self.receiver.recv_timeout(left.min(WAIT)) {
                Ok(first) => {
                    messages.push(first);
                    messages.extend(self.receiver.try_iter().take(BATCH - 1));
                }
                Err(RecvTimeoutError::Timeout) => {}
                // Nobody is left who could say anything.
                Err(RecvTimeoutError::Disconnected) => messages.push(Message::Stop),
            }
        }
        self.clock.now()
    }

    fn stepped_us(&mut self) -> Option<i64> {
        self.clock.stepped_us()
    }
}
