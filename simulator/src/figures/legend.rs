//! The key of a figure: one entry a policy or a size, in rows that fit the width.

use super::paint::text_width;
use super::palette::{Color, Stroke, stroke};
use super::panel::TITLE_SIZE;
use super::sketch::{Anchor, Label, Sketch, Weight};

/// Height of one row.
const ROW: f64 = 20.0;
/// Length of the sample before the text.
const SAMPLE: f64 = 24.0;
/// Longest text of an entry in characters.
const LONGEST: usize = 60;

/// What stands before the text.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sample {
    /// A piece of line.
    Line(Stroke),
    /// A box.
    Patch(Color),
}

/// Draws the entries from the upper left on, and returns the height that they took.
pub(super) fn draw(sketch: &mut Sketch, (left, top): (f64, f64), entries: &[(String, Sample)]) -> f64 {
    let (mut x, mut y) = (left, top + ROW / 2.0);
    for (text, sample) in entries {
        let text = shortened(text, LONGEST);
        let width = SAMPLE + 6.0 + text_width(&text, TITLE_SIZE, Weight::Regular) + 18.0;
        if x > left && x + width > sketch.width - 8.0 {
            x = left;
            y += ROW;
        }
        match *sample {
            Sample::Line(stroke) => match stroke.dash {
                None => sketch.line(vec![(x, y), (x + SAMPLE, y)], 3.0, stroke.color),
                Some(dash) => sketch.dashed(&[(x, y), (x + SAMPLE, y)], dash, 3.0, stroke.color),
            },
            Sample::Patch(color) => sketch.bar((x + SAMPLE - 14.0, y - 6.0), (x + SAMPLE, y + 6.0), color),
        }
        sketch.text(Label::new((x + SAMPLE + 6.0, y), text, TITLE_SIZE, Anchor::Start));
        x += width;
    }
    y + ROW / 2.0 - top
}

/// The entries of policies.
pub(super) fn of_policies(policies: &[&str]) -> Vec<(String, Sample)> {
    let entry = |(index, policy): (usize, &&str)| ((*policy).to_owned(), Sample::Line(stroke(index)));
    policies.iter().enumerate().map(entry).collect()
}

/// At most `longest` characters, with an ellipsis where some are missing.
pub(super) fn shortened(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    text.chars().take(longest - 1).chain(['…']).collect()
}
