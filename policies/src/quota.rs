//! Policies that share a cluster by quotas: tenants have quotas, borrow what others leave, and get theirs back.
//!
//! What a quota counts is [`engine::Tenant::placed`], which the open draft keeps up to date. During a decision it is
//! mirrored in a tree of queues ([`tree`], [`kai`]), because victims are chosen by what queues would have without them.

mod contest;
mod gang;
pub(crate) mod kai;
pub(crate) mod kueue;
mod placed;
mod retaliation;
mod topology;
mod tree;
mod wide;

pub use self::kai::Kai;
pub use self::kueue::Kueue;
pub(crate) use self::tree::Above;
