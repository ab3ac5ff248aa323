//! How long a run takes to get going again after a stop, by the size of the gang.

use engine::{MILLI, Span};

/// Restart times by number of GPUs, the smallest gangs first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestartTimes {
    /// Up to so many GPUs: so long.
    up_to: Vec<(u64, Span)>,
    /// Above all of them.
    above: Span,
}

impl RestartTimes {
    /// The same for all.
    pub fn of(time: Span) -> Self {
        Self { up_to: Vec::new(), above: time }
    }

    /// Reads `SECONDS`, or `GPUS:SECONDS` and at last `SECONDS`, joined by `+`: `1:7+8:30+60` is 7 s for one GPU, 30 s up
    /// to eight, 60 s above.
    pub fn parse(text: &str) -> Option<Self> {
        let seconds = |text: &str| text.trim().parse().ok().and_then(Span::from_secs_f64);
        let mut parts: Vec<&str> = text.split('+').collect();
        let above = seconds(parts.pop()?)?;
        let mut up_to: Vec<(u64, Span)> = Vec::new();
        for part in parts {
            let (gpus, time) = part.split_once(':')?;
            let gpus: u64 = gpus.trim().parse().ok()?;
            if up_to.last().is_some_and(|(before, _)| *before >= gpus) {
                return None;
            }
            up_to.push((gpus, seconds(time)?));
        }
        Some(Self { up_to, above })
    }

    /// For a gang that holds so many thousandths of a GPU.
    pub fn of_gang(&self, gpu_milli: u64) -> Span {
        let row = self.up_to.iter().find(|(gpus, _)| gpu_milli <= gpus.saturating_mul(u64::from(MILLI)));
        row.map_or(self.above, |(_, time)| *time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn larger_gangs_may_take_longer() {
        let times = RestartTimes::parse("1:7+8:30+60").unwrap();
        let of = |gpus: u64| times.of_gang(gpus * 1000).0 / 1_000_000;
        assert_eq!([0, 1, 2, 8, 9, 64].map(of), [7, 7, 30, 30, 60, 60]);
        assert_eq!(times.of_gang(1500), Span::secs(30));
        assert_eq!(RestartTimes::parse("30"), Some(RestartTimes::of(Span::secs(30))));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "8:30", "1:7+60+8:30", "8:30+1:7+60", "1:7+1:8+60", "x", "1:-7+60"] {
            assert_eq!(RestartTimes::parse(text), None, "{text}");
        }
    }
}
