//! Who held which GPU in a window of time.

use engine::Inventory;

use super::axis::{Axis, Scale};
use super::buckets::Buckets;
use super::clock::Clock;
use super::legend::{self, Sample};
use super::palette::{FAINT_INK, IDLE, INK, PAPER, mix, ordered};
use super::panel::{Frame, Panel, TICK_SIZE, TITLE_SIZE};
use super::selection::Selection;
use super::sketch::{Anchor, Label, Sketch, Weight};
use super::{Drawing, WIDTH};
use crate::report::fmt;
use crate::result::{Replay, Segment};

/// Most rows: one a GPU.
const GPUS_MOST: usize = 480;
/// Most nodes.
const NODES_MOST: usize = 60;
/// Most bars of one panel.
const BARS_MOST: usize = 4000;
/// Height of all panels together, shared between them.
const HEIGHT: f64 = 1500.0;
/// Length of the window when none is asked for, in seconds.
const WINDOW_S: f64 = 6.0 * 3600.0;

/// The rows: the GPUs of the first nodes.
struct Rows {
    /// First row of each node shown, then the number of all rows.
    first: Vec<usize>,
    names: Vec<String>,
    hidden_nodes: usize,
}

impl Rows {
    fn of(inventory: &Inventory) -> Self {
        let (mut first, mut names) = (vec![0], Vec::new());
        let with_gpus = || inventory.nodes.iter().enumerate().filter(|(_, node)| node.gpus > 0);
        for (_, node) in inventory.nodes.iter().enumerate().take_while(|(index, _)| *index < NODES_MOST) {
            let end = first[first.len() - 1] + node.gpus as usize;
            if end > GPUS_MOST && !names.is_empty() {
                break;
            }
            first.push(end);
            names.push(node.name.clone());
        }
        let hidden_nodes = with_gpus().filter(|(index, _)| *index >= names.len()).count();
        Self { first, names, hidden_nodes }
    }

    fn count(&self) -> usize {
        self.first[self.first.len() - 1]
    }
}

/// Gantt chart of a window, one panel a policy; `None` when no replay has segments.
pub(super) fn drawing(
    selection: &Selection<'_>,
    clock: &Clock,
    inventory: &Inventory,
    window_s: Option<(f64, f64)>,
) -> Option<Drawing> {
    let shown: Vec<(&str, &Replay)> = selection
        .first_seeds()
        .filter(|(_, _, replay)| !replay.segments.is_empty())
        .map(|(_, policy, replay)| (policy, replay))
        .collect();
    let title = "Who holds which GPU";
    let rows = Rows::of(inventory);
    if shown.is_empty() || rows.count() == 0 {
        return None;
    }
    let window = window(&shown, clock, window_s);
    let buckets = Buckets::of(shown.iter().flat_map(|(_, replay)| demands(replay)));
    let mut sketch = Sketch::new(WIDTH, 0.0);
    sketch.text(Label::new((12.0, 18.0), "GPUs of the gang:", TITLE_SIZE, Anchor::Start));
    let top = 14.0 + legend::draw(&mut sketch, (140.0, 8.0), &sizes(&buckets));
    let natural = (rows.count() as f64 * 12.0).clamp(60.0, 360.0);
    let height = natural.min((HEIGHT / shown.len() as f64).max(130.0));
    sketch.height = top + shown.len() as f64 * (height + 30.0) + 46.0;
    let mut left_out = 0;
    for (index, (policy, replay)) in shown.iter().enumerate() {
        let upper = top + index as f64 * (height + 30.0) + 22.0;
        let last = index + 1 == shown.len();
        let panel = panel(&mut sketch, clock, window, (upper, upper + height), &rows, last);
        heading(&mut sketch, &panel, policy);
        let before = sketch.marks.len();
        left_out += bars(&mut sketch, &panel, replay, &rows, &buckets);
        if sketch.marks.len() == before {
            empty(&mut sketch, &panel);
        }
        frame(&mut sketch, &panel, &rows);
    }
    let caption = caption(selection, clock, &rows, window, left_out);
    Some(Drawing { name: "gantt", title: title.to_owned(), caption, sketch })
}

fn caption(selection: &Selection<'_>, clock: &Clock, rows: &Rows, window: (f64, f64), left_out: usize) -> String {
    let hidden = match rows.hidden_nodes {
        0 => String::new(),
        hidden => {
            format!(" Shown are the first {} nodes; {} more are not.", rows.names.len(), fmt::thousands(hidden as u64))
        }
    };
    let short = match left_out {
        0 => String::new(),
        count => format!(" The {} shortest pieces are not drawn.", fmt::thousands(count as u64)),
    };
    format!(
        "Each row is a GPU, the GPUs of a node lie together, and a bar is one run on that GPU, coloured by the size of its \
         gang: dark is small, light is large. Light grey is idle. Where runs share a GPU, the later one is on top. Window: \
         {} from {}.{hidden}{short}{}",
        fmt::seconds(window.1 - window.0),
        clock.words(window.0),
        selection.first_seed_words()
    )
}

/// The window in seconds of the trace: as asked for, or 6 hours from one hour before the longest queue of the baseline.
fn window(shown: &[(&str, &Replay)], clock: &Clock, asked_s: Option<(f64, f64)>) -> (f64, f64) {
    let asked = asked_s.filter(|(from, to)| from.is_finite() && to.is_finite() && to > from);
    if let Some((from, to)) = asked {
        return (clock.first_s() + from, clock.first_s() + to);
    }
    let segments = || shown.iter().flat_map(|(_, replay)| &replay.segments);
    let begin = segments().map(|segment| segment.start.secs_f64()).fold(f64::INFINITY, f64::min);
    let end = segments().map(|segment| segment.end.secs_f64()).fold(begin, f64::max);
    let series = &shown[0].1.series;
    let longest = series.queued_jobs.iter().enumerate().filter(|(_, jobs)| jobs.is_finite());
    let peak = longest.max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0))).map_or(0, |(index, _)| index);
    let peak_s = series.from.secs_f64() + peak as f64 * series.step.secs_f64();
    let from = (peak_s - 3600.0).min(end - WINDOW_S).max(begin);
    (from, (from + WINDOW_S).min(end).max(from + 1.0))
}

fn demands(replay: &Replay) -> impl Iterator<Item = u64> + '_ {
    replay.segments.iter().filter_map(|segment| demand(replay, segment))
}

fn demand(replay: &Replay, segment: &Segment) -> Option<u64> {
    replay.jobs.get(segment.job as usize).map(|job| job.gpu_milli)
}

fn sizes(buckets: &Buckets) -> Vec<(String, Sample)> {
    let count = buckets.len();
    let entry = |(index, name)| (name, Sample::Patch(ordered(index, count)));
    buckets.names().into_iter().enumerate().map(entry).collect()
}

fn panel(
    sketch: &mut Sketch,
    clock: &Clock,
    (from, to): (f64, f64),
    (top, bottom): (f64, f64),
    rows: &Rows,
    last: bool,
) -> Panel {
    let mut x = clock.axis(from, to);
    if !last {
        x.title.clear();
        x.ticks.iter_mut().for_each(|tick| tick.text.clear());
    }
    let y = Axis { scale: Scale::Linear, low: 0.0, high: rows.count() as f64, ticks: Vec::new(), title: String::new() };
    let name = |name: &String| super::paint::text_width(&shown_name(name), TICK_SIZE - 2.0, Weight::Regular);
    let left = rows.names.iter().map(name).fold(30.0, f64::max) + 20.0;
    let panel = Panel { frame: Frame { left, top, right: WIDTH - 26.0, bottom }, x, y };
    panel.draw(sketch);
    sketch.bar((left, top), (panel.frame.right, bottom), IDLE);
    panel
}

fn heading(sketch: &mut Sketch, panel: &Panel, policy: &str) {
    let at = (panel.frame.left, panel.frame.top - 10.0);
    let name = Label::new(at, legend::shortened(policy, 90), TITLE_SIZE, Anchor::Start);
    sketch.text(Label { weight: Weight::Bold, ..name });
}

fn empty(sketch: &mut Sketch, panel: &Panel) {
    let Frame { left, top, right, bottom } = panel.frame;
    let at = (f64::midpoint(left, right), f64::midpoint(top, bottom));
    let label = Label::new(at, "nothing to show in this window", TITLE_SIZE, Anchor::Middle);
    sketch.text(Label { color: FAINT_INK, ..label });
}

/// Draws the runs, and returns how many pieces were left out because there are too many.
fn bars(sketch: &mut Sketch, panel: &Panel, replay: &Replay, rows: &Rows, buckets: &Buckets) -> usize {
    let visible = |segment: &&Segment| {
        segment.node.index() < rows.names.len()
            && segment.end.secs_f64() > panel.x.low
            && segment.start.secs_f64() < panel.x.high
    };
    let mut segments: Vec<&Segment> = replay.segments.iter().filter(visible).collect();
    segments.sort_by_key(|segment| std::cmp::Reverse(segment.end.since(segment.start)));
    let left_out = segments.len().saturating_sub(BARS_MOST);
    segments.truncate(BARS_MOST);
    segments.sort_by_key(|segment| (segment.start, segment.node, segment.first_gpu));
    for segment in segments {
        let bucket = demand(replay, segment).map_or(0, |milli| buckets.index(milli));
        let color = ordered(bucket, buckets.len());
        let (from, to) = (panel.x_at(segment.start.secs_f64()), panel.x_at(segment.end.secs_f64()));
        let base = rows.first[segment.node.index()];
        let end = rows.first[segment.node.index() + 1];
        for (low, high) in spans(segment.mask) {
            let (low, high) = (base + segment.first_gpu as usize + low, base + segment.first_gpu as usize + high);
            // Row 0 is at the top.
            let at = |row: usize| panel.frame.top + row.min(end) as f64 / rows.count() as f64 * panel.frame.height();
            sketch.bar((from, at(low)), (to.max(from + 0.5), at(high)), color);
            edge(sketch, (from, at(low), at(high)), color);
        }
    }
    left_out
}

/// A lighter line at the start of a run, so that two runs of one colour do not look like one.
fn edge(sketch: &mut Sketch, (x, top, bottom): (f64, f64, f64), color: (u8, u8, u8)) {
    sketch.line(vec![(x, top), (x, bottom)], 0.5, mix(color, PAPER, 0.7));
}

/// Runs of set bits as (first, one after the last).
fn spans(mask: u64) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut bit = 0;
    while bit < 64 {
        let rest = mask >> bit;
        if rest == 0 {
            break;
        }
        let first = bit + rest.trailing_zeros() as usize;
        let length = (mask >> first).trailing_ones() as usize;
        found.push((first, first + length));
        bit = first + length;
    }
    found
}

/// Lines between nodes, and as many node names as there is room for.
fn frame(sketch: &mut Sketch, panel: &Panel, rows: &Rows) {
    let Frame { left, top, right, bottom } = panel.frame;
    let at = |row: usize| top + row as f64 / rows.count() as f64 * panel.frame.height();
    let mut free_from = f64::NEG_INFINITY;
    for (index, name) in rows.names.iter().enumerate() {
        let (upper, lower) = (at(rows.first[index]), at(rows.first[index + 1]));
        if index > 0 {
            sketch.line(vec![(left, upper), (right, upper)], 0.5, PAPER);
        }
        let middle = f64::midpoint(upper, lower);
        if middle - 6.0 >= free_from && lower > upper {
            let label = Label::new((left - 8.0, middle), shown_name(name), TICK_SIZE - 2.0, Anchor::End);
            sketch.text(Label { color: FAINT_INK, ..label });
            free_from = middle + 6.0;
        }
    }
    sketch.line(vec![(left, top), (left, bottom), (right, bottom)], 1.0, INK);
}

fn shown_name(name: &str) -> String {
    legend::shortened(name, 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_become_spans() {
        assert_eq!(spans(0b0110_1001), [(0, 1), (3, 4), (5, 7)]);
        assert_eq!(spans(u64::MAX), [(0, 64)]);
        assert_eq!(spans(1 << 63), [(63, 64)]);
        assert!(spans(0).is_empty());
    }
}
