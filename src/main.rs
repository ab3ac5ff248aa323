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
    // What outlives the server begins here, before anything else is set up: it must be small and sure.
    if std::env::args_os().nth(1).is_some_and(|word| word == "shim") {
        return executor::shim::main();
    }
    cli::main()
}
