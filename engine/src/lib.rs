//! engine
mod bitmap;
pub mod cluster;
pub mod event;
pub mod ids;
pub mod inventory;
pub mod job;
pub mod placement;
pub mod reason;
pub mod shape;
pub mod time;
pub mod topology;

pub use event::{Alarm, Command, Event, Exit, Input};
pub use ids::{ClassId, DomainId, JobId, ModelId, NodeId, PoolId, QueueId, RunId, TenantId};
pub use inventory::{GpuModel, Inventory, Misfit, NodeSpec, UNLIMITED};
pub use job::{Cause, Hold, Job, JobSpec, Outcome, Phase, RetryRule};
pub use placement::{Placement, Slice};
pub use reason::Reason;
pub use shape::{GpuRequest, ModelSet, Shape, TaskGroup, TaskRequest};
pub use time::{Rate, Span, Time};
pub use topology::{Domains, Level};
