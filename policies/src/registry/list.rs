//! Every policy that the registry knows, one a line.

use super::{Entry, basic, orders, slurm};

#[rustfmt::skip]
pub(super) static ENTRIES: &[&Entry] = &[
    &basic::EASY,
    &basic::FAIR_SHARE,
    &basic::FIFO,
    &basic::PRIORITY,
    &basic::SJF,
    &basic::SRSF,
    &basic::SRTF,
    &orders::EDF,
    &orders::HRRN,
    &orders::PAI_SJF,
    &orders::QSSF,
    &slurm::SLURM,
];
