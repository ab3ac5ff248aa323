//! Readers that need several files: PAI's four tables, and any table by a mapping. Files are cut at zero bytes; the first
//! byte says what they are.

#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use trainyard_fuzz::{FOLDER, check_read};

const TABLES: [&str; 4] =
    ["pai_job_table.csv", "pai_task_table.csv", "pai_instance_table.csv", "pai_group_tag_table.csv"];

fuzz_target!(|bytes: &[u8]| {
    let Some((&first, rest)) = bytes.split_first() else { return };
    let mut pieces = rest.split(|&byte| byte == 0);
    let folder = FOLDER.display();
    let text = if first % 3 < 2 {
        for name in TABLES {
            let path = FOLDER.join(name);
            match pieces.next() {
                Some(piece) => fs::write(path, piece).expect("a temporary file"),
                None => drop(fs::remove_file(path)),
            }
        }
        format!("pai:{folder}{}", if first % 3 == 0 { "" } else { "[models=assigned]" })
    } else {
        for name in ["mapping.toml", "table.csv"] {
            fs::write(FOLDER.join(name), pieces.next().unwrap_or_default()).expect("a temporary file");
        }
        format!("mapped:{folder}/table.csv[mapping={folder}/mapping.toml]")
    };
    check_read(traces::load(&text));
});
