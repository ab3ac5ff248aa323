//! Readers that need several files: PAI's four tables, and any table by a mapping. Files are cut at zero bytes; the first
//! byte says what they are.

#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use trainyard_fuzz::check_error;

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("trainyard-fuzz-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder for temporary files");
    folder
});

const TABLES: [&str; 4] =
    ["pai_job_table.csv", "pai_task_table.csv", "pai_instance_table.csv", "pai_group_tag_table.csv"];

fuzz_target!(|bytes: &[u8]| {
    let Some((&first, rest)) = bytes.split_first() else { return };
    let mut pieces = rest.split(|&byte| byte == 0);
    let folder = FOLDER.display();
    let text = if first % 2 == 0 {
        for name in TABLES {
            fs::write(FOLDER.join(name), pieces.next().unwrap_or_default()).expect("a temporary file");
        }
        format!("pai:{folder}")
    } else {
        for name in ["mapping.toml", "table.csv"] {
            fs::write(FOLDER.join(name), pieces.next().unwrap_or_default()).expect("a temporary file");
        }
        format!("mapped:{folder}/table.csv[mapping={folder}/mapping.toml]")
    };
    match traces::load(&text) {
        Ok(trace) => assert!(!trace.jobs.is_empty(), "a trace without jobs is an error"),
        Err(error) => check_error(&error),
    }
});
