//! Arguments of `serve`.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `serve`.
#[derive(Args, Debug)]
pub(crate) struct ServeArgs {
    /// Folder of the journal, of records and of what jobs print; made where it is missing
    #[arg(long, value_name = "DIR")]
    pub(crate) state: PathBuf,
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
}
