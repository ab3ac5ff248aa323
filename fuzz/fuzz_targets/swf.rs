//! The reader of Standard Workload Format; the first byte chooses options.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trainyard_fuzz::read_one_way;

const WAYS: [&str; 8] = [
    "swf",
    "swf[procs=cpus]",
    "swf[size=requested]",
    "swf[size=max]",
    "swf[gpu_field=19]",
    "swf[gpu_field=20,size=max]",
    "swf[size=max,procs=cpus]",
    "swf[gpu_field=4000000000]",
];

fuzz_target!(|bytes: &[u8]| read_one_way(&WAYS, bytes));
