//! Submissions by the hour of the day and, where the trace has a clock, by the day of the week.

use jiff::civil::DateTime;
use traces::Trace;

use crate::figures::axis::{Axis, Scale, Tick};
use crate::figures::palette::stroke;
use crate::figures::panel::{Frame, Panel};
use crate::figures::sketch::Sketch;
use crate::figures::{Drawing, WIDTH};

const HOUR_S: u64 = 3600;
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

pub(super) fn drawing(trace: &Trace) -> Drawing {
    let title = "The shape of a day and of a week";
    if trace.jobs.is_empty() {
        return Drawing::nothing("week", title, "The trace has no jobs.");
    }
    let origin: Option<DateTime> = trace.origin.as_deref().and_then(|text| text.parse().ok());
    let (first_hour, first_day) = origin.map_or((0.0, 0), |at| {
        let seconds = f64::from(at.hour()) * 3600.0 + f64::from(at.minute()) * 60.0 + f64::from(at.second());
        (seconds, at.weekday().to_monday_zero_offset() as u64)
    });
    let (mut hours, mut days) = ([0u64; 24], [0u64; 7]);
    for job in &trace.jobs {
        let at_s = (job.submit.secs_f64() + first_hour) as u64;
        hours[(at_s / HOUR_S % 24) as usize] += 1;
        days[((at_s / (24 * HOUR_S) + first_day) % 7) as usize] += 1;
    }
    let mut sketch = Sketch::new(WIDTH, 300.0);
    let middle = WIDTH * 0.58;
    let whole = Frame { left: 4.0, top: 8.0, right: WIDTH - 2.0, bottom: sketch.height };
    let left = if origin.is_some() { Frame { right: middle, ..whole } } else { whole };
    let hour_title = if origin.is_some() { "hour of the day" } else { "hour since time zero, modulo 24" };
    draw(&mut sketch, left, hour_title, &hours, &std::array::from_fn::<_, 24, _>(|hour| format!("{hour:02}")));
    if origin.is_some() {
        draw(&mut sketch, Frame { left: middle + 8.0, ..whole }, "day of the week", &days, &DAYS.map(str::to_owned));
    }
    let caption = match origin {
        Some(_) => "Jobs submitted by the hour of the day and by the day of the week, on the clock of the trace.",
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
