//! Policies from outside: where gangs go, and whose turn it is.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test fails loudly")]

mod bench;
mod fair_share;
mod guards;
mod naive;
mod placers;
mod placers_by_hand;
mod sla;
mod yard;
