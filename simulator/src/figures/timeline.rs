//! The cluster over time: queue length, allocated GPUs, and what the idle ones are worth.

use super::axis::Axis;
use super::clock::Clock;
use super::palette::{FAINT_INK, INK, Stroke, mix, stroke};
use super::panel::{Frame, Panel, TICK_SIZE, TITLE_SIZE};
use super::selection::Selection;
use super::sketch::{Anchor, Label, Sketch, Weight};
use super::{Drawing, WIDTH, legend};
use crate::report::fmt;
use crate::result::{Replay, Series};

/// Most points of one curve.
const POINTS: usize = 480;
/// Above this many policies, each gets a strip of its own.
const TOGETHER: usize = 4;
/// Height of the strip of one policy.
const STRIP: f64 = 110.0;

/// One policy's line.
struct Track<'a> {
    policy: usize,
    name: &'a str,
    /// (seconds of the trace, value).
    points: Vec<(f64, f64)>,
}

/// Jobs in the queue over time.
pub(super) fn queue(selection: &Selection<'_>, clock: &Clock) -> Drawing {
    let title = "How many jobs wait";
    let tracks = tracks(selection, |series| &series.queued_jobs);
    let Some((range, most)) = extent(&tracks) else {
        return Drawing::nothing("queue", title, "No replay has a time series.");
    };
    let caption = format!(
        "Jobs that were submitted and are not placed, over time{}. Lower is better; a line that keeps climbing means that \
         work arrives faster than the cluster does it.{}",
        step_words(selection),
        selection.first_seed_words()
    );
    let sketch = lines(selection, &tracks, clock, range, most, ["jobs", "jobs waiting"]);
    Drawing { name: "queue", title: title.to_owned(), caption, sketch }
}

/// GPUs held by jobs over time.
pub(super) fn gpus(selection: &Selection<'_>, clock: &Clock, gpus: f64) -> Drawing {
    let title = "How many GPUs are held";
    let tracks = tracks(selection, |series| &series.allocated_gpus);
    let Some((range, most)) = extent(&tracks) else {
        return Drawing::nothing("gpus", title, "No replay has a time series.");
    };
    let caption = format!(
        "GPUs held by jobs over time, one strip a policy{}. The dashed line is the size of the cluster ({} GPUs): white \
         below it is idle. Idle GPUs while jobs wait are a cost of order, gangs or fragmentation.{}",
        step_words(selection),
        fmt::number(gpus),
        selection.first_seed_words()
    );
    let sketch = strips(&tracks, clock, range, &Axis::counts("GPUs", most.max(gpus) * 1.04), Some(gpus));
    Drawing { name: "gpus", title: title.to_owned(), caption, sketch }
}

/// Idle GPUs that the trace's own jobs cannot use, over time.
pub(super) fn fragmented(selection: &Selection<'_>, clock: &Clock) -> Drawing {
    let title = "How many idle GPUs are fragmented";
    let tracks = tracks(selection, |series| &series.fragmented_gpus);
    let Some((range, most)) = extent(&tracks) else {
        return Drawing::nothing("fragmentation", title, "No replay has a time series.");
    };
    let caption = format!(
        "Idle GPUs that an average job of the trace could not use (F of FGD), over time{}. Lower is better; what matters is \
         its height while jobs wait.{}",
        step_words(selection),
        selection.first_seed_words()
    );
    let sketch = lines(selection, &tracks, clock, range, most, ["GPUs", "GPUs that are fragmented"]);
    Drawing { name: "fragmentation", title: title.to_owned(), caption, sketch }
}

/// The largest gang that one node could take, over time.
pub(super) fn largest_gang(selection: &Selection<'_>, clock: &Clock) -> Drawing {
    let title = "How large a gang one node could take";
    let tracks = tracks(selection, |series| &series.largest_gang_gpus);
    let Some((range, most)) = extent(&tracks) else {
        return Drawing::nothing("largest-gang", title, "No replay has a time series.");
    };
    let caption = format!(
        "Whole GPUs that one job could get on one node, with CPU enough for a job of the trace as large, over time{}. \
         Higher is better: at 0 no job of whole GPUs can start anywhere.{}",
        step_words(selection),
        selection.first_seed_words()
    );
    let sketch = lines(selection, &tracks, clock, range, most, ["GPUs", "GPUs of the largest gang"]);
    Drawing { name: "largest-gang", title: title.to_owned(), caption, sketch }
}

/// One panel for a few policies, else a strip each. The titles of the axis: of a strip, of the one panel.
fn lines(
    selection: &Selection<'_>,
    tracks: &[Track<'_>],
    clock: &Clock,
    range: (f64, f64),
    most: f64,
    titles: [&str; 2],
) -> Sketch {
    let y = |title: &str| Axis::counts(title, most * 1.04);
    if tracks.len() > TOGETHER {
        strips(tracks, clock, range, &y(titles[0]), None)
    } else {
        together(selection, tracks, clock, range, y(titles[1]))
    }
}

fn together(selection: &Selection<'_>, tracks: &[Track<'_>], clock: &Clock, (from, to): (f64, f64), y: Axis) -> Sketch {
    let mut sketch = Sketch::new(WIDTH, 380.0);
    let top = 8.0 + legend::draw(&mut sketch, (12.0, 8.0), &legend::of_policies(&selection.policies));
    sketch.height += top - 28.0;
    let outer = Frame { left: 4.0, top: top + 6.0, right: WIDTH - 2.0, bottom: sketch.height };
    let panel = Panel::within(outer, clock.axis(from, to), y);
    panel.draw(&mut sketch);
    for track in tracks {
        panel.curve(&mut sketch, &track.points, stroke(track.policy), 1.5);
    }
    sketch
}

fn strips(tracks: &[Track<'_>], clock: &Clock, (from, to): (f64, f64), y: &Axis, limit: Option<f64>) -> Sketch {
    let mut sketch = Sketch::new(WIDTH, STRIP * tracks.len() as f64 + 36.0);
    for (index, track) in tracks.iter().enumerate() {
        let top = STRIP * index as f64 + 18.0;
        let last = index + 1 == tracks.len();
        let mut x = clock.axis(from, to);
        if !last {
            x.title.clear();
            x.ticks.iter_mut().for_each(|tick| tick.text.clear());
        }
        let outer = Frame { left: 4.0, top, right: WIDTH - 2.0, bottom: 0.0 };
        let mut panel = Panel::within(outer, x, y.clone());
        panel.frame.bottom = top + STRIP - 26.0;
        panel.draw(&mut sketch);
        strip(&mut sketch, &panel, track, limit);
    }
    sketch
}

fn strip(sketch: &mut Sketch, panel: &Panel, track: &Track<'_>, limit: Option<f64>) {
    let line = stroke(track.policy).color;
    for piece in track.points.split(|point| !point.1.is_finite()).filter(|piece| piece.len() > 1) {
        let mut area: Vec<_> = piece.iter().map(|&(x, y)| panel.at(x, y)).collect();
        area.push((panel.x_at(piece[piece.len() - 1].0), panel.frame.bottom));
        area.push((panel.x_at(piece[0].0), panel.frame.bottom));
        sketch.area(area, mix(line, (255, 255, 255), 0.6));
    }
    panel.curve(sketch, &track.points, Stroke { color: line, dash: None }, 1.0);
    if let Some(limit) = limit {
        let y = panel.y_at(limit);
        sketch.dashed(&[(panel.frame.left, y), (panel.frame.right, y)], (5.0, 4.0), 1.0, FAINT_INK);
    }
    let at = (panel.frame.left, panel.frame.top - 9.0);
    let name = Label::new(at, legend::shortened(track.name, 90), TITLE_SIZE.max(TICK_SIZE), Anchor::Start);
    sketch.text(Label { weight: Weight::Bold, color: INK, ..name });
}

fn tracks<'a>(selection: &Selection<'a>, values: fn(&Series) -> &Vec<f64>) -> Vec<Track<'a>> {
    let one = |(policy, name, replay): (usize, &'a str, &'a Replay)| {
        let points = thinned(&replay.series, values(&replay.series));
        (!points.is_empty()).then_some(Track { policy, name, points })
    };
    selection.first_seeds().filter_map(one).collect()
}

/// Means over equal numbers of steps, few enough to draw, each in the middle of its span.
fn thinned(series: &Series, values: &[f64]) -> Vec<(f64, f64)> {
    let (from, step) = (series.from.secs_f64(), series.step.secs_f64());
    let chunk = values.len().div_ceil(POINTS).max(1);
    let mean = |(index, part): (usize, &[f64])| {
        let middle = (index * chunk) as f64 + part.len() as f64 / 2.0;
        (from + middle * step, part.iter().sum::<f64>() / part.len() as f64)
    };
    values.chunks(chunk).enumerate().map(mean).collect()
}

/// Range of time, and the largest value. `None` when no value is finite.
fn extent(tracks: &[Track<'_>]) -> Option<((f64, f64), f64)> {
    let points = || tracks.iter().flat_map(|track| &track.points).filter(|point| point.1.is_finite());
    let from = points().map(|point| point.0).fold(f64::INFINITY, f64::min);
    let to = points().map(|point| point.0).fold(f64::NEG_INFINITY, f64::max);
    let most = points().map(|point| point.1).fold(0.0, f64::max);
    from.is_finite().then_some(((from, to), most))
}

fn step_words(selection: &Selection<'_>) -> String {
    let longest = selection.first_seeds().map(|(_, _, replay)| {
        let chunk = replay.series.queued_jobs.len().div_ceil(POINTS).max(1);
        replay.series.step.secs_f64() * chunk as f64
    });
    let step = longest.fold(0.0, f64::max);
    if step > 0.0 { format!(", as means over at most {}", fmt::seconds(step)) } else { String::new() }
}
