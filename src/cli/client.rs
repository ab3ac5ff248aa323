//! Arguments of the commands that speak to a server.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use executor::job_file::Spoken;

use super::{AuditArgs, examples};

/// Commands that speak to a server.
#[derive(Debug, Subcommand)]
pub(crate) enum ClientCommand {
    /// Submit a job: a file in YAML, TOML or JSON, or a command.
    #[command(after_help = examples::SUBMIT)]
    Submit(SubmitArgs),
    /// List jobs that have not ended.
    #[command(after_help = examples::QUEUE)]
    Queue(QueueArgs),
    /// Show all that is known of a job.
    Info(JobArgs),
    /// Say why a job does not run, and who took its GPUs.
    Explain(JobArgs),
    /// Show what a job wrote.
    #[command(after_help = examples::LOGS)]
    Logs(LogsArgs),
    /// End jobs.
    #[command(after_help = examples::CANCEL)]
    Cancel(JobsArgs),
    /// Keep jobs out of the queue; those that run are stopped.
    Hold(HoldArgs),
    /// Let held jobs go back to the queue.
    Release(JobsArgs),
    /// Put waiting jobs before all others.
    ///
    /// The last to be put first goes first. Nothing is stopped for it, and no quota is broken: it is the order that changes.
    TopPriority(JobsArgs),
    /// List the nodes.
    #[command(after_help = examples::NODES)]
    Nodes(NodesArgs),
    /// Give a node no more work.
    #[command(after_help = examples::DRAIN)]
    Drain(DrainArgs),
    /// Give a drained node work again.
    Resume(ResumeArgs),
    /// Add up who has held how many GPUs for how long.
    #[command(after_help = examples::USAGE)]
    Usage(UsageArgs),
    /// Wait until jobs have ended.
    ///
    /// Exit code 0: all have finished. 1: one ended otherwise, or the time is over.
    #[command(after_help = examples::WAIT)]
    Wait(WaitArgs),
    /// Show who did what, from where, and what came of it; for admins.
    #[command(after_help = examples::AUDIT)]
    Audit(AuditArgs),
    /// Say, from within a job, that it has saved all its work.
    #[command(after_help = examples::SAVED)]
    Saved(SavedArgs),
}

/// Where the server is.
#[derive(Args, Clone, Debug)]
pub(crate) struct ServerArgs {
    /// Where the server listens: unix:PATH or https://HOST:PORT [default: TRAINYARD_SERVER, or unix:state/trainyard.sock]
    #[arg(long, value_name = "PLACE")]
    pub(crate) server: Option<String>,
    /// File with a token [default: TRAINYARD_TOKEN, or the file in TRAINYARD_TOKEN_FILE]
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
}

/// How lists are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people; may change.
    #[default]
    Table,
    /// The same with more columns.
    Wide,
    /// For programs; versioned by its key `schema`.
    Json,
}

/// Arguments of `submit`.
#[derive(Args, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct SubmitArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// GPUs of each task: whole ones, or a part of one such as 0.5
    #[arg(long, value_name = "N")]
    pub(crate) gpus: Option<f64>,
    /// Tasks; all start together or none does
    #[arg(long, value_name = "N")]
    pub(crate) tasks: Option<u32>,
    /// Name, by which commands find the job
    #[arg(long, value_name = "S")]
    pub(crate) name: Option<String>,
    /// Who pays, such as research/vision
    #[arg(long, value_name = "T")]
    pub(crate) tenant: Option<String>,
    /// Higher goes first
    #[arg(long, value_name = "P", allow_hyphen_values = true)]
    pub(crate) priority: Option<i32>,
    /// Longest time of an attempt, such as 90s, 2h30m, 1d
    #[arg(long, value_name = "D")]
    pub(crate) time_limit: Option<Spoken>,
    /// Wait for `trainyard release`
    #[arg(long)]
    pub(crate) hold: bool,
    /// A variable; give it once for each
    #[arg(long, value_name = "K=V", value_parser = variable)]
    pub(crate) env: Vec<(String, String)>,
    /// A job, by number or name, that must finish first; give it once for each
    #[arg(long, value_name = "J")]
    pub(crate) after: Vec<String>,
    /// A second submission with the same key is the first
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Check everything, and submit nothing
    #[arg(long, conflicts_with = "wait")]
    pub(crate) dry_run: bool,
    /// Wait until the job has ended, as `trainyard wait` does
    #[arg(long)]
    pub(crate) wait: bool,
    /// Print the JSON Schema of job files, and submit nothing
    #[arg(long, exclusive = true)]
    pub(crate) schema: bool,
    /// How the result is shown
    #[arg(short, long, value_enum, default_value_t, hide_possible_values = true, value_name = "table|json")]
    pub(crate) output: super::Format,
    /// Job file: .yaml, .yml, .toml or .json
    #[arg(required_unless_present_any = ["command", "schema"], conflicts_with = "command")]
    pub(crate) file: Option<PathBuf>,
    /// Program and arguments, the same for all tasks
    #[arg(last = true)]
    pub(crate) command: Vec<String>,
}

fn variable(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
    pair.map(|(name, value)| (name.to_owned(), value.to_owned())).ok_or_else(|| "write NAME=VALUE".to_owned())
}

/// Arguments of `queue`.
#[derive(Args, Debug)]
pub(crate) struct QueueArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// States with commas between them, or all [default: all that have not ended]
    #[arg(long, value_name = "S,...")]
    pub(crate) state: Option<String>,
    /// Only this tenant and those below it
    #[arg(long, value_name = "T")]
    pub(crate) tenant: Option<String>,
    /// Most jobs that are shown; 0: all [default: 1000, and all with -o json]
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// Show it again whenever it changes
    #[arg(short, long, conflicts_with = "output")]
    pub(crate) watch: bool,
    /// How the list is shown
    #[arg(short, long, value_enum, default_value_t, hide_possible_values = true, value_name = "table|wide|json")]
    pub(crate) output: Output,
}

/// Arguments of `usage`.
#[derive(Args, Debug)]
pub(crate) struct UsageArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// The first day (UTC) [default: so that 30 days are shown]
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) since: Option<String>,
    /// The last day (UTC) [default: today]
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) until: Option<String>,
    /// What has a line of its own
    #[arg(long, value_enum, default_value_t, hide_possible_values = true, value_name = "tenant|owner|model|day")]
    pub(crate) by: UsageBy,
    /// Only this tenant and those below it
    #[arg(long, value_name = "T")]
    pub(crate) tenant: Option<String>,
    /// How the list is shown
    #[arg(short, long, value_enum, default_value_t, hide_possible_values = true, value_name = "table|wide|json")]
    pub(crate) output: Output,
}

/// What has a line of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum UsageBy {
    /// A tenant, without those below it.
    #[default]
    Tenant,
    /// A user.
    Owner,
    /// A GPU model.
    Model,
    /// A day.
    Day,
}

/// Arguments of `info` and `explain`.
#[derive(Args, Debug)]
pub(crate) struct JobArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// How the result is shown
    #[arg(short, long, value_enum, default_value_t, hide_possible_values = true, value_name = "table|json")]
    pub(crate) output: super::Format,
    /// The job: a number, or a name for the last one of that name
    pub(crate) job: String,
}

/// Arguments of `cancel`, `release` and `top-priority`.
#[derive(Args, Debug)]
pub(crate) struct JobsArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Instead of jobs: all of this tenant and those below it
    #[arg(long, value_name = "T", conflicts_with = "jobs")]
    pub(crate) tenant: Option<String>,
    /// Instead of jobs: all in these states, with commas between them
    #[arg(long, value_name = "S,...", conflicts_with = "jobs")]
    pub(crate) state: Option<String>,
    /// The jobs, by number or name
    #[arg(required_unless_present_any = ["tenant", "state"], value_name = "JOB")]
    pub(crate) jobs: Vec<String>,
}

/// Arguments of `hold`.
#[derive(Args, Debug)]
pub(crate) struct HoldArgs {
    /// Why, for whoever waits for them
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) jobs: JobsArgs,
}

/// Arguments of `logs`.
#[derive(Args, Debug)]
pub(crate) struct LogsArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// Go on until the run has ended; before it starts, wait for it
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// The task
    #[arg(long, value_name = "K", default_value_t = 0)]
    pub(crate) task: u32,
    /// The attempt [default: the last]
    #[arg(long, value_name = "N")]
    pub(crate) attempt: Option<u32>,
    /// What it wrote to stderr
    #[arg(long)]
    pub(crate) stderr: bool,
    /// The job, by number or name
    pub(crate) job: String,
}

/// Arguments of `nodes`.
#[derive(Args, Debug)]
pub(crate) struct NodesArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// Show it again whenever it changes
    #[arg(short, long, conflicts_with = "output")]
    pub(crate) watch: bool,
    /// How the list is shown
    #[arg(short, long, value_enum, default_value_t, hide_possible_values = true, value_name = "table|json")]
    pub(crate) output: super::Format,
}

/// Arguments of `drain`.
#[derive(Args, Debug)]
pub(crate) struct DrainArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// Why, for whoever sees it later
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The node
    pub(crate) node: String,
}

/// Arguments of `resume`.
#[derive(Args, Debug)]
pub(crate) struct ResumeArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The node
    pub(crate) node: String,
}

/// Arguments of `wait`.
#[derive(Args, Debug)]
pub(crate) struct WaitArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// Longest wait, such as 90s, 2h30m, 1d
    #[arg(long, value_name = "D")]
    pub(crate) timeout: Option<Spoken>,
    /// The jobs, by number or name
    #[arg(required = true, value_name = "JOB")]
    pub(crate) jobs: Vec<String>,
}

/// Arguments of `saved`.
#[derive(Args, Debug)]
pub(crate) struct SavedArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// Where the checkpoint is
    #[arg(default_value = "", hide_default_value = true)]
    pub(crate) checkpoint: String,
}
