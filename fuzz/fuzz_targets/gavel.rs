//! The readers of Gavel's and Shockwave's job lists.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trainyard_fuzz::{named, read};

fuzz_target!(|bytes: &[u8]| {
    read(named("gavel"), bytes);
    read(named("shockwave"), bytes);
});
