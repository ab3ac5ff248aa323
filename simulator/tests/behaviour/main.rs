//! The simulator from outside: theory, naive schedulers and scripts against whole replays.

mod bench;
mod closed_forms;
mod conservation;
mod determinism;
mod easy_property;
mod naive;
mod script;
mod script_language;
mod srpt;
