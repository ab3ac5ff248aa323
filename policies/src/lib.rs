//! Scheduling policies, by name.
//!
//! A policy sees the state through a [`engine::Draft`] and knows no world: the same code runs in the simulator and on a
//! live cluster. Most are a [`Pipeline`] of an [`Order`], a [`Placer`], a rule for what happens behind a job that does
//! not fit, and a rule for who is evicted. What policies remember is a cache of the engine's state.

mod easy;
mod evict;
mod order;
mod pipeline;
mod place;
mod potential;
mod ready;
pub mod registry;
mod running;
pub mod sla;
pub mod spec;

pub use crate::easy::Estimates;
pub use crate::evict::{Choice, Evict, Guards, OnStop, Price};
pub use crate::order::{Arrival, FairShare, Length, Order, Shortest, Starts};
pub use crate::pipeline::{Behind, Parts, Pipeline};
pub use crate::place::{Placer, place};
pub use crate::registry::{Built, Context, build};
pub use crate::spec::{PolicyError, PolicySpec};
