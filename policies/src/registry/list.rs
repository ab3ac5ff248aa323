//! Every policy that the registry knows, one a line.

use super::{Entry, backfill, basic};

#[rustfmt::skip]
pub(super) static ENTRIES: &[&Entry] = &[
    &backfill::CONSERVATIVE,
    &backfill::EASY,
    &basic::FAIR_SHARE,
    &basic::FIFO,
    &basic::PRIORITY,
    &basic::SJF,
    &basic::SRSF,
    &basic::SRTF,
];
