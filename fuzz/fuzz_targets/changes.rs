//! The brackets behind a path, and the changes that they ask for.

#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use trainyard_fuzz::check_error;

static TRACE: LazyLock<PathBuf> = LazyLock::new(|| {
    let path = std::env::temp_dir().join(format!("trainyard-fuzz-{}.csv", std::process::id()));
    let rows: String = (0..40)
        .map(|k| format!("j{k},{},{},{},t{},{}\n", k * 3600, 1 << (k % 5), k * 100, k % 3, k * 4000))
        .collect();
    let text = format!("job_id,submit_s,gpus,duration_s,tenant,deadline_s\n{rows}");
    std::fs::write(&path, text).expect("a temporary file");
    path
});

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    // A name of a file is no part of the grammar: one that exists would be read.
    if text.contains(['/', '\\']) {
        return;
    }
    match traces::load(&format!("{}[{text}]", TRACE.display())) {
        Ok(trace) => assert!(trace.jobs.is_sorted_by_key(|job| job.submit), "jobs are sorted by submission"),
        Err(error) => check_error(&error),
    }
});
