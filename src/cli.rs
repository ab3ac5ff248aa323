//! The arguments, and what each command does with them.

#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "these comments are help texts, shown as they are: brackets mean optional"
)]
#![allow(clippy::doc_markdown, reason = "the comments here are help texts, shown as they stand")]

mod access;
mod client;
mod examples;
mod serve;
mod trace;
mod values;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use access::*;
pub(crate) use client::*;
pub(crate) use serve::{LogFormat, ServeArgs};
pub(crate) use trace::{TraceCommand, TraceConvertArgs, TraceFitArgs, TraceGenerateArgs, TraceInfoArgs};
pub(crate) use values::{Load, Resample, Window};

use crate::{commands, error};

/// A scheduler for GPU training jobs: replay traces under policies, and compare them.
#[derive(Debug, Parser)]
#[command(name = "trainyard", version, max_term_width = 100, after_help = examples::ALL)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Replay a trace under one policy.
    #[command(after_help = examples::SIMULATE)]
    Simulate(SimulateArgs),
    /// Replay a trace under several policies, loads and seeds, and write a report.
    ///
    /// The first policy is the baseline: the others are compared with it, paired over seeds.
    #[command(after_help = examples::COMPARE)]
    Compare(CompareArgs),
    /// Fill a cluster with jobs that never leave, and measure what is allocated and how fragmented the rest is.
    ///
    /// Jobs arrive one at a time in a random order; one that does not fit is not tried again. The first policy is the
    /// baseline: the others are compared with it, paired over seeds.
    #[command(after_help = examples::SATURATE)]
    Saturate(SaturateArgs),
    /// Describe, generate and convert traces.
    #[command(subcommand, after_help = examples::TRACE)]
    Trace(TraceCommand),
    /// List the policies, or describe one: its knobs, what it must know, where it is from.
    #[command(after_help = examples::POLICIES)]
    Policies(PoliciesArgs),
    /// Replay the published cases of other simulators, and show their numbers beside ours.
    ///
    /// Exit code 0: all within their limits. 1: some not. 2: no data, or no such case.
    #[command(after_help = examples::REPRODUCE)]
    Reproduce(ReproduceArgs),
    /// Replay a journal under the policy that wrote it: every order must be the recorded one.
    ///
    /// Exit code 0: identical. 1: different or damaged. 2: not a journal.
    #[command(after_help = examples::VERIFY)]
    Verify(VerifyArgs),
    /// Yesterday under another policy: a journal as it happened, simulated, and simulated under each policy asked for.
    ///
    /// Differences are paired by job, against the simulation of yesterday, with intervals; beside them stands how far
    /// that simulation is from what happened.
    #[command(after_help = examples::WHAT_IF)]
    WhatIf(WhatIfArgs),
    /// Simulate what a journal recorded under its own policy, and compare it with what happened, job by job.
    #[command(after_help = examples::FIDELITY)]
    Fidelity(FidelityArgs),
    /// Schedule and run jobs on this machine.
    ///
    /// Everything is in the state folder: the journal, what jobs print, and the socket that the other commands talk to.
    /// When the server ends, programs go on; the next start takes them up.
    #[command(after_help = examples::SERVE)]
    Serve(ServeArgs),
    /// Say who may use a server from elsewhere: make, list and revoke tokens.
    #[command(subcommand)]
    Token(TokenCommand),
    #[command(flatten)]
    Client(ClientCommand),
}

/// How results are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people; may change.
    #[default]
    Table,
    /// For programs; versioned by its key `schema`.
    Json,
}

/// Arguments of `simulate`.
#[derive(Args, Debug)]
pub(crate) struct SimulateArgs {
    /// Trace: [FORMAT:]PATH[key=value,...] or synthetic:NAME[key=value,...]
    pub(crate) trace: String,
    /// Cluster: NODESxGPUS[:MODEL], a TOML file, or a node list
    #[arg(long, value_name = "CLUSTER")]
    pub(crate) cluster: String,
    /// Policy: name or name[key=value,...]; `trainyard policies` lists them
    #[arg(long, value_name = "POLICY")]
    pub(crate) policy: String,
    /// Seed of all that is random: a generated trace, failures, draws by lot
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) world: WorldArgs,
    /// Also write the files of a comparison, with the report, to this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Also write a journal, which `trainyard verify` replays
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t, hide_possible_values = true, value_name = "table|json")]
    pub(crate) format: Format,
}

/// What the world costs and who is entitled to how much of it.
#[derive(Args, Debug)]
pub(crate) struct WorldArgs {
    /// Physics, such as restart_s=30; give it once for each setting
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// TOML file with what tenants are entitled to: weights, quotas, limits, and when they change
    #[arg(long, value_name = "FILE")]
    pub(crate) tenants: Option<PathBuf>,
    /// Capacity schedule with the quotas of tenants over time, in GPUs; it goes before those of --tenants
    #[arg(long, value_name = "FILE")]
    pub(crate) quotas: Option<PathBuf>,
    /// Trace whose mix of jobs is to be expected, for policies and for the measure of fragmentation [default: the trace
    /// itself]
    #[arg(long, value_name = "TRACE")]
    pub(crate) expect: Option<String>,
}

/// Arguments of `compare`.
#[derive(Args, Debug)]
pub(crate) struct CompareArgs {
    /// Trace ([FORMAT:]PATH or synthetic:NAME[key=value,...]), or an experiment in a .toml file
    #[arg(value_name = "TRACE|EXPERIMENT.toml")]
    pub(crate) subject: String,
    /// Cluster: NODESxGPUS[:MODEL], a TOML file, or a node list
    #[arg(long, value_name = "CLUSTER")]
    pub(crate) cluster: Option<String>,
    /// Policy: name or name[key=value,...]; give it once for each, the baseline first
    #[arg(long = "policy", value_name = "POLICY")]
    pub(crate) policies: Vec<String>,
    /// Replay everything with so many seeds [default: 1]
    #[arg(long, value_name = "N")]
    pub(crate) seeds: Option<u64>,
    /// The first seed [default: 1]
    #[arg(long, value_name = "BASE")]
    pub(crate) seed: Option<u64>,
    /// Arrival rates as multiples of the trace's own, such as 0.8,1,1.2 [default: 1]
    #[arg(long = "load", value_name = "X,Y,...", value_delimiter = ',', allow_hyphen_values = true)]
    pub(crate) loads: Vec<Load>,
    /// Threads; the results do not depend on it [default: all cores]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    #[command(flatten)]
    pub(crate) world: WorldArgs,
    /// Make samples of a recorded trace: `days` draws whole days with replacement, others for each seed
    #[arg(long, value_name = "days")]
    pub(crate) resample: Option<Resample>,
    /// What the Gantt chart shows, in hours since the first submission, such as 10..16 [default: the longest queue]
    #[arg(long, value_name = "FROM..TO", allow_hyphen_values = true)]
    pub(crate) window: Option<Window>,
    /// Folder for report.html, summary.json, differences.json, jobs-*.parquet and figures/
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t, hide_possible_values = true, value_name = "table|json")]
    pub(crate) format: Format,
}

/// Arguments of `saturate`.
#[derive(Args, Debug)]
pub(crate) struct SaturateArgs {
    /// Trace: [FORMAT:]PATH[key=value,...] or synthetic:NAME[key=value,...]; when jobs came does not matter
    pub(crate) trace: String,
    /// Cluster: NODESxGPUS[:MODEL], a TOML file, or a node list
    #[arg(long, value_name = "CLUSTER")]
    pub(crate) cluster: String,
    /// Policy: name or name[key=value,...]; give it once for each, the baseline first
    #[arg(long = "policy", value_name = "POLICY", required = true)]
    pub(crate) policies: Vec<String>,
    /// Repeat everything with so many seeds: each has an order of arrivals of its own
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) seeds: u64,
    /// The first seed
    #[arg(long, value_name = "BASE", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Draw jobs until they demand so many times the GPUs of the cluster
    #[arg(long, value_name = "X", default_value_t = 1.3, allow_hyphen_values = true)]
    pub(crate) target: f64,
    /// Trace whose mix of jobs is to be expected, for policies and for the measure of fragmentation [default: the trace
    /// itself]
    #[arg(long, value_name = "TRACE")]
    pub(crate) expect: Option<String>,
    /// Also compute what no placement can exceed, by a linear relaxation
    #[arg(long)]
    pub(crate) bound: bool,
    /// Threads; the results do not depend on it [default: all cores]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t, hide_possible_values = true, value_name = "table|json")]
    pub(crate) format: Format,
}

/// Arguments of `policies`.
#[derive(Args, Debug)]
pub(crate) struct PoliciesArgs {
    /// Describe this policy
    pub(crate) name: Option<String>,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t, hide_possible_values = true, value_name = "table|json")]
    pub(crate) format: Format,
}

/// Arguments of `reproduce`.
#[derive(Args, Debug)]
pub(crate) struct ReproduceArgs {
    /// Cases or families, such as tiresias or tiresias/n1g8-count-fifo [default: all]
    #[arg(value_name = "CASE")]
    pub(crate) cases: Vec<String>,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t, hide_possible_values = true, value_name = "table|markdown|json")]
    pub(crate) format: ReproduceFormat,
}

/// How what was reproduced is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReproduceFormat {
    /// For people; may change.
    #[default]
    Table,
    /// For the book: the tables of docs/reproduction.md.
    Markdown,
    /// For programs; versioned by its key `schema`.
    Json,
}

/// Arguments of `verify`.
#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    /// Journal that `simulate --journal` wrote, or the state folder of `serve`
    pub(crate) journal: PathBuf,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t, hide_possible_values = true, value_name = "table|json")]
    pub(crate) format: Format,
}

/// A journal that is played again.
#[derive(Args, Debug)]
pub(crate) struct RerunArgs {
    /// Journal that `simulate --journal` wrote, or the state folder of `serve`
    pub(crate) journal: PathBuf,
    /// Physics, such as drain_s=5; what is not set here is what the journal shows
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Use what is sound of a journal that ends inside a record
    #[arg(long)]
    pub(crate) allow_cut: bool,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t, hide_possible_values = true, value_name = "table|json")]
    pub(crate) format: Format,
}

/// Arguments of `what-if`.
#[derive(Args, Debug)]
pub(crate) struct WhatIfArgs {
    #[command(flatten)]
    pub(crate) rerun: RerunArgs,
    /// Policy: name or name[key=value,...]; give it once for each
    #[arg(long = "policy", value_name = "POLICY", required = true)]
    pub(crate) policies: Vec<String>,
    /// Also write the files of a comparison, with the report, to this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

/// Arguments of `fidelity`.
#[derive(Args, Debug)]
pub(crate) struct FidelityArgs {
    #[command(flatten)]
    pub(crate) rerun: RerunArgs,
}

/// Runs the command; every error ends here.
pub(crate) fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(usage) => return error::usage(&usage),
    };
    let done = match cli.command {
        Command::Simulate(args) => commands::simulate::run(&args),
        Command::Compare(args) => commands::compare::run(args),
        Command::Saturate(args) => commands::saturate::run(&args),
        Command::Trace(TraceCommand::Info(args)) => commands::trace::info(&args),
        Command::Trace(TraceCommand::Generate(args)) => commands::trace::generate(&args),
        Command::Trace(TraceCommand::Fit(args)) => commands::trace::fit(&args),
        Command::Trace(TraceCommand::Convert(args)) => commands::trace::convert(&args),
        Command::Policies(args) => commands::policies::run(&args),
        Command::Reproduce(args) => commands::reproduce::run(&args),
        Command::Verify(args) => commands::verify::run(&args),
        Command::WhatIf(args) => commands::what_if::run(&args),
        Command::Token(command) => commands::token::run(command),
        Command::Client(command) => commands::client::run(command),
        Command::Fidelity(args) => commands::fidelity::run(&args),
        Command::Serve(args) => commands::serve::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.end(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn arguments_are_consistent() {
        super::Cli::command().debug_assert();
    }
}
