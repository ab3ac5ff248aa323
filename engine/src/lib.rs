//! The scheduler core of Trainyard.
//!
//! Facts go in, orders come out, a [`Policy`] decides in between. The core has no clock, does no I/O, starts no
//! threads and uses no chance: it cannot wait, cannot fail for outside reasons, and gives the same answer twice.
//! The simulator and the live executor run it unchanged behind two implementations of [`World`].

mod apply;
mod bitmap;
mod check;
pub mod cluster;
pub mod core;
pub mod decay;
pub mod draft;
pub mod drive;
pub mod event;
pub mod eviction;
pub mod fault;
pub mod ids;
pub mod inventory;
pub mod job;
pub mod journal;
pub mod oracle;
pub mod placement;
pub mod reason;
pub mod replay;
pub mod shape;
pub mod snapshot;
pub mod solves;
pub mod state;
pub mod tenants;
pub mod terms;
pub mod time;
pub mod topology;
pub mod totals;
pub mod variability;

pub use crate::cluster::{Cluster, Held, NodeState, Scan, Within};
pub use crate::core::{Core, Needs, Policy};
pub use crate::draft::{Decision, Draft, Mark};
pub use crate::drive::{NoRecord, Record, Watch, World, drive};
pub use crate::event::{Alarm, Command, Event, Exit, Input};
pub use crate::eviction::{Bill, Eviction};
pub use crate::fault::Fault;
pub use crate::ids::{
    AppId, ClassId, DomainId, JobId, KindId, ModelId, NameId, NodeId, PoolId, QueueId, RunId, TenantId,
};
pub use crate::inventory::{GpuModel, Inventory, Misfit, NodeSpec, UNLIMITED};
pub use crate::job::{Cause, Hold, Job, JobSpec, NOT_FIRST, Outcome, Phase, RetryRule};
pub use crate::oracle::Oracle;
pub use crate::placement::{Placement, Slice};
pub use crate::reason::Reason;
pub use crate::shape::{GpuRequest, MILLI, ModelSet, Shape, TaskGroup, TaskRequest};
pub use crate::solves::{Solve, Solves};
pub use crate::state::{ChangedJobs, Changes, Class, Memo, Round, State, Triggers};
pub use crate::tenants::{Tenant, Tenants};
pub use crate::terms::{Amounts, Resource, Terms};
pub use crate::time::{MICROS, Rate, Span, Time};
pub use crate::topology::{Domains, Level};
pub use crate::totals::Totals;
pub use crate::variability::{Bin, Variability};
