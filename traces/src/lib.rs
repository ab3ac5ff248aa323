//! Traces and clusters: read, write, generate, describe.

pub mod trace;

pub use trace::{Ledger, Recorded, Trace, TraceJob};
