//! The API over a real unix socket, with a live world behind it whose programs are pretended.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panic, as tests do")]

#[path = "api/contract.rs"]
mod contract;
#[path = "api/load.rs"]
mod load;
#[path = "api/metrics.rs"]
mod metrics;
#[path = "api/operators.rs"]
mod operators;
#[path = "api/refusals.rs"]
mod refusals;
#[path = "api/routes.rs"]
mod routes;
#[path = "api/streams.rs"]
mod streams;
#[path = "api/yard.rs"]
mod yard;
