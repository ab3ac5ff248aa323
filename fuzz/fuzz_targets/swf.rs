//! The reader of Standard Workload Format.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trainyard_fuzz::{named, read};

fuzz_target!(|bytes: &[u8]| read(named("swf"), bytes));
