//! Pairs of bars: share of the jobs beside share of the GPU-time.

use traces::TraceJob;

use crate::figures::axis::{Axis, Scale};
use crate::figures::palette::{FAINT_INK, stroke};
use crate::figures::panel::{Frame, Panel, TICK_SIZE};
use crate::figures::sketch::{Anchor, Label, Sketch};
use crate::figures::{Drawing, WIDTH, legend};
use crate::report::fmt;

/// What one pair of bars shows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Pair {
    /// Jobs.
    pub(super) jobs: u64,
    /// GPUs x run time in GPU-seconds.
    pub(super) gpu_time: f64,
}

impl Pair {
    pub(super) fn add(&mut self, job: &TraceJob) {
        self.jobs += 1;
        self.gpu_time += f64::from(job.gpu_milli) / 1000.0 * job.duration.secs_f64();
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self { jobs: self.jobs + other.jobs, gpu_time: self.gpu_time + other.gpu_time }
    }
}

/// A figure of pairs.
pub(super) struct Bars {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) caption: &'static str,
    /// What the names under the bars are.
    pub(super) under: &'static str,
    pub(super) names: Vec<String>,
    pub(super) pairs: Vec<Pair>,
}

pub(super) fn drawing(bars: &Bars) -> Drawing {
    let all = bars.pairs.iter().fold(Pair::default(), |sum, pair| sum.plus(*pair));
    if all.jobs == 0 {
        return Drawing::nothing(bars.name, bars.title, "The trace has no jobs.");
    }
    let mut sketch = Sketch::new(WIDTH, 380.0);
    let entries = [("of the jobs", 0), ("of the GPU-time", 1)];
    let entries = &entries[..if all.gpu_time > 0.0 { 2 } else { 1 }];
    let samples: Vec<_> =
        entries.iter().map(|(name, at)| ((*name).to_owned(), legend::Sample::Patch(stroke(*at).color))).collect();
    let top = 8.0 + legend::draw(&mut sketch, (12.0, 8.0), &samples);
    let outer = Frame { left: 4.0, top: top + 6.0, right: WIDTH - 2.0, bottom: sketch.height - 20.0 };
    let count = bars.pairs.len() as f64;
    let x = Axis { scale: Scale::Linear, low: 0.0, high: count, ticks: Vec::new(), title: String::new() };
    let panel = Panel::within(outer, x, Axis::shares("share"));
    let panel = Panel { frame: Frame { bottom: panel.frame.bottom - 18.0, ..panel.frame }, ..panel };
    panel.draw(&mut sketch);
    for (at, pair) in bars.pairs.iter().enumerate() {
        let shares = [pair.jobs as f64 / all.jobs as f64, pair.gpu_time / all.gpu_time.max(f64::MIN_POSITIVE)];
        for (k, share) in shares.iter().take(entries.len()).enumerate() {
            let left = panel.x_at(at as f64 + 0.14 + 0.36 * k as f64);
            let right = panel.x_at(at as f64 + 0.14 + 0.36 * (k + 1) as f64);
            let top = panel.y_at(*share).min(panel.frame.bottom - f64::from(u8::from(*share > 0.0)));
            sketch.bar((left, top), (right, panel.frame.bottom), stroke(k).color);
        }
    }
    draw_names(&mut sketch, &panel, bars);
    Drawing { name: bars.name, title: bars.title.to_owned(), caption: bars.caption.to_owned(), sketch }
}

fn draw_names(sketch: &mut Sketch, panel: &Panel, bars: &Bars) {
    let bottom = panel.frame.bottom;
    let room = panel.x_at(1.0) - panel.x_at(0.0);
    let longest = ((room / (TICK_SIZE * 0.6)) as usize).max(3);
    for (at, (name, pair)) in bars.names.iter().zip(&bars.pairs).enumerate() {
        let x = panel.x_at(at as f64 + 0.5);
        let name = legend::shortened(name, longest);
        sketch.text(Label::new((x, bottom + 14.0), name, TICK_SIZE, Anchor::Middle));
        let jobs = Label::new((x, bottom + 30.0), fmt::thousands(pair.jobs), TICK_SIZE - 1.5, Anchor::Middle);
        sketch.text(Label { color: FAINT_INK, ..jobs });
    }
    let middle = f64::midpoint(panel.frame.left, panel.frame.right);
    let title = format!("{}; below: number of jobs", bars.under);
    let title = Label::new((middle, bottom + 49.0), title, TICK_SIZE + 1.0, Anchor::Middle);
    sketch.text(Label { color: FAINT_INK, ..title });
}
