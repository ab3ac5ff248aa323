//! Puts load on a real server and says what came of it: acknowledgements, a long queue, restarts, short programs, memory.
//!
//! ```sh
//! cargo build --release -p executor --example load
//! target/release/examples/load all DIR          # or submissions, queue, restart, programs
//! ```
//!
//! Each part starts servers in folders of their own below DIR, which must not exist. Nothing is asserted: figures depend on
//! the disk, so that of a sync stands beside them.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a program that measures the clock, prints, and ends where something is wrong"
)]

mod client;
mod figures;
mod programs;
mod queue;
mod restart;
mod server;
mod submissions;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A part of the measurement.
type Part = fn(&Path);

const PARTS: [(&str, Part); 4] = [
    ("submissions", submissions::measure),
    ("queue", queue::measure),
    ("restart", restart::measure),
    ("programs", programs::measure),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        // The same program is server and shim, as the command is.
        ["shim", ..] => return executor::shim::main(),
        ["serve", state, gpus] => server::serve(Path::new(state), gpus.parse().unwrap()),
        [name, folder] if name == "all" || PARTS.iter().any(|(part, _)| *part == name) => {
            let folder = PathBuf::from(folder);
            std::fs::create_dir(&folder).expect("a folder that is not there yet");
            figures::disk(&folder);
            for (part, measure) in PARTS.iter().filter(|(part, _)| name == "all" || *part == name) {
                println!("\n{part}");
                measure(&folder.join(part));
            }
        }
        _ => {
            println!("usage: load submissions|queue|restart|programs|all DIR");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
