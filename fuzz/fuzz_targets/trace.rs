//! The detection of formats, the canonical form, and gz and Parquet around it: whatever the bytes are, the answer is a
//! sound trace or an error, and never a panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use traces::Format;
use trainyard_fuzz::read;

fuzz_target!(
    init: {
        // The reader of Parquet turns panics of the decoder, which is not ours, into errors. The fuzzer's own hook would
        // end the process before that; panics that get out of the readers still do.
        drop(std::panic::take_hook());
    },
    |bytes: &[u8]| {
        read(None, bytes);
        read(Some(Format::CANONICAL), bytes);
    }
);
