//! Traces and clusters: read, write, generate, describe.

mod build;
mod bytes;
mod canonical;
pub mod capacity;
mod civil;
pub mod clusters;
pub mod content;
mod decimal;
mod details;
mod error;
mod formats;
mod header;
mod info;
mod input;
mod intern;
pub mod journal;
mod metadata;
mod order;
pub mod profiles;
pub mod schema;
mod similar;
mod source;
pub mod synthetic;
mod table;
pub mod trace;
mod transform;

pub use bytes::read_text;
pub use canonical::parquet::write_parquet;
pub use canonical::{write_csv, write_csv_gz};
pub use clusters::{
    ClusterFile, ClusterInfo, ClusterLedger, describe_cluster, is_cluster, load_cluster, load_cluster_file,
    read_cluster_bytes, read_cluster_file, toml_error,
};
pub use details::{Details, Sparse, Unsaid, Wishes};
pub use error::TraceError;
pub use formats::Format;
pub use formats::swf::write::write_swf;
pub use info::{ArrivalShape, BURST_GAP_S, End, Gang, GangClass, Info, Part, Parts, Quantiles, describe};
pub use metadata::metadata_beside;
pub use profiles::{ThroughputTable, is_profile};
pub use similar::nearest;
pub use source::{load, read_bytes};
pub use trace::{JobType, Ledger, Recorded, RunTimes, Step, Trace, TraceJob};
pub use transform::{Changes, Errors, Filter, filters, resample_days, scale_load, window};
