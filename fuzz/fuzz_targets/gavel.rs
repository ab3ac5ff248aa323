//! The readers of Gavel's and Shockwave's job lists; the first byte chooses options. Behind a zero byte may stand a table
//! of throughput, which gives the run times.

#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use trainyard_fuzz::{FOLDER, check_read, named, read};

const OPTIONS: [&str; 4] = ["", ",missing=extrapolate", ",on=k80", ",missing=drop,on=v100"];

fuzz_target!(|bytes: &[u8]| {
    let Some((&first, rest)) = bytes.split_first() else { return };
    let mut pieces = rest.splitn(2, |&byte| byte == 0);
    let list = pieces.next().unwrap_or_default();
    let Some(table) = pieces.next() else {
        read(named("gavel"), list);
        read(named("shockwave"), list);
        return;
    };
    let (list_at, table_at) = (FOLDER.join("list.trace"), FOLDER.join("table.json"));
    fs::write(&list_at, list).expect("a temporary file");
    fs::write(&table_at, table).expect("a temporary file");
    let options = OPTIONS[usize::from(first) % OPTIONS.len()];
    check_read(traces::load(&format!("gavel:{}[throughputs={}{options}]", list_at.display(), table_at.display())));
});
