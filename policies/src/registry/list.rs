//! Every policy that the registry knows, one a line.

use super::{Entry, basic, quota};

#[rustfmt::skip]
pub(super) static ENTRIES: &[&Entry] = &[
    &basic::EASY,
    &basic::FAIR_SHARE,
    &basic::FIFO,
    &basic::PRIORITY,
    &quota::KAI,
    &quota::KUEUE,
    &basic::SJF,
    &basic::SRSF,
    &basic::SRTF,
];
