//! Traces and clusters: read, write, generate, describe.

mod bytes;
mod canonical;
pub mod clusters;
mod decimal;
mod error;
mod format;
mod header;
mod info;
mod intern;
mod openb;
mod philly;
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
pub use format::Format;
pub use info::{Gang, Info, Quantiles, describe};
pub use similar::nearest;
pub use source::{load, read_bytes};
pub use trace::{Ledger, Recorded, Trace, TraceJob};
pub use transform::{resample_days, scale_load, window};
