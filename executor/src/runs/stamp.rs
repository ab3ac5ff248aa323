//! When something happened, by two clocks.

use std::sync::OnceLock;

use engine::Span;
use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// An instant: by the wall clock for people, by the clock since boot for differences that no step of the wall clock can spoil.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Microseconds since 1970, UTC.
    pub wall_us: u64,
    /// Microseconds since the machine was started, sleep included.
    pub boot_us: u64,
    /// Which start of the machine.
    pub boot_id: String,
}

impl Stamp {
    /// The present instant.
    pub fn now() -> Self {
        Self {
            wall_us: clock_us(ClockId::CLOCK_REALTIME),
            boot_us: clock_us(ClockId::CLOCK_BOOTTIME),
            boot_id: boot_id().to_owned(),
        }
    }

    /// How long ago it was; by the wall clock if the machine was restarted since, and never negative.
    pub fn ago(&self) -> Span {
        let now = Self::now();
        if now.boot_id == self.boot_id {
            Span(now.boot_us.saturating_sub(self.boot_us))
        } else {
            Span(now.wall_us.saturating_sub(self.wall_us))
        }
    }

    /// Whether it was since the last start of the machine.
    pub fn of_this_boot(&self) -> bool {
        self.boot_id == boot_id()
    }
}

fn clock_us(clock: ClockId) -> u64 {
    // Both clocks exist on every Linux that this runs on; 0 is what a clock before its origin would say.
    clock_gettime(clock).map_or(0, |time| time.tv_sec() as u64 * 1_000_000 + time.tv_nsec() as u64 / 1_000)
}

/// Which start of the machine this is.
pub fn boot_id() -> &'static str {
    static ID: OnceLock<String> = OnceLock::new();
    ID.get_or_init(|| {
        let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        text.trim().to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_since_another_boot_is_by_the_wall_clock() {
        let mut stamp = Stamp::now();
        stamp.wall_us -= 5_000_000;
        assert!(stamp.ago() < Span(5_000_000));
        stamp.boot_id = "another".to_owned();
        assert!(stamp.ago() >= Span(5_000_000));
        assert!(!stamp.of_this_boot());
    }
}
