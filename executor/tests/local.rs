//! The local launcher and its shim, with real processes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "helpers of tests fail by panic, as tests do"
)]

mod local {
    mod environment;
    mod gangs;
    mod harness;
    mod programs;
    mod reconcile;
    mod space;
    mod stops;
    mod stress;
    mod throughput;
    mod users;
}
