//! The readers of capacity schedules.

#![no_main]

use libfuzzer_sys::fuzz_target;
use traces::capacity::{describe_capacity, read_capacity_bytes};
use trainyard_fuzz::check_error;

fuzz_target!(|bytes: &[u8]| match read_capacity_bytes("Earth_vc_cluster_sequence.csv", bytes) {
    Ok(schedule) => drop(describe_capacity(&schedule)),
    Err(error) => check_error(&error),
});
