//! Dense identifiers. Each indexes only its own table.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! dense_id {
    ($($(#[$doc:meta])* $name:ident($repr:ty) $letter:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub $repr);

        impl $name {
            /// The identifier of row `index`.
            pub fn new(index: usize) -> Self {
                debug_assert!(<$repr>::try_from(index).is_ok());
                Self(index as $repr)
            }

            /// The row in the table of this identifier.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", $letter, self.0)
            }
        }
    )*};
}

dense_id! {
    /// A job, in order of submission.
    JobId(u32) "j";
    /// A node of the cluster.
    NodeId(u32) "n";
    /// An interned shape: jobs of one class ask for the same gang.
    ClassId(u32) "c";
    /// A tenant or an inner node of the tenant tree.
    TenantId(u32) "t";
    /// A queue (partition, virtual cluster); 0 for none.
    QueueId(u16) "q";
    /// A name that the user gave: of a job, or of a quality of service.
    NameId(u32) "s";
    /// A kind of job: jobs of one kind go equally fast on equal GPUs.
    KindId(u32) "k";
    /// A pool of nodes.
    PoolId(u16) "p";
    /// A GPU model.
    ModelId(u8) "m";
    /// A domain of the topology tree (NVLink domain, rack, zone).
    DomainId(u32) "d";
    /// An application class: jobs that feel the differences between GPUs of one model alike.
    AppId(u8) "a";
}

/// One attempt of a job on one placement. At most one run of a job is live;
/// a fact about any other run is ignored, so timers never need cancelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunId {
    /// The job.
    pub job: JobId,
    /// 1 for the first attempt.
    pub attempt: u32,
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.job, self.attempt)
    }
}
