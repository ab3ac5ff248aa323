//! Fair shares: who gets how much of the cluster now ([`Filling`]), GPU-time by tickets ([`Stride`]), and finish times by
//! auction ([`Themis`]).

mod auction;
mod filling;
mod groups;
mod hierarchy;
mod logarithm;
mod market;
mod pools;
mod reclaim;
mod share;
mod slices;
mod stride;
mod themis;
mod tickets;
mod trade;
mod user;
mod victims;
mod yielding;

pub use self::auction::Speeds;
pub use self::filling::{Filling, Passing, Plan, Reclaiming};
pub use self::groups::Level;
pub use self::hierarchy::{Empty, Recursion};
pub use self::share::Measure;
pub use self::stride::{Stride, Trading};
pub use self::themis::{Rules, Themis};
