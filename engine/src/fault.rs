//! Facts that contradict what the engine knows. A world that sends one is broken; nothing is guessed.

use crate::ids::{ClassId, JobId, KindId, NameId, NodeId, QueueId, TenantId};
use crate::time::Time;

/// A contradiction between a fact, or a policy's draft, and the state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A fact is older than the last one.
    #[error("time went back from {from} to {to}")]
    TimeWentBack {
        /// The last instant.
        from: Time,
        /// The instant of the fact.
        to: Time,
    },
    /// Jobs are numbered in order of submission.
    #[error("{0} was submitted out of order")]
    JobOutOfOrder(JobId),
    /// Classes are numbered in order of declaration.
    #[error("{0} was declared out of order")]
    ClassOutOfOrder(ClassId),
    /// A shape without groups, or a group without tasks.
    #[error("{0} has no tasks")]
    MalformedShape(ClassId),
    /// Tenants are numbered in order of declaration, parents first, with a positive weight.
    #[error("{0} was declared out of order, before its parent, or with weight 0")]
    TenantOutOfOrder(TenantId),
    /// Queues are numbered in order of declaration.
    #[error("{0} was declared out of order")]
    QueueOutOfOrder(QueueId),
    /// Names are numbered in order of declaration.
    #[error("{0} was declared out of order")]
    NameOutOfOrder(NameId),
    /// Kinds of jobs are numbered in order of declaration.
    #[error("{0} was declared out of order")]
    KindOutOfOrder(KindId),
    /// A job names a class, tenant, queue, name or parent that does not exist.
    #[error("{0} names a class, a tenant, a queue, a name or a parent that does not exist")]
    BadReference(JobId),
    /// A fact about a job that was never submitted.
    #[error("{0} does not exist")]
    UnknownJob(JobId),
    /// A fact about a node that the cluster does not have.
    #[error("{0} does not exist")]
    UnknownNode(NodeId),
    /// A policy left a what-if in its draft.
    #[error("the policy did not roll back the what-if about {0}")]
    OpenWhatIf(JobId),
    /// A policy took a run off its GPUs and gave it no others.
    #[error("the policy lifted {0} and did not land it")]
    NotLanded(JobId),
}
