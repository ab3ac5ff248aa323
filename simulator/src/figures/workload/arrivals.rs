//! Submissions over the time of the trace.

use traces::Trace;

use crate::figures::axis::Axis;
use crate::figures::clock::Clock;
use crate::figures::palette::stroke;
use crate::figures::panel::{Frame, Panel};
use crate::figures::sketch::Sketch;
use crate::figures::{Drawing, WIDTH};
use crate::report::fmt;

/// Widths of the bins in seconds: the narrowest that leaves no more than [`BINS`] is taken.
const STEPS_S: [f64; 8] = [60.0, 600.0, 3600.0, 21_600.0, 86_400.0, 604_800.0, 2_592_000.0, 31_536_000.0];
/// Most bins.
const BINS: f64 = 480.0;

pub(super) fn drawing(trace: &Trace) -> Drawing {
    let title = "When jobs come";
    let (Some(first), Some(last)) = (trace.jobs.first(), trace.jobs.last()) else {
        return Drawing::nothing("arrivals", title, "The trace has no jobs.");
    };
    let (low, high) = (first.submit.secs_f64(), last.submit.secs_f64());
    let step = STEPS_S.into_iter().find(|step| (high - low) / step <= BINS).unwrap_or((high - low) / BINS);
    let mut counts = vec![0u64; ((high - low) / step) as usize + 1];
    for job in &trace.jobs {
        counts[((job.submit.secs_f64() - low) / step) as usize] += 1;
    }
    let most = counts.iter().copied().max().unwrap_or(0);
    let clock = Clock::of_trace(trace);
    let mut sketch = Sketch::new(WIDTH, 320.0);
    let outer = Frame { left: 4.0, top: 8.0, right: WIDTH - 2.0, bottom: sketch.height };
    let axis = Axis::counts(&format!("jobs submitted in {}", fmt::seconds(step)), most as f64 * 1.05);
    let end = low + step * counts.len() as f64;
    let panel = Panel::within(outer, clock.axis(low, end), axis);
    panel.draw(&mut sketch);
    for (at, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let (left, right) = (panel.x_at(low + step * at as f64), panel.x_at(low + step * (at + 1) as f64));
        let top = panel.y_at(*count as f64);
        sketch.bar((left, top), (right.max(left + 1.0).min(panel.frame.right), panel.frame.bottom), stroke(0).color);
    }
    let caption = format!(
        "Jobs submitted in each {}; the busiest has {}. Gaps are times without a submission.",
        fmt::seconds(step),
        fmt::thousands(most)
    );
    Drawing { name: "arrivals", title: title.to_owned(), caption, sketch }
}
