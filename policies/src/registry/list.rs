//! Every policy that the registry knows, one a line.

use super::{Entry, basic, tiresias};

#[rustfmt::skip]
pub(super) static ENTRIES: &[&Entry] = &[
    &basic::EASY,
    &basic::FAIR_SHARE,
    &basic::FIFO,
    &basic::PRIORITY,
    &basic::SJF,
    &basic::SRSF,
    &basic::SRTF,
    &tiresias::LAS,
    &tiresias::SMALLEST_GANG,
    &tiresias::TIRESIAS,
];
