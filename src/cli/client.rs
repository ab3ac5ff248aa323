//! Arguments of the commands that talk to a server.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Where the server is.
#[derive(Args, Debug)]
pub(crate) struct ServerArgs {
    /// Socket of the server, as unix:PATH [default: $TRAINYARD_SERVER, else unix:state/trainyard.sock]
    #[arg(long, value_name = "unix:PATH")]
    pub(crate) server: Option<String>,
}

/// How jobs are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people; may change.
    #[default]
    Table,
    /// With more columns.
    Wide,
    /// For programs; versioned by its key `schema`.
    Json,
}

/// Arguments of `submit`.
#[derive(Args, Debug)]
pub(crate) struct SubmitArgs {
    /// Job file: .yaml, .toml or .json; options go before its keys
    #[arg(value_name = "FILE", required_unless_present = "command", conflicts_with = "command")]
    pub(crate) file: Option<PathBuf>,
    /// Program and arguments of a job without a file
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
    /// GPUs of each task, such as 2 or 0.5
    #[arg(long, value_name = "N")]
    pub(crate) gpus: Option<f64>,
    /// Tasks of the gang
    #[arg(long, value_name = "N")]
    pub(crate) tasks: Option<u32>,
    /// Name
    #[arg(long, value_name = "S")]
    pub(crate) name: Option<String>,
    /// Who pays, such as research/vision
    #[arg(long, value_name = "T")]
    pub(crate) tenant: Option<String>,
    /// Higher goes first
    #[arg(long, value_name = "P", allow_hyphen_values = true)]
    pub(crate) priority: Option<i32>,
    /// Longest time of one attempt, such as 2h30m
    #[arg(long, value_name = "TIME")]
    pub(crate) time_limit: Option<String>,
    /// Submit on hold: it waits for `release`
    #[arg(long)]
    pub(crate) hold: bool,
    /// Variable of the program; give it once for each
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) env: Vec<String>,
    /// Job that must finish first, by number or name; give it once for each
    #[arg(long, value_name = "JOB")]
    pub(crate) after: Vec<String>,
    /// Check the job and submit nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// A second submission with the same key is the first
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// Arguments of `queue`.
#[derive(Args, Debug)]
pub(crate) struct QueueArgs {
    /// Jobs in this state: all, held, pending, launching, running, stopping, finished, failed, ... [default: not ended]
    #[arg(long, value_name = "STATE")]
    pub(crate) state: Option<String>,
    /// Jobs of this tenant and those below it
    #[arg(long, value_name = "T")]
    pub(crate) tenant: Option<String>,
    /// How they are shown
    #[arg(long, short, value_enum, default_value_t, hide_possible_values = true, value_name = "table|wide|json")]
    pub(crate) output: Output,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// Arguments of `info` and `explain`.
#[derive(Args, Debug)]
pub(crate) struct JobArgs {
    /// Job, by number or name
    pub(crate) job: String,
    /// How it is shown
    #[arg(long, short, value_enum, default_value_t, hide_possible_values = true, value_name = "table|json")]
    pub(crate) output: Output,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// Arguments of `cancel`, `hold` and `release`.
#[derive(Args, Debug)]
pub(crate) struct JobsArgs {
    /// Jobs, by number or name
    #[arg(required = true, value_name = "JOB")]
    pub(crate) jobs: Vec<String>,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// Arguments of `wait`.
#[derive(Args, Debug)]
pub(crate) struct WaitArgs {
    /// Jobs, by number or name
    #[arg(required = true, value_name = "JOB")]
    pub(crate) jobs: Vec<String>,
    /// Give up after this time, such as 10m
    #[arg(long, value_name = "TIME")]
    pub(crate) timeout: Option<String>,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// Arguments of `logs`.
#[derive(Args, Debug)]
pub(crate) struct LogsArgs {
    /// Job, by number or name
    pub(crate) job: String,
    /// Go on as it is written, until the run has ended
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Task of the gang
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) task: u32,
    /// Attempt [default: the last]
    #[arg(long, value_name = "N")]
    pub(crate) attempt: Option<u32>,
    /// What it wrote to stderr
    #[arg(long)]
    pub(crate) stderr: bool,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// Arguments of `nodes`.
#[derive(Args, Debug)]
pub(crate) struct NodesArgs {
    /// How they are shown
    #[arg(long, short, value_enum, default_value_t, hide_possible_values = true, value_name = "table|json")]
    pub(crate) output: Output,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// Arguments of `drain`.
#[derive(Args, Debug)]
pub(crate) struct DrainArgs {
    /// Node
    pub(crate) node: String,
    /// Why, for whoever sees it later
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// Arguments of `resume`.
#[derive(Args, Debug)]
pub(crate) struct ResumeArgs {
    /// Node
    pub(crate) node: String,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// Arguments of `saved`.
#[derive(Args, Debug)]
pub(crate) struct SavedArgs {
    /// Where the checkpoint is; the next run of the job finds it in $TRAINYARD_CHECKPOINT
    #[arg(default_value = "")]
    pub(crate) checkpoint: String,
}
