//! A sketch on a backend of plotters: the same marks as SVG text and as a PNG file.

use std::path::Path;
use std::sync::OnceLock;

use plotters::backend::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::element::{Circle, PathElement, Polygon, Rectangle};
use plotters::prelude::Text;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color as _, FontStyle, FontTransform, IntoFont, RGBColor, ShapeStyle, TextStyle, register_font};

use super::palette::{Color, PAPER};
use super::sketch::{Anchor, Label, Mark, Sketch, Turn, Weight};

/// Family in the SVG, and the name under which the embedded font is registered for bitmaps.
const FAMILY: &str = "DejaVu Sans, sans-serif";
/// Steps of the integer grid of both backends in one point, so that lines do not jump.
const STEPS: f64 = 2.0;
/// The bitmap is painted this much finer, then averaged: that smooths edges, which the backend does not.
const OVERSAMPLING: u32 = 2;
/// The SVG backend writes `font-size = size / 1.24`; the bitmap backend takes the height of the letters, 1.164 em here.
const SVG_SIZE_PER_EM: f64 = 1.24;
const BITMAP_SIZE_PER_EM: f64 = 1.164;

/// What differs between the backends.
#[derive(Clone, Copy)]
struct Medium {
    steps: f64,
    size_per_em: f64,
    /// What to add to the height of a text so that its small letters are centred on the anchor, in ems.
    drop_em: f64,
}

/// The sketch as an `<svg>` element that scales with the page.
pub fn svg(sketch: &Sketch) -> Result<String, String> {
    register();
    let medium = Medium { steps: STEPS, size_per_em: SVG_SIZE_PER_EM, drop_em: 0.1 };
    let size = pixels(sketch, STEPS);
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, size).into_drawing_area();
        paint(&root, sketch, medium).and_then(|()| root.present()).map_err(|error| error.to_string())?;
    }
    let fixed = format!("<svg width=\"{}\" height=\"{}\" ", size.0, size.1);
    let scaled = format!("<svg width=\"{}\" height=\"{}\" role=\"img\" ", sketch.width, sketch.height);
    Ok(compact(&text.replacen(&fixed, &scaled, 1)))
}

/// Leaves out attributes that say what is the default anyway: a third of the bytes.
fn compact(svg: &str) -> String {
    svg.replace(" opacity=\"1\"", "").replace(" stroke=\"none\"/>", "/>").replace(" \"/>", "\"/>")
}

/// Writes the sketch as a PNG of two pixels a point. The name of the file must end in `.png`.
pub fn write_png(sketch: &Sketch, path: &Path) -> Result<(), String> {
    register();
    let (width, height) = pixels(sketch, STEPS);
    let fine = (width * OVERSAMPLING, height * OVERSAMPLING);
    let mut buffer = vec![255; fine.0 as usize * fine.1 as usize * 3];
    {
        let medium = Medium { steps: STEPS * f64::from(OVERSAMPLING), size_per_em: BITMAP_SIZE_PER_EM, drop_em: 0.16 };
        let root = BitMapBackend::with_buffer(&mut buffer, fine).into_drawing_area();
        paint(&root, sketch, medium).and_then(|()| root.present()).map_err(|error| error.to_string())?;
    }
    let smooth = averaged(&buffer, (width as usize, height as usize), OVERSAMPLING as usize);
    drop(buffer);
    let mut file = BitMapBackend::new(path, (width, height));
    file.blit_bitmap((0, 0), (width, height), &smooth).map_err(|error| error.to_string())?;
    file.present().map_err(|error| error.to_string())
}

/// Each pixel as the mean of a square of `factor` by `factor` pixels of `fine`.
fn averaged(fine: &[u8], (width, height): (usize, usize), factor: usize) -> Vec<u8> {
    let mut coarse = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width * 3 {
            let (column, channel) = (x / 3, x % 3);
            let mut sum = 0_u32;
            for row in 0..factor {
                let start = ((y * factor + row) * width + column) * factor * 3 + channel;
                sum += fine[start..].iter().step_by(3).take(factor).map(|&value| u32::from(value)).sum::<u32>();
            }
            coarse.push((sum / (factor * factor) as u32) as u8);
        }
    }
    coarse
}

/// Width of a text, for layout.
pub(crate) fn text_width(text: &str, size: f64, weight: Weight) -> f64 {
    register();
    let font = (FAMILY, size * BITMAP_SIZE_PER_EM * 8.0, style_of(weight)).into_font();
    match font.layout_box(text) {
        Ok(((left, _), (right, _))) => f64::from(right - left) / 8.0,
        Err(_) => text.chars().count() as f64 * size * 0.6,
    }
}

/// Gives plotters the embedded font, once.
fn register() {
    static DONE: OnceLock<bool> = OnceLock::new();
    DONE.get_or_init(|| {
        let regular = register_font(FAMILY, FontStyle::Normal, dejavu::sans::regular());
        let bold = register_font(FAMILY, FontStyle::Bold, dejavu::sans::bold());
        regular.is_ok() && bold.is_ok()
    });
}

fn pixels(sketch: &Sketch, steps: f64) -> (u32, u32) {
    ((sketch.width * steps).round().max(1.0) as u32, (sketch.height * steps).round().max(1.0) as u32)
}

/// The one drawing function of all figures and both backends.
fn paint<DB: DrawingBackend>(
    area: &DrawingArea<DB, Shift>,
    sketch: &Sketch,
    medium: Medium,
) -> Result<(), DrawingAreaErrorKind<DB::ErrorType>> {
    area.fill(&rgb(PAPER))?;
    let at = |(x, y): (f64, f64)| ((x * medium.steps).round() as i32, (y * medium.steps).round() as i32);
    for mark in &sketch.marks {
        match mark {
            Mark::Line { points, width, color } => {
                let stroke = (width * medium.steps).round().max(1.0) as u32;
                let points: Vec<_> = points.iter().map(|&point| at(point)).collect();
                area.draw(&PathElement::new(points, rgb(*color).stroke_width(stroke)))?;
            }
            Mark::Area { points, color } => {
                let points: Vec<_> = points.iter().map(|&point| at(point)).collect();
                area.draw(&Polygon::new(points, rgb(*color)))?;
            }
            Mark::Bar { from, to, color } => {
                area.draw(&Rectangle::new([at(*from), at(*to)], filled(*color)))?;
            }
            Mark::Dot { at: center, radius, color } => {
                area.draw(&Circle::new(at(*center), (radius * medium.steps).round() as i32, filled(*color)))?;
            }
            Mark::Text(label) => {
                let drop = label.size * medium.drop_em;
                let place = match label.turn {
                    Turn::Level => (label.at.0, label.at.1 + drop),
                    Turn::Upward => (label.at.0 + drop, label.at.1),
                };
                area.draw(&Text::new(label.text.as_str(), at(place), text_style(label, medium)))?;
            }
        }
    }
    Ok(())
}

fn text_style(label: &Label, medium: Medium) -> TextStyle<'static> {
    let turn = match label.turn {
        Turn::Level => FontTransform::None,
        Turn::Upward => FontTransform::Rotate270,
    };
    let horizontal = match label.anchor {
        Anchor::Start => HPos::Left,
        Anchor::Middle => HPos::Center,
        Anchor::End => HPos::Right,
    };
    let size = label.size * medium.steps * medium.size_per_em;
    let font = (FAMILY, size, style_of(label.weight)).into_font().transform(turn);
    let color = rgb(label.color).to_backend_color();
    TextStyle { font, color, pos: Pos::new(horizontal, VPos::Center) }
}

fn style_of(weight: Weight) -> FontStyle {
    match weight {
        Weight::Regular => FontStyle::Normal,
        Weight::Bold => FontStyle::Bold,
    }
}

fn filled(color: Color) -> ShapeStyle {
    rgb(color).filled()
}

fn rgb((red, green, blue): Color) -> RGBColor {
    RGBColor(red, green, blue)
}
