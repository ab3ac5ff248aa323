//! Traces and clusters: read, write, generate, describe.

mod build;
mod bytes;
mod canonical;
pub mod clusters;
mod decimal;
mod error;
mod formats;
mod header;
mod info;
mod input;
mod intern;
pub mod schema;
mod similar;
mod source;
pub mod synthetic;
mod table;
pub mod trace;
mod transform;

pub use canonical::parquet::write_parquet;
pub use canonical::write_csv;
pub use clusters::{load_cluster, read_cluster_bytes, toml_error};
pub use error::TraceError;
pub use formats::Format;
pub use info::{ArrivalShape, BURST_GAP_S, End, Gang, GangClass, Info, Part, Parts, Quantiles, describe};
pub use similar::nearest;
pub use source::{load, read_bytes};
pub use trace::{JobType, Ledger, Recorded, RunTimes, Step, Trace, TraceJob};
pub use transform::{Changes, Errors, Filter, filters, resample_days, scale_load, window};
