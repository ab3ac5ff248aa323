//! Arguments of `serve`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Arguments of `serve`.
#[derive(Args, Debug)]
pub(crate) struct ServeArgs {
    /// Folder of the journal, of records and of what jobs print; made where it is missing
    #[arg(long, value_name = "DIR", required_unless_present = "openapi")]
    pub(crate) state: Option<PathBuf>,
    /// Configuration, a TOML file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Policy, instead of that of the configuration
    #[arg(long, value_name = "POLICY")]
    pub(crate) policy: Option<String>,
    /// Declare so many GPUs on this machine, whether it has them or not: to try things out
    #[arg(long, value_name = "N")]
    pub(crate) gpus: Option<u32>,
    /// Start from snapshot N and the journal after it, where a later one is damaged; 1 replays the whole journal
    #[arg(long, value_name = "N")]
    pub(crate) from_snapshot: Option<u64>,
    /// How the log on stderr is written
    #[arg(long, value_enum, default_value_t, hide_possible_values = true, value_name = "text|json")]
    pub(crate) log_format: LogFormat,
    /// What is logged: TARGET=LEVEL with commas between, such as trainyard=debug [default: TRAINYARD_LOG, or trainyard=info]
    #[arg(long, value_name = "FILTER")]
    pub(crate) log: Option<String>,
    /// Print the API as an OpenAPI document, and start nothing
    #[arg(long)]
    pub(crate) openapi: bool,
}

/// How lines of the log look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// An object a line.
    Json,
}
