//! Why a server does not start, or ends.

use std::path::PathBuf;

use engine::snapshot::SnapshotError;

use crate::access::TokensError;
use crate::ledger::LiveError;
use crate::store::{Position, StoreError};

/// Why a server does not start, or ends.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The state folder cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A snapshot cannot be read.
    #[error("the snapshot of {}: {source}", state.display())]
    Snapshot {
        /// The state folder.
        state: PathBuf,
        /// Why.
        source: SnapshotError,
    },
    /// What is beside the core in a snapshot, or a note in the journal, cannot be read.
    #[error("{what} of {} cannot be read: {message}", state.display())]
    Unreadable {
        /// The state folder.
        state: PathBuf,
        /// What.
        what: String,
        /// Why.
        message: String,
    },
    /// The same facts lead to other orders than those that were recorded.
    #[error("record {} of segment {}: its facts lead to other orders than those that were carried out", .0.record, .0.segment)]
    Diverged(Position),
    /// The cluster was changed in a way that the journal cannot follow.
    #[error("the cluster of {} cannot become the one that is configured: {message}", state.display())]
    ClusterChanged {
        /// The state folder.
        state: PathBuf,
        /// Why.
        message: String,
    },
    /// There is no such policy.
    #[error("policy: {0}")]
    Policy(String),
    /// Programs cannot be run.
    #[error("programs cannot be run with {}: {source}", state.display())]
    Launcher {
        /// The state folder.
        state: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The records cannot be used.
    #[error("{0}")]
    Records(String),
    /// A thread cannot be started.
    #[error("a thread cannot be started: {0}")]
    Thread(#[source] std::io::Error),
    /// Nobody can be let in.
    #[error("{what}: {source}")]
    Listen {
        /// Where.
        what: String,
        /// Why.
        source: std::io::Error,
    },
    /// What the configuration says of access cannot be done.
    #[error("{0}")]
    Access(String),
    /// The tokens cannot be used.
    #[error(transparent)]
    Tokens(TokensError),
    /// It had to stop.
    #[error(transparent)]
    Live(#[from] LiveError),
}

impl ServeError {
    /// What to do.
    pub fn hint(&self) -> String {
        match self {
            Self::Store(error) => error.hint(),
            Self::Snapshot { .. } | Self::Unreadable { .. } => {
                "start from an earlier snapshot with --from-snapshot N; 1 replays the whole journal".to_owned()
            }
            Self::Diverged(_) => {
                "another version of trainyard wrote this journal: start the version that its header names, or use a new --state"
                    .to_owned()
            }
            Self::ClusterChanged { .. } => {
                "start with the nodes as they were, drain what is to change, and change it when it is empty".to_owned()
            }
            Self::Policy(_) => "`trainyard policies` lists the policies and their knobs".to_owned(),
            Self::Launcher { .. } => "see whether the folder can be written to, and whether its path is short enough for a socket".to_owned(),
            Self::Records(_) => "remove records.sqlite: it is built again from the journal".to_owned(),
            Self::Thread(_) => "raise the limit of processes (ulimit -u)".to_owned(),
            Self::Access(_) => "docs/access.md describes users, tenants, certificates and as whom jobs run".to_owned(),
            Self::Tokens(error) => error.hint.to_owned(),
            Self::Listen { .. } => "see whether another server listens there".to_owned(),
            Self::Live(LiveError::Journal(_)) => {
                "programs go on; make room or mend the disk, and start the server again: nothing acknowledged is lost".to_owned()
            }
            Self::Live(LiveError::Fault(_)) => "this is a defect: please report it with the journal".to_owned(),
        }
    }
}
