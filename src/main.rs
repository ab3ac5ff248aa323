//! The command `trainyard`: arguments in, tables and JSON out. All work is done by the crates below.

mod cli;
mod commands;
mod error;
mod experiment_file;
mod progress;
mod stdout;
mod table;
mod target;
mod warnings;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
