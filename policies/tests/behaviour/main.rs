//! Policies from outside: where gangs go, and whose turn it is.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test fails loudly")]

mod bench;
mod fair_share;
mod kai;
mod kueue;
mod kueue_bugs;
mod naive;
mod placers;
mod placers_by_hand;
mod quota_property;
mod yard;
