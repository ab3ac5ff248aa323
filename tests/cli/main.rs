//! The command as its users meet it: whole outputs, exit codes, files.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panic, as tests do")]

mod bad_input;
mod compare;
mod contract;
mod custom_policy;
mod help;
mod journals;
mod loop_closed;
mod reproduce;
mod saturate;
mod simulate;
mod support;
mod traces;
