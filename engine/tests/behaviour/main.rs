//! The core from outside: facts in, orders out.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test fails loudly")]

mod bench;
mod cancel;
mod drafts;
mod evictions;
mod faults;
mod journal;
mod lifecycle;
mod migration;
mod resources;
mod retries;
mod rounds;
mod snapshot;
