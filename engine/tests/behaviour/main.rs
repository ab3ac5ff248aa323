//! The core from outside: facts in, orders out.

mod bench;
mod cancel;
mod drafts;
mod faults;
mod journal;
mod lifecycle;
mod resources;
mod retries;
