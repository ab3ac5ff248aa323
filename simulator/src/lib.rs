//! The simulator: replays traces through the scheduler core in simulated time, and reports what happened.

pub mod experiment;
pub mod failures;
pub mod fidelity;
pub mod figures;
mod fragmentation;
pub mod journal;
mod kinds;
pub mod metrics;
pub mod output;
pub mod physics;
pub mod report;
pub mod rerun;
pub mod restart;
pub mod result;
mod rounds;
pub mod run;
pub mod saturate;
mod series;
mod speed;
pub mod stats;
mod summary;
mod targets;
pub mod tenants;
pub mod whatif;
pub mod workload;
pub mod world;
