//! Charts as inline SVG: no script, no font, no picture from elsewhere.

use std::fmt::Write as _;

use super::table::figure;
use crate::numbers::{float, size};

/// Bars: what, how much, and which kind.
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) value: f64,
    pub(super) label: String,
    /// The class that colours it.
    pub(super) class: &'static str,
    /// Where a goal is marked.
    pub(super) mark: Option<f64>,
}

/// A line: its name and its points.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) points: Vec<[f64; 2]>,
}

const WIDTH: f64 = 760.0;
const LEFT: f64 = 230.0;
const ROW: f64 = 22.0;
const HEIGHT: f64 = 240.0;
const PAD: f64 = 46.0;
const CLASSES: [&str; 6] = ["c0", "c1", "c2", "c3", "c4", "c5"];

/// Draws bars from left to right.
pub(super) fn bars(bars: &[Bar]) -> String {
    let longest = bars
        .iter()
        .flat_map(|bar| [bar.value, bar.mark.unwrap_or(0.0)])
        .fold(1e-9, f64::max);
    let scale = (WIDTH - LEFT - 90.0) / longest;
    let height = size(bars.len()).mul_add(ROW, 8.0);
    let mut svg = format!("<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">");
    for (place, bar) in bars.iter().enumerate() {
        let top = size(place).mul_add(ROW, 4.0);
        let (length, middle) = (bar.value.max(0.0) * scale, top + 13.0);
        let _ = write!(
            svg,
            "<text x=\"{:.0}\" y=\"{middle:.0}\" class=\"end\">{}</text>\
             <rect x=\"{LEFT}\" y=\"{top:.0}\" width=\"{length:.1}\" height=\"16\" class=\"{}\"/>\
             <text x=\"{:.1}\" y=\"{middle:.0}\">{}</text>",
            LEFT - 8.0,
            escaped(&bar.name),
            bar.class,
            LEFT + length + 6.0,
            escaped(&bar.label)
        );
        if let Some(mark) = bar.mark {
            let x = LEFT + mark * scale;
            let _ = write!(
                svg,
                "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.0}\" y2=\"{:.0}\" class=\"mark\"/>",
                top - 2.0,
                top + 18.0
            );
        }
    }
    svg.push_str("</svg>");
    svg
}

/// Draws lines; heights by their logarithm where asked.
pub(super) fn lines(lines: &[Line], unit: &str, is_logarithmic: bool) -> String {
    let scale = Scale::of(lines, is_logarithmic);
    let whole = size(lines.len()).mul_add(16.0, HEIGHT);
    let ground = HEIGHT - 26.0;
    let mut svg = format!("<svg viewBox=\"0 0 {WIDTH} {whole:.0}\" role=\"img\">");
    let _ = write!(
        svg,
        "<line x1=\"{PAD}\" x2=\"{:.0}\" y1=\"{ground}\" y2=\"{ground}\" class=\"axis\"/>\
         <text x=\"0\" y=\"14\">{} {}</text><text x=\"0\" y=\"{ground}\">{}</text>",
        WIDTH - PAD,
        figure(scale.value(scale.most)),
        escaped(unit),
        figure(scale.value(scale.least))
    );
    for (number, (line, class)) in lines.iter().zip(CLASSES.iter().cycle()).enumerate() {
        let drawn: Vec<String> = line
            .points
            .iter()
            .map(|point| scale.place(*point))
            .collect();
        let legend = size(number).mul_add(16.0, HEIGHT + 2.0);
        let _ = write!(
            svg,
            "<polyline points=\"{}\" class=\"{class}\"/>\
             <rect x=\"{PAD}\" y=\"{:.0}\" width=\"12\" height=\"4\" class=\"{class}\"/>\
             <text x=\"{:.0}\" y=\"{legend:.0}\">{}</text>",
            drawn.join(" "),
            legend - 7.0,
            PAD + 18.0,
            escaped(&line.name)
        );
    }
    svg.push_str("</svg>");
    svg
}

/// Where points go in a chart of lines.
struct Scale {
    is_logarithmic: bool,
    least: f64,
    most: f64,
    widest: f64,
}

// === impl Scale ===

impl Scale {
    fn of(lines: &[Line], is_logarithmic: bool) -> Self {
        let mut scale = Self {
            is_logarithmic,
            least: 0.0,
            most: 0.0,
            widest: 1e-9,
        };
        let points = || lines.iter().flat_map(|line| &line.points);
        let heights = || points().map(|[_, y]| scale.height(*y));
        let lowest = heights().fold(f64::INFINITY, f64::min);
        let highest = heights().fold(f64::NEG_INFINITY, f64::max);
        scale.least = if is_logarithmic { lowest } else { 0.0 };
        scale.most = highest.max(scale.least + 1e-9);
        scale.widest = points().map(|[x, _]| *x).fold(1e-9, f64::max);
        scale
    }

    fn height(&self, value: f64) -> f64 {
        if self.is_logarithmic {
            value.max(1e-3).log10()
        } else {
            value
        }
    }

    fn value(&self, height: f64) -> f64 {
        if self.is_logarithmic {
            10_f64.powf(height)
        } else {
            height
        }
    }

    fn place(&self, [x, y]: [f64; 2]) -> String {
        let across = (WIDTH - PAD * 2.0).mul_add(x / self.widest, PAD);
        let part = (self.height(y) - self.least) / (self.most - self.least);
        let down = (HEIGHT - PAD).mul_add(-part, HEIGHT - 26.0).max(8.0);
        format!("{across:.1},{down:.1}")
    }
}

/// Numbers the values of a series.
pub(super) fn numbered(values: &[u64], each: f64, scale: f64) -> Vec<[f64; 2]> {
    let numbered = values.iter().enumerate();
    numbered
        .map(|(place, value)| [size(place) * each, float(*value) / scale])
        .collect()
}

/// Writes text into a page.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_stays_text() {
        let bar = Bar {
            name: "<script>".to_owned(),
            value: 1.0,
            label: "1".to_owned(),
            class: "good",
            mark: Some(0.5),
        };
        let drawn = bars(&[bar]);
        assert!(drawn.contains("&lt;script&gt;") && !drawn.contains("<script>"));
        let line = Line {
            name: "p".to_owned(),
            points: vec![[0.0, 1.0], [1.0, 100.0]],
        };
        assert!(lines(&[line], "ms", true).contains("polyline"));
    }
}
