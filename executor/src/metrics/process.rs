//! The server as the kernel sees it, under the names that all programs use.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::sys::resource::{Resource, getrlimit};
use nix::unistd::{SysconfVar, sysconf};
use prometheus::{Counter, Gauge, IntGauge};

use super::{Maker, family as f};

/// Figures of this process.
#[derive(Debug)]
pub(super) struct Process {
    cpu_seconds: Counter,
    fds: IntGauge,
    fds_max: IntGauge,
    memory_bytes: IntGauge,
    /// CPU time that is in the counter, in ticks.
    ticks: AtomicU64,
}

impl Process {
    pub(super) fn new(maker: &Maker) -> Self {
        let start = maker.keep(Gauge::new(f::PROCESS_START.name, f::PROCESS_START.help));
        start.set(start_time_s().unwrap_or_default());
        Self {
            cpu_seconds: maker.keep(Counter::new(f::PROCESS_CPU.name, f::PROCESS_CPU.help)),
            fds: maker.gauge(&f::PROCESS_FDS),
            fds_max: maker.gauge(&f::PROCESS_FDS_MAX),
            memory_bytes: maker.gauge(&f::PROCESS_MEMORY),
            ticks: AtomicU64::new(0),
        }
    }

    /// Reads them anew. What the kernel does not say stays as it was.
    pub(super) fn read(&self) {
        if let Some(Stat { ticks, pages, .. }) = stat() {
            self.memory_bytes.set((pages * unit(SysconfVar::PAGE_SIZE)).cast_signed());
            let more = ticks.saturating_sub(self.ticks.fetch_max(ticks, Ordering::Relaxed));
            self.cpu_seconds.inc_by(more as f64 / unit(SysconfVar::CLK_TCK) as f64);
        }
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            self.fds.set(i64::try_from(open.count()).unwrap_or(i64::MAX));
        }
        if let Ok((soft, _)) = getrlimit(Resource::RLIMIT_NOFILE) {
            self.fds_max.set(i64::try_from(soft).unwrap_or(i64::MAX));
        }
    }
}

/// What `/proc/self/stat` says, as far as it matters here.
struct Stat {
    /// CPU time, of user and system.
    ticks: u64,
    /// Ticks from the start of the machine to that of the process.
    started: u64,
    /// Pages in main memory.
    pages: u64,
}

fn stat() -> Option<Stat> {
    let text = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program comes second, in brackets, and may hold anything. What follows counts from field 3.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |field: usize| fields.get(field - 3).and_then(|text| text.parse::<u64>().ok());
    Some(Stat { ticks: number(14)? + number(15)?, started: number(22)?, pages: number(24)? })
}

/// Seconds since 1970.
fn start_time_s() -> Option<f64> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    let boot: u64 = text.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    Some(boot as f64 + stat()?.started as f64 / unit(SysconfVar::CLK_TCK) as f64)
}

/// Ticks of a second, bytes of a page.
fn unit(name: SysconfVar) -> u64 {
    sysconf(name).ok().flatten().and_then(|value| u64::try_from(value).ok()).filter(|value| *value > 0).unwrap_or(1)
}
