//! The readers of throughput tables; the first byte chooses a file name, which some formats read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use traces::ThroughputTable;
use trainyard_fuzz::check_error;

const NAMES: [&str; 4] =
    ["table.json", "bert_placements-aws.csv", "bert_scalability-aws.csv", "throughputs_A100/bert.csv"];

fuzz_target!(|bytes: &[u8]| {
    if let Some((&first, rest)) = bytes.split_first() {
        match ThroughputTable::read_bytes(NAMES[usize::from(first) % NAMES.len()], rest) {
            Ok(table) => drop(table.describe()),
            Err(error) => check_error(&error),
        }
    }
});
