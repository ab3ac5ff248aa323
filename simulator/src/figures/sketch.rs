//! A picture as a list of marks, without a backend: figures are laid out once and painted as SVG and as PNG.
//! Lengths are in points of the screen (CSS pixels), the origin is the upper left corner.

use super::palette::{Color, INK};

/// Where a text is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// Left, at half its height.
    Start,
    /// In the middle, at half its height.
    Middle,
    /// Right, at half its height.
    End,
}

/// How a text runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// From left to right.
    Level,
    /// From below to above.
    Upward,
}

/// Weight of the letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Plain.
    Regular,
    /// Bold.
    Bold,
}

/// A piece of text.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// Position of the anchor.
    pub at: (f64, f64),
    /// The words.
    pub text: String,
    /// Height of an em.
    pub size: f64,
    /// What lies at `at`.
    pub anchor: Anchor,
    /// Direction.
    pub turn: Turn,
    /// Weight.
    pub weight: Weight,
    /// Colour.
    pub color: Color,
}

impl Label {
    /// A level, regular text in the colour of ink.
    pub fn new(at: (f64, f64), text: impl Into<String>, size: f64, anchor: Anchor) -> Self {
        Self { at, text: text.into(), size, anchor, turn: Turn::Level, weight: Weight::Regular, color: INK }
    }
}

/// One mark.
#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    /// A line through points.
    Line {
        /// The points.
        points: Vec<(f64, f64)>,
        /// Width of the stroke.
        width: f64,
        /// Colour.
        color: Color,
    },
    /// A filled polygon.
    Area {
        /// Its corners.
        points: Vec<(f64, f64)>,
        /// Colour.
        color: Color,
    },
    /// A filled rectangle.
    Bar {
        /// Upper left corner.
        from: (f64, f64),
        /// Lower right corner.
        to: (f64, f64),
        /// Colour.
        color: Color,
    },
    /// A filled disc.
    Dot {
        /// Its centre.
        at: (f64, f64),
        /// Its radius.
        radius: f64,
        /// Colour.
        color: Color,
    },
    /// A text.
    Text(Label),
}

/// A picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Sketch {
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
    /// The marks, the lowest first.
    pub marks: Vec<Mark>,
}

impl Sketch {
    /// An empty picture.
    pub fn new(width: f64, height: f64) -> Self {
        Self { width, height, marks: Vec::new() }
    }

    /// Adds a line; one of fewer than two points is nothing.
    pub fn line(&mut self, points: Vec<(f64, f64)>, width: f64, color: Color) {
        if points.len() > 1 {
            self.marks.push(Mark::Line { points, width, color });
        }
    }

    /// Adds a filled polygon.
    pub fn area(&mut self, points: Vec<(f64, f64)>, color: Color) {
        if points.len() > 2 {
            self.marks.push(Mark::Area { points, color });
        }
    }

    /// Adds a filled rectangle.
    pub fn bar(&mut self, from: (f64, f64), to: (f64, f64), color: Color) {
        self.marks.push(Mark::Bar { from, to, color });
    }

    /// Adds a disc.
    pub fn dot(&mut self, at: (f64, f64), radius: f64, color: Color) {
        self.marks.push(Mark::Dot { at, radius, color });
    }

    /// Adds a text.
    pub fn text(&mut self, label: Label) {
        self.marks.push(Mark::Text(label));
    }

    /// Adds a line in pieces of `on` with gaps of `off` along its length.
    pub fn dashed(&mut self, points: &[(f64, f64)], (on, off): (f64, f64), width: f64, color: Color) {
        let mut piece: Vec<(f64, f64)> = points.first().copied().into_iter().collect();
        let (mut drawing, mut left) = (true, on);
        for pair in points.windows(2) {
            let (mut from, to) = (pair[0], pair[1]);
            loop {
                let length = (to.0 - from.0).hypot(to.1 - from.1);
                if length < left {
                    left -= length;
                    break;
                }
                let share = left / length;
                from = (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share);
                if drawing {
                    piece.push(from);
                    self.line(std::mem::take(&mut piece), width, color);
                }
                drawing = !drawing;
                piece = vec![from];
                left = if drawing { on } else { off };
            }
            if drawing {
                piece.push(to);
            }
        }
        if drawing {
            self.line(piece, width, color);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_cover_on_of_every_on_plus_off() {
        let mut sketch = Sketch::new(100.0, 10.0);
        sketch.dashed(&[(0.0, 0.0), (7.0, 0.0), (100.0, 0.0)], (6.0, 4.0), 1.0, INK);
        let length = |mark: &Mark| match mark {
            Mark::Line { points, .. } => points[points.len() - 1].0 - points[0].0,
            _ => 0.0,
        };
        assert!((10..=11).contains(&sketch.marks.len()));
        assert!((sketch.marks.iter().map(length).sum::<f64>() - 60.0).abs() < 1e-9);
    }
}
