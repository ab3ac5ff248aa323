//! What the live world writes into the journal beside facts and orders. The engine does not look at it.

use engine::{JobId, RunId};
use serde::{Deserialize, Serialize};

use crate::job_file::JobFile;
use crate::launcher::End;

/// A note, as JSON in [`engine::journal::Entry::notes`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "note", rename_all = "kebab-case")]
pub enum Note {
    /// What was submitted, and by whom.
    Job {
        /// The job of the submission in the same entry.
        job: JobId,
        /// As its owner wrote it, with tenant and working directory filled in.
        file: Box<JobFile>,
        /// Who submitted it.
        owner: String,
        /// The idempotency key that came with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
        /// The user of the machine that it runs as; none: that of the server.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
    },
    /// A job saved a checkpoint.
    Checkpoint {
        /// The run that saved.
        run: RunId,
        /// Where the checkpoint is; empty where it did not say.
        checkpoint: String,
        /// The task that said so, and how many it has said in this run, where a launcher saw it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seen: Option<(u32, u32)>,
    },
    /// How a run ended, in the words of the launcher.
    End {
        /// The run.
        run: RunId,
        /// How.
        end: End,
    },
    /// Why a node is drained.
    Drained {
        /// Name of the node.
        node: String,
        /// Who wants it.
        by: String,
        /// Why.
        reason: String,
    },
    /// Why a job is on hold.
    Held {
        /// The job.
        job: JobId,
        /// Who wants it.
        by: String,
        /// Why; empty where nobody said so.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// The clock of the machine was set; scheduler time went on evenly.
    ClockStepped {
        /// By how much, in microseconds.
        by_us: i64,
    },
    /// Somebody asked for something, and what became of it.
    Audit(Audit),
}

/// A line of the audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// Who: the name on the token.
    pub who: String,
    /// Their role.
    pub role: String,
    /// From where: address, or `unix`.
    pub from: String,
    /// What they asked for, such as `job.cancel`.
    pub verb: String,
    /// What it was about, such as `job 12`.
    pub subject: String,
    /// `done`, or the code of the refusal.
    pub outcome: String,
    /// The reason that was given, or the message of the refusal.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

impl Note {
    /// The bytes for the journal.
    pub fn bytes(&self) -> Vec<u8> {
        // Plain data with text keys always has a JSON form.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads it back.
    pub fn read(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }
}
