//! Quantiles, memory, and what a sync of this disk takes.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

const SYNCS: u32 = 400;

/// Prints median, 99th percentile and the longest.
pub(crate) fn spread(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let rank = |share: f64| times[((times.len() as f64 * share).ceil() as usize).max(1) - 1].as_secs_f64() * 1e3;
    let (p50, p99, most) = (rank(0.5), rank(0.99), rank(1.0));
    println!("  {what}: p50 {p50:.2} ms, p99 {p99:.2} ms, longest {most:.2} ms of {}", times.len());
}

/// What it takes to bring 4 KiB to the disk, as one commit does.
pub(crate) fn disk(folder: &Path) {
    let path = folder.join("disk");
    let mut file = OpenOptions::new().create(true).append(true).open(&path).unwrap();
    let mut times = Vec::new();
    for _ in 0..SYNCS {
        let begin = Instant::now();
        file.write_all(&[7; 4096]).unwrap();
        file.sync_data().unwrap();
        times.push(begin.elapsed());
    }
    println!("disk");
    spread("4 KiB appended and synced", times);
    std::fs::remove_file(path).unwrap();
}

/// Prints the memory of a process, and the most that it ever had.
pub(crate) fn memory(pid: u32) {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let of = |key: &str| {
        let line = status.lines().find(|line| line.starts_with(key)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
    };
    println!("  memory of the server: {} MiB, at most {} MiB", of("VmRSS"), of("VmHWM"));
}
