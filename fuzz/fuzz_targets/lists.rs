//! The readers of comma-separated lists with a header: the first byte says which.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trainyard_fuzz::{named, read};

const FORMATS: [&str; 13] = [
    "openb", "philly", "helios", "acme", "pai-jobs", "hydra", "spot", "dlrm", "tiresias", "muri", "chronus", "elasticflow",
    "pollux",
];

fuzz_target!(|bytes: &[u8]| {
    if let Some((&first, rest)) = bytes.split_first() {
        read(named(FORMATS[usize::from(first) % FORMATS.len()]), rest);
    }
});
