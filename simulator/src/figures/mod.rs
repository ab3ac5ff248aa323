//! Figures of a comparison. Each is laid out once as a [`sketch::Sketch`] and painted as SVG for the report and as PNG.

mod axis;
mod buckets;
mod clock;
mod distribution;
mod gang;
mod gantt;
mod legend;
mod load;
mod paint;
mod palette;
mod panel;
mod selection;
pub mod sketch;
mod tenant;
mod timeline;
mod workload;

#[cfg(test)]
pub(crate) use paint::text_width;
pub use paint::{svg, write_png};
pub use palette::Color;
pub use workload::drawings_of_trace;

use clock::Clock;
use selection::Selection;
use sketch::{Anchor, Label, Sketch};

use crate::output::Comparison;

/// Width of every figure in points.
const WIDTH: f64 = 960.0;

/// A figure before it is painted.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    /// Name of its file, without extension.
    pub name: &'static str,
    /// Title.
    pub title: String,
    /// How to read it.
    pub caption: String,
    /// The picture.
    pub sketch: Sketch,
}

impl Drawing {
    /// A figure that says that there is nothing to show.
    fn nothing(name: &'static str, title: &str, why: &str) -> Self {
        let mut sketch = Sketch::new(WIDTH, 80.0);
        let label = Label::new((WIDTH / 2.0, 40.0), "nothing to show", 15.0, Anchor::Middle);
        sketch.text(Label { color: palette::FAINT_INK, ..label });
        Self { name, title: title.to_owned(), caption: why.to_owned(), sketch }
    }
}

/// All figures that have a meaning for this comparison, in the order of the report.
pub fn drawings(comparison: &Comparison<'_>) -> Vec<Drawing> {
    let selection = Selection::of(comparison);
    let clock = Clock::of(comparison.trace, &selection);
    let gpus = comparison.inventory.gpus() as f64;
    let mut all = vec![
        distribution::drawing(&selection),
        timeline::queue(&selection, &clock),
        timeline::gpus(&selection, &clock, gpus),
        timeline::fragmented(&selection, &clock),
        timeline::largest_gang(&selection, &clock),
        gang::drawing(&selection),
    ];
    all.extend(tenant::drawing(&selection));
    all.extend(load::drawing(comparison));
    all.extend(gantt::drawing(&selection, &clock, comparison.inventory, comparison.window_s));
    all
}
