//! Which changes a follower is told of: those of jobs that it sees.

use std::collections::BTreeMap;

use engine::JobId;

use super::identity::Identity;
use crate::access::Scope;
use crate::handle::{Change, Down, Handle};

/// Jobs that are remembered; then they are looked up again.
const KNOWN_MAX: usize = 10_000;

/// What one follower sees.
pub(super) struct Visible {
    identity: Identity,
    handle: Handle,
    /// The tenant of a job does not change.
    known: BTreeMap<JobId, bool>,
}

impl Visible {
    pub(super) fn new(identity: Identity, handle: Handle) -> Self {
        Self { identity, handle, known: BTreeMap::new() }
    }

    /// Whether the follower is told.
    pub(super) async fn sees(&mut self, change: &Change) -> Result<bool, Down> {
        let Change::Job { job, .. } = change else { return Ok(true) };
        let scope = self.identity.scope();
        if scope == Scope::All {
            return Ok(true);
        }
        let job = *job;
        if let Some(seen) = self.known.get(&job) {
            return Ok(*seen);
        }
        let seen = self.handle.look(move |_, book| scope.sees(book, job)).await?;
        if self.known.len() >= KNOWN_MAX {
            self.known.clear();
        }
        self.known.insert(job, seen);
        Ok(seen)
    }
}
