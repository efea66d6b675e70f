//! Line charts as inline SVG. Colours and fonts come from the page's style sheet.

use std::fmt::Write;

/// A line of a chart.
pub(super) struct Series {
    /// Class of the style sheet: `a`, `b`.
    pub(super) class: &'static str,
    /// What it shows, for the legend.
    pub(super) name: String,
    /// Its points, from left to right.
    pub(super) points: Vec<(f64, f64)>,
    /// Whether the points are marked.
    pub(super) marked: bool,
}

/// An axis: what it shows, and how its numbers are written.
pub(super) struct Axis {
    pub(super) name: &'static str,
    pub(super) label: fn(f64) -> String,
    /// Whether the axis begins at zero.
    pub(super) from_zero: bool,
    /// The largest value, if it is known without the points.
    pub(super) to: Option<f64>,
}

/// A chart, 360 × 240 units.
pub(super) struct Chart {
    /// What it shows, for those who cannot see it.
    pub(super) title: String,
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) series: Vec<Series>,
    /// Horizontal or diagonal line to compare with.
    pub(super) guide: Option<Guide>,
    /// Vertical lines with a name.
    pub(super) marks: Vec<(f64, String)>,
}

/// What the lines are compared with.
pub(super) enum Guide {
    /// y = x.
    Diagonal,
    /// y = this.
    Level(f64),
}

const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 240.0;
/// Room for the numbers: left, right, above, below.
const ROOM: [f64; 4] = [46.0, 10.0, 26.0, 38.0];

/// Where values stand in the picture.
struct Scale {
    low: f64,
    high: f64,
    start: f64,
    end: f64,
}

impl Scale {
    fn at(&self, value: f64) -> f64 {
        self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)
    }

    /// Round numbers, about four of them.
    fn ticks(&self) -> Vec<f64> {
        let step = round_step((self.high - self.low) / 4.0);
        let first = (self.low / step - 1e-9).ceil() as i64;
        let last = (self.high / step + 1e-9).floor() as i64;
        (first..=last).map(|number| number as f64 * step).collect()
    }
}

/// The next larger of 1, 2, 5, 10, … times a power of ten.
fn round_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| step <= factor * power * 1.000_001);
    factor.unwrap_or(10.0) * power
}

impl Axis {
    fn scale(&self, values: impl Iterator<Item = f64>, start: f64, end: f64) -> Scale {
        let finite = values.filter(|value| value.is_finite());
        let (mut low, mut high) = finite.fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        if self.from_zero {
            low = low.min(0.0);
        }
        high = self.to.unwrap_or(high);
        if high - low < 1e-12 {
            high = low + low.abs().max(1e-6);
        }
        if self.to.is_none() {
            high += (high - low) * 0.04;
        }
        if !self.from_zero && self.to.is_none() {
            low -= (high - low) * 0.04;
        }
        Scale { low, high, start, end }
    }
}

impl Chart {
    /// The picture.
    pub(super) fn svg(&self) -> String {
        let points = || self.series.iter().flat_map(|series| series.points.iter());
        let level = match self.guide {
            Some(Guide::Level(level)) => Some(level),
            _ => None,
        };
        let x = self.x.scale(points().map(|point| point.0), ROOM[0], WIDTH - ROOM[1]);
        let y = self.y.scale(points().map(|point| point.1).chain(level), HEIGHT - ROOM[3], ROOM[2]);
        let mut svg = format!(
            r#"<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{}"><title>{}</title>"#,
            escape(&self.title),
            escape(&self.title)
        );
        self.grid(&mut svg, &x, &y);
        for (value, name) in &self.marks {
            let at = x.at(*value);
            line(&mut svg, "mark", [at, y.end, at, y.start]);
            text(&mut svg, "note", "end", [at, y.end - 5.0], name);
        }
        match self.guide {
            Some(Guide::Diagonal) => {
                let (low, high) = (x.low.max(y.low), x.high.min(y.high));
                line(&mut svg, "guide", [x.at(low), y.at(low), x.at(high), y.at(high)]);
            }
            Some(Guide::Level(level)) => line(&mut svg, "guide", [x.start, y.at(level), x.end, y.at(level)]),
            None => {}
        }
        for Series { class, points, marked, .. } in &self.series {
            let shown = points.iter().filter(|(a, b)| a.is_finite() && b.is_finite());
            let points: Vec<(f64, f64)> = shown.map(|&(a, b)| (x.at(a), y.at(b.clamp(y.low, y.high)))).collect();
            let path: Vec<String> = points.iter().map(|(a, b)| format!("{a:.1},{b:.1}")).collect();
            let _ = write!(svg, r#"<polyline class="{class}" points="{}"/>"#, path.join(" "));
            if *marked {
                for (a, b) in points {
                    let _ = write!(svg, r#"<circle class="{class}" cx="{a:.1}" cy="{b:.1}" r="2.6"/>"#);
                }
            }
        }
        svg + "</svg>"
    }

    fn grid(&self, svg: &mut String, x: &Scale, y: &Scale) {
        for tick in y.ticks() {
            let at = y.at(tick);
            line(svg, "grid", [x.start, at, x.end, at]);
            text(svg, "tick", "end", [x.start - 6.0, at + 3.5], &(self.y.label)(tick));
        }
        for tick in x.ticks() {
            let at = x.at(tick);
            line(svg, "grid", [at, y.start, at, y.start + 3.0]);
            text(svg, "tick", "middle", [at, y.start + 15.0], &(self.x.label)(tick));
        }
        text(svg, "axis", "end", [x.end, HEIGHT - 5.0], self.x.name);
        text(svg, "axis", "start", [2.0, 11.0], self.y.name);
    }
}

fn line(svg: &mut String, class: &str, [x1, y1, x2, y2]: [f64; 4]) {
    let _ = write!(svg, r#"<line class="{class}" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#);
}

fn text(svg: &mut String, class: &str, anchor: &str, [x, y]: [f64; 2], words: &str) {
    let words = escape(words);
    let _ = write!(svg, r#"<text class="{class}" text-anchor="{anchor}" x="{x:.1}" y="{y:.1}">{words}</text>"#);
}

/// Text as it may stand in HTML and in its attributes.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(points: Vec<(f64, f64)>) -> String {
        let axis = |name| Axis { name, label: |value| format!("{value:.1}"), from_zero: true, to: None };
        let series = Series { class: "a", name: "one".into(), points, marked: true };
        let title = "<loss> & \"rate\"".into();
        let (x, y, series) = (axis("x"), axis("y"), vec![series]);
        Chart { title, x, y, series, guide: Some(Guide::Level(0.5)), marks: Vec::new() }.svg()
    }

    #[test]
    fn points_stand_within_the_picture() {
        let svg = chart(vec![(0.0, 0.0), (1.0, 2.0), (2.0, f64::NAN), (4.0, 1.0)]);
        let path = svg.split("points=\"").nth(1).unwrap().split('"').next().unwrap();
        let points: Vec<(f64, f64)> = path
            .split(' ')
            .map(|point| point.split_once(',').unwrap())
            .map(|(a, b)| (a.parse().unwrap(), b.parse().unwrap()))
            .collect();
        assert_eq!(points.len(), 3);
        assert_eq!(points[0], (ROOM[0], HEIGHT - ROOM[3]));
        assert!(points.iter().all(|(a, b)| (0.0..WIDTH).contains(a) && (ROOM[2]..=HEIGHT - ROOM[3]).contains(b)));
        assert!(points[1].1 < points[2].1, "larger values stand higher");
        assert_eq!(svg.matches("<circle").count(), 3);
        assert!(svg.contains("&lt;loss&gt; &amp; &quot;rate&quot;") && !svg.contains("NaN"), "{svg}");
    }

    #[test]
    fn nothing_and_constants_have_a_picture_too() {
        for points in [vec![], vec![(1.0, 0.0)], vec![(0.0, 3.0), (1.0, 3.0)]] {
            let svg = chart(points);
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }

    #[test]
    fn ticks_are_round() {
        let ticks = |low, high| Scale { low, high, start: 0.0, end: 1.0 }.ticks();
        assert_eq!(ticks(0.0, 1.0), [0.0, 0.5, 1.0]);
        assert_eq!(ticks(0.0, 7.3), [0.0, 2.0, 4.0, 6.0]);
        assert_eq!(ticks(0.31, 0.39).len(), 4);
    }
}
