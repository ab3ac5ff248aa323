//! Who tries what he may not: a whole server with real programs, tokens, a port, and somebody who means no good. Each attempt
//! must fail, and the audit log must say so.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "helpers of tests fail by panic, as tests do"
)]

#[path = "security/house.rs"]
mod house;
#[path = "security/limits.rs"]
mod limits;
#[path = "security/machine.rs"]
mod machine;
#[path = "security/port.rs"]
mod port;
#[path = "security/roles.rs"]
mod roles;
#[path = "security/tenants.rs"]
mod tenants;
#[path = "security/tokens.rs"]
mod tokens;
