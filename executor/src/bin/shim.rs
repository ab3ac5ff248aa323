//! The shim alone: as `trainyard shim`, in a small binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    executor::shim::main()
}
