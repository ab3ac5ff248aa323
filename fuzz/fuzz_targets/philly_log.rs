//! The reader of the raw log of Philly; the first byte chooses how attempts become jobs.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trainyard_fuzz::read_one_way;

const WAYS: [&str; 4] =
    ["philly-log", "philly-log[attempts=sum]", "philly-log[attempts=last]", "philly-log[attempts=split]"];

fuzz_target!(|bytes: &[u8]| read_one_way(&WAYS, bytes));
