//! The readers of comma-separated lists with a header: the first byte says which, and with which options.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trainyard_fuzz::read_one_way;

const WAYS: [&str; 24] = [
    "openb",
    "philly",
    "helios",
    "acme",
    "acme-converted",
    "pai-jobs",
    "hydra",
    "spot",
    "dlrm",
    "tiresias",
    "muri",
    "chronus",
    "elasticflow",
    "pollux",
    "pai-jobs[gpus=job]",
    "pai-jobs[nonpositive=clip]",
    "pai-jobs[estimate=user_dur]",
    "pai-jobs[estimate=group_gpu_dur,gpus=job,nonpositive=clip]",
    "hydra[on=V100]",
    "muri[priority=ignore]",
    "chronus[unit=seconds]",
    "canonical",
    "pai-jobs[estimate=group_dur]",
    "hydra[on=T4]",
];

fuzz_target!(|bytes: &[u8]| read_one_way(&WAYS, bytes));
