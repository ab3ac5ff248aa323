//! The durable store: nothing acknowledged is lost, whatever fails and whenever; no damage goes unnoticed; and what people
//! ask for is what the journal says.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test fails loudly")]

mod crashes;
mod damage;
mod disk;
mod local;
mod queries;
mod records;
mod speed;
mod support;
