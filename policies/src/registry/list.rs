//! Every policy that the registry knows, one a line.

use super::{Entry, basic, rounds};

#[rustfmt::skip]
pub(super) static ENTRIES: &[&Entry] = &[
    &basic::EASY,
    &basic::FAIR_SHARE,
    &basic::FIFO,
    &basic::PRIORITY,
    &basic::SJF,
    &basic::SRSF,
    &basic::SRTF,
    &rounds::FIFO_ROUNDS,
    &rounds::LAS_ROUNDS,
    &rounds::SRTF_ROUNDS,
];
