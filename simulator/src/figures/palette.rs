//! Colours that people with any colour vision can tell apart.

/// Red, green, blue.
pub type Color = (u8, u8, u8);

/// Text and frames.
pub(super) const INK: Color = (34, 34, 34);
/// Axis titles and notes.
pub(super) const FAINT_INK: Color = (90, 90, 90);
/// Grid lines.
pub(super) const GRID: Color = (226, 226, 226);
/// What is idle or empty.
pub(super) const IDLE: Color = (243, 243, 243);
/// The sheet.
pub(super) const PAPER: Color = (255, 255, 255);

/// Okabe and Ito's palette without its yellow, which does not show on white.
const POLICIES: [Color; 7] =
    [(0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167), (230, 159, 0), (86, 180, 233), (0, 0, 0)];

/// Viridis from dark to light, without its end, which does not show on white: an order that shows in grey, too.
const SIZES: [Color; 8] = [
    (68, 1, 84),
    (70, 51, 127),
    (54, 92, 141),
    (39, 127, 142),
    (31, 161, 135),
    (74, 194, 109),
    (159, 218, 58),
    (221, 212, 40),
];

/// How the line of a policy is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stroke {
    /// Colour.
    pub(super) color: Color,
    /// Lengths of dash and gap; `None`: solid.
    pub(super) dash: Option<(f64, f64)>,
}

/// The stroke of the policy with this index: after seven colours they come again dashed, then dotted.
pub(super) fn stroke(policy: usize) -> Stroke {
    let dash = match policy / POLICIES.len() {
        0 => None,
        1 => Some((7.0, 4.0)),
        _ => Some((2.0, 3.0)),
    };
    Stroke { color: POLICIES[policy % POLICIES.len()], dash }
}

/// The colour of step `index` of `count` ordered steps, dark to light.
pub(super) fn ordered(index: usize, count: usize) -> Color {
    if count <= 1 {
        return SIZES[2];
    }
    let place = index.min(count - 1) as f64 / (count - 1) as f64 * (SIZES.len() - 1) as f64;
    let (below, share) = (place.floor() as usize, place.fract());
    let above = (below + 1).min(SIZES.len() - 1);
    mix(SIZES[below], SIZES[above], share)
}

/// `share` of `to` in `from`.
pub(super) fn mix(from: Color, to: Color, share: f64) -> Color {
    let channel = |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * share).round() as u8;
    (channel(from.0, to.0), channel(from.1, to.1), channel(from.2, to.2))
}
