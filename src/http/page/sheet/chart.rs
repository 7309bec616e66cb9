//! Charts as the page itself: polylines in an inline SVG, with all they tell in words beside.

use std::fmt::Write as _;

/// A chart of up to three lines over the same stretch of time.
pub(in crate::http) struct Chart {
    pub(in crate::http) title: &'static str,
    /// Everything it tells, in a sentence, for whoever does not see it.
    pub(in crate::http) told: String,
    /// What the upper edge stands for.
    pub(in crate::http) top: String,
    /// When it begins.
    pub(in crate::http) from: String,
    /// When it ends.
    pub(in crate::http) to: String,
    pub(in crate::http) lines: Vec<Line>,
}

/// A line of a chart.
pub(in crate::http) struct Line {
    /// How it is drawn.
    pub(in crate::http) class: &'static str,
    pub(in crate::http) label: &'static str,
    /// What it comes to, in words.
    pub(in crate::http) said: String,
    /// Its pieces: where nothing is known there is a gap.
    pub(in crate::http) strokes: Vec<String>,
}

/// What a line is made of.
pub(in crate::http) struct Series {
    pub(in crate::http) label: &'static str,
    pub(in crate::http) said: String,
    /// Its values, oldest first; nothing: nothing is known.
    pub(in crate::http) values: Vec<Option<f64>>,
}

/// How the first, the second and the third line are drawn.
const CLASSES: [&str; 3] = ["line1", "line2", "line3"];
/// The picture: its width, and where its scale begins and ends.
const WIDTH: f64 = 600.0;
const TOP: f64 = 20.0;
const BOTTOM: f64 = 130.0;

// === impl Chart ===

impl Chart {
    /// Draws lines that begin and end at these times.
    pub(in crate::http) fn draw(
        title: &'static str,
        unit: &str,
        (from, to): (String, String),
        series: Vec<Series>,
    ) -> Self {
        let values = series.iter().flat_map(|one| one.values.iter().flatten());
        let most = values.copied().fold(0.0, f64::max);
        // With nothing to show the line lies on the ground, below a scale that says so.
        let scale = if most > 0.0 { most } else { 1.0 };
        let said: Vec<String> = series
            .iter()
            .map(|one| format!("{} {}", one.label, one.said))
            .collect();
        let told = format!("{title}, {from} to {to}: {}", said.join(", "));
        let lines = series.into_iter().zip(CLASSES).map(|(one, class)| Line {
            class,
            label: one.label,
            said: one.said,
            strokes: strokes(&one.values, scale),
        });
        Self {
            title,
            told,
            top: format!("{}{unit}", short(scale)),
            from,
            to,
            lines: lines.collect(),
        }
    }
}

/// Cuts a line where nothing is known, and writes each piece as the points of a polyline.
fn strokes(values: &[Option<f64>], scale: f64) -> Vec<String> {
    let last = u32::try_from(values.len().saturating_sub(1)).unwrap_or(u32::MAX);
    let step = WIDTH / f64::from(last.max(1));
    let mut pieces: Vec<String> = Vec::new();
    let mut piece = String::new();
    let mut x = 0.0;
    for value in values {
        match value {
            Some(value) => {
                let y = BOTTOM - (BOTTOM - TOP) * value / scale;
                // Writing into a string does not fail.
                let _ = if piece.is_empty() {
                    // A point alone is seen as a short stroke.
                    write!(piece, "{:.1},{y:.1} {x:.1},{y:.1}", x - 1.0)
                } else {
                    write!(piece, " {x:.1},{y:.1}")
                };
            }
            None => pieces.push(std::mem::take(&mut piece)),
        }
        x += step;
    }
    pieces.push(piece);
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

/// Writes a number as short as it may be read.
pub(in crate::http) fn short(number: f64) -> String {
    if number >= 10.0 || number.fract() == 0.0 {
        format!("{number:.0}")
    } else {
        format!("{number:.1}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(values: &[Option<f64>]) -> Chart {
        let series = Series {
            label: "refused",
            said: "7 in all".to_owned(),
            values: values.to_vec(),
        };
        let span = ("11:00".to_owned(), "12:00".to_owned());
        Chart::draw("Failures", " ms", span, vec![series])
    }

    #[test]
    fn a_line_reaches_from_the_ground_to_the_top() {
        let chart = draw(&[Some(0.0), Some(2.5), Some(5.0)]);
        let [line] = &chart.lines[..] else {
            panic!("one line");
        };
        let drawn = ["-1.0,130.0 0.0,130.0 300.0,75.0 600.0,20.0"];
        assert_eq!(line.strokes, drawn);
        assert_eq!(chart.top, "5 ms");
        assert_eq!(chart.told, "Failures, 11:00 to 12:00: refused 7 in all");
    }

    #[test]
    fn where_nothing_is_known_is_a_gap() {
        let chart = draw(&[None, Some(1.0), None, Some(1.0), None]);
        assert_eq!(chart.lines[0].strokes.len(), 2);
        assert!(draw(&[None, None]).lines[0].strokes.is_empty());
        assert_eq!(draw(&[Some(0.0)]).top, "1 ms", "no division by nothing");
    }
}
