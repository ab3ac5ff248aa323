//! A world that stops for a while when a time has come, so that another policy can take over.

use engine::{Command, Input, Time, World};

/// A world, and how far it is to go.
#[derive(Debug)]
pub(super) struct Until<W> {
    world: W,
    /// When it stops.
    end: Option<Time>,
    /// Facts of that time or later, which the world has told already.
    held: Vec<Input>,
}

impl<W: World> Until<W> {
    /// To its end.
    pub(super) fn new(world: W) -> Self {
        Self { world, end: None, held: Vec::new() }
    }

    /// To the first fact of this time or later, or to its end.
    pub(super) fn until(&mut self, end: Option<Time>) {
        self.end = end;
    }

    /// The world.
    pub(super) fn world(&self) -> &W {
        &self.world
    }
}

impl<W: World> World for Until<W> {
    type Error = W::Error;

    fn next(&mut self, batch: &mut Vec<Input>) -> Result<bool, W::Error> {
        if self.held.is_empty() && !self.world.next(&mut self.held)? {
            return Ok(false);
        }
        let is_later = |end: Time| self.held.first().is_some_and(|input| input.at >= end);
        if self.end.is_some_and(is_later) {
            return Ok(false);
        }
        batch.append(&mut self.held);
        Ok(true)
    }

    fn perform(&mut self, now: Time, command: &Command) -> Result<(), W::Error> {
        self.world.perform(now, command)
    }
}
