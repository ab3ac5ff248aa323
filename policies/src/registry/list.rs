//! Every policy that the registry knows, one a line.

use super::{Entry, backfill, basic};
use super::{Entry, basic, orders, slurm};
use super::{Entry, basic, quota};

#[rustfmt::skip]
pub(super) static ENTRIES: &[&Entry] = &[
    &backfill::CONSERVATIVE,
    &backfill::EASY,
use super::{Entry, basic, fair};

#[rustfmt::skip]
pub(super) static ENTRIES: &[&Entry] = &[
    &fair::DRF,
    &basic::EASY,
    &basic::FAIR_SHARE,
    &basic::FIFO,
    &fair::GANDIVA_FAIR,
    &fair::HDRF,
    &fair::MAX_MIN,
    &basic::PRIORITY,
    &quota::KAI,
    &quota::KUEUE,
    &basic::SJF,
    &basic::SRSF,
    &basic::SRTF,
    &fair::THEMIS,
    &orders::EDF,
    &orders::HRRN,
    &orders::PAI_SJF,
    &orders::QSSF,
    &slurm::SLURM,
];
