//! Scheduling policies, by name.
//!
//! A policy sees the state through a [`engine::Draft`] and knows no world: the same code runs in the simulator and on a
//! live cluster. Most are a [`Pipeline`] of an [`Order`], a [`Placer`], a rule for what happens behind a job that does
//! not fit, and a rule for who is evicted. What policies remember is a cache of the engine's state.

mod conservative;
mod easy;
mod evict;
pub mod fair;
pub mod fragmentation;
mod hived;
pub mod milp;
mod order;
mod pipeline;
mod place;
mod potential;
mod predict;
mod quota;
mod ready;
mod refill;
pub mod registry;
mod rounds;
mod running;
pub mod sla;
pub mod slurm;
pub mod spec;
mod tiresias;

pub use crate::conservative::{Conservative, QueueOrder, Settings};
pub use crate::easy::{Estimates, Passing};
pub use crate::evict::{Choice, Evict, Guards, OnStop, Price};
pub use crate::order::{
    Arrival, Deadline, FairShare, Length, Line, Order, PredictedService, PredictedTime, ResponseRatio, Score, Shortest,
    Starts,
};
pub use crate::pipeline::{Behind, Parts, Pipeline};
pub use crate::place::{Placer, Skewed, Variable, place};
pub use crate::predict::{Features, Model, Pool, Rolling};
pub use crate::quota::{Kai, Kueue};
pub use crate::registry::{Built, Context, build};
pub use crate::rounds::{Beat, FifoRounds, LasRounds, QuotaSrtf, RoundPlacer, Stopped, Types};
pub use crate::spec::{PolicyError, PolicySpec};
pub use crate::tiresias::{
    Feedback, Gittins, LevelLine, Levels, Measure, Preemption, Quantum, Service, Tiresias, Within,
};
