//! The reader of Slurm's sacct; the first byte chooses the delimiter.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trainyard_fuzz::read_one_way;

const WAYS: [&str; 8] = [
    "sacct",
    "sacct[delimiter=comma]",
    "sacct[delimiter=tab]",
    "sacct[delimiter=semicolon]",
    "sacct[delimiter=;]",
    "sacct[delimiter=||]",
    "sacct[delimiter=x]",
    "sacct[delimiter=-]",
];

fuzz_target!(|bytes: &[u8]| read_one_way(&WAYS, bytes));
