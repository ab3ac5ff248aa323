//! Arguments of `trace`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Format, examples};

#[derive(Debug, Subcommand)]
pub(crate) enum TraceCommand {
    /// Say what a trace holds, and what was done to its rows; or what is in a cluster file, a table of throughput or
    /// a capacity schedule.
    #[command(after_help = examples::TRACE_INFO)]
    Info(TraceInfoArgs),
    /// Write a synthetic trace to a file.
    #[command(after_help = examples::TRACE_GENERATE)]
    Generate(TraceGenerateArgs),
    /// Write a model of a trace, from which others like it can be generated.
    #[command(after_help = examples::TRACE_FIT)]
    Fit(TraceFitArgs),
    /// Write a trace of any format in the canonical form, or as SWF.
    #[command(after_help = examples::TRACE_CONVERT)]
    Convert(TraceConvertArgs),
}

/// Arguments of `trace info`.
#[derive(Args, Debug)]
pub(crate) struct TraceInfoArgs {
    /// Trace: [FORMAT:]PATH[key=value,...] or synthetic:NAME[key=value,...]; or another file that Trainyard reads
    pub(crate) trace: String,
    /// Cluster, to say how much load the trace is for it
    #[arg(long, value_name = "CLUSTER")]
    pub(crate) cluster: Option<String>,
    /// Also draw figures into this folder, as SVG and PNG
    #[arg(long, value_name = "DIR")]
    pub(crate) figures: Option<PathBuf>,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t, hide_possible_values = true, value_name = "table|json")]
    pub(crate) format: Format,
}

/// Arguments of `trace generate`.
#[derive(Args, Debug)]
pub(crate) struct TraceGenerateArgs {
    /// Model: NAME[key=value,...], with or without `synthetic:` before it
    pub(crate) model: String,
    /// File to write: .csv, .csv.gz, .parquet or .swf, or - for CSV on stdout
    pub(crate) out: PathBuf,
}

/// Arguments of `trace fit`.
#[derive(Args, Debug)]
pub(crate) struct TraceFitArgs {
    /// Trace: [FORMAT:]PATH[key=value,...] or synthetic:NAME[key=value,...]
    pub(crate) trace: String,
    /// File to write: .toml, or - for stdout
    #[arg(default_value = "-")]
    pub(crate) out: PathBuf,
    /// GPUs of the cluster that the trace is from [default: as many as it loads to 0.9]
    #[arg(long, value_name = "N")]
    pub(crate) gpus: Option<u32>,
    /// Name of the model
    #[arg(long, value_name = "NAME", default_value = "fitted")]
    pub(crate) name: String,
}

/// Arguments of `trace convert`.
#[derive(Args, Debug)]
pub(crate) struct TraceConvertArgs {
    /// Trace: [FORMAT:]PATH[key=value,...] or synthetic:NAME[key=value,...]
    pub(crate) trace: String,
    /// File to write: .csv, .csv.gz, .parquet or .swf, or - for CSV on stdout
    pub(crate) out: PathBuf,
}
