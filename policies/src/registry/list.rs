//! Every policy that the registry knows, one a line.

use super::{Entry, backfill, basic, fair, orders, placement, quota, rounds, sla, slurm, tiresias};

#[rustfmt::skip]
pub(super) static ENTRIES: &[&Entry] = &[
    &backfill::CONSERVATIVE,
    &backfill::EASY,
    &basic::FAIR_SHARE,
    &basic::FIFO,
    &basic::PRIORITY,
    &sla::SLA,
    &basic::SJF,
    &basic::SRSF,
    &basic::SRTF,
    &fair::DRF,
    &fair::GANDIVA_FAIR,
    &fair::HDRF,
    &fair::MAX_MIN,
    &fair::THEMIS,
    &placement::HIVED,
    &orders::EDF,
    &orders::HRRN,
    &orders::PAI_SJF,
    &orders::QSSF,
    &quota::KAI,
    &quota::KUEUE,
    &slurm::SLURM,
    &tiresias::LAS,
    &tiresias::SMALLEST_GANG,
    &tiresias::TIRESIAS,
    &rounds::FIFO_ROUNDS,
    &rounds::LAS_ROUNDS,
    &rounds::SRTF_ROUNDS,
];
