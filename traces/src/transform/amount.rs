//! How many: a share or a number.

/// A part of a whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Amount {
    /// Above 0, at most 1.
    Share(f64),
    /// At least 1.
    Count(u64),
}

impl Amount {
    /// What an amount must look like.
    pub(super) const WANTED: &str = "a whole number such as 160, or a share such as 0.1 or 10%";

    /// Reads `160`, `0.1` or `10%`. A text without a point or a percent sign is a number.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Ok(count) = text.parse::<u64>() {
            return (count > 0).then_some(Self::Count(count));
        }
        let share = match text.strip_suffix('%') {
            Some(percent) => percent.trim().parse::<f64>().ok()? / 100.0,
            None => text.parse::<f64>().ok()?,
        };
        (share > 0.0 && share <= 1.0).then_some(Self::Share(share))
    }

    /// The number out of `whole`; a share is rounded, and is at least one. `None` where there are not enough.
    pub(super) fn of(self, whole: usize) -> Option<usize> {
        match self {
            Self::Share(share) => Some(((whole as f64 * share).round() as usize).max(1).min(whole)),
            Self::Count(count) => usize::try_from(count).ok().filter(|count| *count <= whole),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_numbers() {
        assert_eq!(Amount::parse("160"), Some(Amount::Count(160)));
        assert_eq!(Amount::parse("1"), Some(Amount::Count(1)));
        assert_eq!(Amount::parse("1.0"), Some(Amount::Share(1.0)));
        assert_eq!(Amount::parse("10%"), Some(Amount::Share(0.1)));
        for bad in ["", "0", "-1", "0.0", "1.5", "nan", "101%", "x"] {
            assert_eq!(Amount::parse(bad), None, "{bad}");
        }
        assert_eq!(Amount::Share(0.25).of(10), Some(3));
        assert_eq!((Amount::Share(0.01).of(10), Amount::Share(0.5).of(0)), (Some(1), Some(0)));
        assert_eq!((Amount::Count(3).of(3), Amount::Count(4).of(3)), (Some(3), None));
    }
}
