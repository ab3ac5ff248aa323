//! The reader of Slurm's sacct.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trainyard_fuzz::{named, read};

fuzz_target!(|bytes: &[u8]| read(named("sacct"), bytes));
