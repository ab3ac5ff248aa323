//! Submissions by the hour of the day and, where the trace has a clock, by the day of the week.

use traces::{Trace, describe};

use crate::figures::axis::{Axis, Scale, Tick};
use crate::figures::palette::stroke;
use crate::figures::panel::{Frame, Panel};
use crate::figures::sketch::Sketch;
use crate::figures::{Drawing, WIDTH};

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

pub(super) fn drawing(trace: &Trace) -> Drawing {
    let title = "The shape of a day and of a week";
    if trace.jobs.is_empty() {
        return Drawing::nothing("week", title, "The trace has no jobs.");
    }
    let info = describe(trace, None);
    let mut sketch = Sketch::new(WIDTH, 300.0);
    let middle = WIDTH * 0.58;
    let whole = Frame { left: 4.0, top: 8.0, right: WIDTH - 2.0, bottom: sketch.height };
    let left = if info.day_of_week.is_some() { Frame { right: middle, ..whole } } else { whole };
    let hour_title = if info.day_of_week.is_some() { "hour of the day" } else { "hour since time zero, modulo 24" };
    let names: [String; 24] = std::array::from_fn(|hour| format!("{hour:02}"));
    draw(&mut sketch, left, hour_title, &info.hour_of_day, &names);
    let caption = match info.day_of_week {
        Some(days) => {
            draw(
                &mut sketch,
                Frame { left: middle + 8.0, ..whole },
                "day of the week",
                &days,
                &DAYS.map(str::to_owned),
            );
            "Jobs submitted by the hour of the day and by the day of the week, on the clock of the trace."
        }
        None => {
            "Jobs submitted by the hour since time zero, modulo 24: the trace has no clock, so hour 0 may be any hour."
        }
    };
    Drawing { name: "week", title: title.to_owned(), caption: caption.to_owned(), sketch }
}

fn draw(sketch: &mut Sketch, outer: Frame, title: &str, counts: &[u64], names: &[String]) {
    let most = counts.iter().copied().max().unwrap_or(0) as f64;
    let ticks = names.iter().enumerate().map(|(at, name)| Tick { at: at as f64 + 0.5, text: name.clone() }).collect();
    let x = Axis { scale: Scale::Linear, low: 0.0, high: counts.len() as f64, ticks, title: title.to_owned() };
    let panel = Panel::within(outer, x, Axis::counts("jobs", most * 1.05));
    panel.draw(sketch);
    for (at, count) in counts.iter().enumerate() {
        let (left, right) = (panel.x_at(at as f64 + 0.1), panel.x_at(at as f64 + 0.9));
        sketch.bar((left, panel.y_at(*count as f64)), (right, panel.frame.bottom), stroke(0).color);
    }
}
