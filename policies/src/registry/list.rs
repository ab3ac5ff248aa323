//! Every policy that the registry knows, one a line.

use super::{Entry, basic, sla};

#[rustfmt::skip]
pub(super) static ENTRIES: &[&Entry] = &[
    &basic::EASY,
    &basic::FAIR_SHARE,
    &basic::FIFO,
    &basic::PRIORITY,
    &sla::SLA,
    &basic::SJF,
    &basic::SRSF,
    &basic::SRTF,
];
