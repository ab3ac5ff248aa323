//! A frame with two axes.

use super::axis::Axis;
use super::paint::text_width;
use super::palette::{FAINT_INK, GRID, INK, Stroke};
use super::sketch::{Anchor, Label, Sketch, Turn, Weight};

/// Size of tick labels.
pub(super) const TICK_SIZE: f64 = 12.0;
/// Size of axis titles and legends.
pub(super) const TITLE_SIZE: f64 = 13.0;
/// Least room between two labels of the x axis.
const LABEL_GAP: f64 = 10.0;

/// A rectangle of the sheet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Frame {
    /// Left edge.
    pub(super) left: f64,
    /// Upper edge.
    pub(super) top: f64,
    /// Right edge.
    pub(super) right: f64,
    /// Lower edge.
    pub(super) bottom: f64,
}

impl Frame {
    /// Width.
    pub(super) fn width(&self) -> f64 {
        self.right - self.left
    }

    /// Height.
    pub(super) fn height(&self) -> f64 {
        self.bottom - self.top
    }
}

/// A frame with two axes: places values on the sheet.
#[derive(Clone, Debug)]
pub(super) struct Panel {
    /// Where the data goes.
    pub(super) frame: Frame,
    /// To the right.
    pub(super) x: Axis,
    /// Upwards.
    pub(super) y: Axis,
}

impl Panel {
    /// A panel inside `outer` with as much room for labels as they need.
    pub(super) fn within(outer: Frame, x: Axis, y: Axis) -> Self {
        let label = y.ticks.iter().map(|tick| text_width(&tick.text, TICK_SIZE, Weight::Regular)).fold(0.0, f64::max);
        let title = if y.title.is_empty() { 4.0 } else { 24.0 };
        let below = if x.title.is_empty() { 24.0 } else { 50.0 };
        let frame = Frame {
            left: outer.left + label + 10.0 + title,
            top: outer.top + 8.0,
            right: outer.right - 24.0,
            bottom: outer.bottom - below,
        };
        Self { frame, x, y }
    }

    /// The same panel with its left edge at `left`, so that panels below each other line up.
    pub(super) fn aligned(mut self, left: f64) -> Self {
        self.frame.left = left;
        self
    }

    /// Place of a value on the x axis.
    pub(super) fn x_at(&self, value: f64) -> f64 {
        self.frame.left + self.x.place(value) * self.frame.width()
    }

    /// Place of a value on the y axis.
    pub(super) fn y_at(&self, value: f64) -> f64 {
        self.frame.bottom - self.y.place(value) * self.frame.height()
    }

    /// Place of a pair of values.
    pub(super) fn at(&self, x: f64, y: f64) -> (f64, f64) {
        (self.x_at(x), self.y_at(y))
    }

    /// Draws grid, labels and titles. Data comes above it.
    pub(super) fn draw(&self, sketch: &mut Sketch) {
        self.draw_y(sketch);
        self.draw_x(sketch);
        let Frame { left, top, right, bottom } = self.frame;
        sketch.line(vec![(left, top), (left, bottom), (right, bottom)], 1.0, INK);
    }

    fn draw_y(&self, sketch: &mut Sketch) {
        let Frame { left, top, right, bottom } = self.frame;
        let mut last = f64::INFINITY;
        for tick in &self.y.ticks {
            let y = self.y_at(tick.at);
            sketch.line(vec![(left, y), (right, y)], 1.0, GRID);
            if last - y >= TICK_SIZE {
                sketch.text(Label::new((left - 8.0, y), tick.text.as_str(), TICK_SIZE, Anchor::End));
                last = y;
            }
        }
        if !self.y.title.is_empty() {
            let label =
                self.y.ticks.iter().map(|t| text_width(&t.text, TICK_SIZE, Weight::Regular)).fold(0.0, f64::max);
            let at = (left - label - 24.0, f64::midpoint(top, bottom));
            let title = Label::new(at, self.y.title.as_str(), TITLE_SIZE, Anchor::Middle);
            sketch.text(Label { turn: Turn::Upward, color: FAINT_INK, ..title });
        }
    }

    fn draw_x(&self, sketch: &mut Sketch) {
        let Frame { left, top, right, bottom } = self.frame;
        let mut free_from = f64::NEG_INFINITY;
        for tick in &self.x.ticks {
            let x = self.x_at(tick.at);
            sketch.line(vec![(x, top), (x, bottom)], 1.0, GRID);
            sketch.line(vec![(x, bottom), (x, bottom + 4.0)], 1.0, INK);
            let half = text_width(&tick.text, TICK_SIZE, Weight::Regular) / 2.0;
            let center = x.min(sketch.width - half - 2.0);
            if center - half >= free_from {
                sketch.text(Label::new((center, bottom + 14.0), tick.text.as_str(), TICK_SIZE, Anchor::Middle));
                free_from = center + half + LABEL_GAP;
            }
        }
        if !self.x.title.is_empty() {
            let at = (f64::midpoint(left, right), bottom + 35.0);
            let title = Label::new(at, self.x.title.as_str(), TITLE_SIZE, Anchor::Middle);
            sketch.text(Label { color: FAINT_INK, ..title });
        }
    }

    /// Draws a line through values, broken where one is not finite.
    pub(super) fn curve(&self, sketch: &mut Sketch, values: &[(f64, f64)], stroke: Stroke, width: f64) {
        for piece in values.split(|(x, y)| !x.is_finite() || !y.is_finite()) {
            let points: Vec<_> = piece.iter().map(|&(x, y)| self.at(x, y)).collect();
            match stroke.dash {
                None => sketch.line(straightened(points), width, stroke.color),
                Some(dash) => sketch.dashed(&straightened(points), dash, width, stroke.color),
            }
        }
    }
}

/// Leaves out points that lie on the line through their neighbours: level and upright parts of steps.
fn straightened(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let mut kept: Vec<(f64, f64)> = Vec::with_capacity(points.len());
    for point in points {
        if let [.., before, last] = kept[..] {
            let level = (before.1 - last.1).abs() < 0.01 && (point.1 - last.1).abs() < 0.01;
            let upright = (before.0 - last.0).abs() < 0.01 && (point.0 - last.0).abs() < 0.01;
            if level || upright {
                kept.pop();
            }
        }
        kept.push(point);
    }
    kept
}
