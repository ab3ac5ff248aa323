//! The brackets behind a path, and the changes that they ask for.

#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use trainyard_fuzz::{FOLDER, check_error, check_sound};

/// A trace without a clock, and one with.
static TRACES: LazyLock<[PathBuf; 2]> = LazyLock::new(|| {
    let rows: String =
        (0..40).map(|k| format!("j{k},{},{},{},t{},{}\n", k * 3600, 1 << (k % 5), k * 100, k % 3, k * 4000)).collect();
    let dated: String = (0..40)
        .map(|k| {
            format!(
                "2017-10-{:02} {:02}:00:00,{},{},{},v{}\n",
                3 + k / 8,
                k % 24,
                k * 100,
                k % 9,
                k * (k % 9) * 100,
                k % 3
            )
        })
        .collect();
    let texts = [
        format!("job_id,submit_s,gpus,duration_s,tenant,deadline_s\n{rows}"),
        format!("timestamp,duration,num_gpus,gpu_time,cluster\n{dated}"),
    ];
    let write = |(name, text): (&str, String)| {
        let path = FOLDER.join(name);
        std::fs::write(&path, text).expect("a temporary file");
        path
    };
    let [plain, dated] = texts;
    [write(("plain.csv", plain)), write(("dated.csv", dated))]
});

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    // A name of a file is no part of the grammar: one that exists would be read.
    if text.contains(['/', '\\']) || text.len() > 1000 || copies(text) > 1000.0 {
        return;
    }
    for path in TRACES.iter() {
        match traces::load(&format!("{}[{text}]", path.display())) {
            Ok(trace) => check_sound(&trace),
            Err(error) => check_error(&error),
        }
    }
});

/// The copies that a text asks for: as many jobs take memory that the user wanted.
fn copies(text: &str) -> f64 {
    text.split(',')
        .filter_map(|pair| pair.trim().strip_prefix("repeat")?.trim_start().strip_prefix('='))
        .fold(1.0, |copies, count| copies * count.trim().parse::<f64>().unwrap_or(1.0).max(1.0))
}
