//! The durable store: nothing acknowledged is lost, whatever fails and whenever; no damage goes unnoticed; and what people
//! ask for is what the journal says.

#![allow(missing_docs, reason = "tests")]

mod crashes;
mod damage;
mod disk;
mod local;
mod queries;
mod records;
mod speed;
mod support;
