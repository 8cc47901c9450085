//! A chart of curves, drawn on whatever can draw.

use std::fmt;
use std::ops::Range;

use plotters::prelude::{
    ChartBuilder, Color as _, DrawingAreaErrorKind, DrawingBackend, IntoDrawingArea as _,
    IntoFont as _, LineSeries, PathElement, RGBColor, SVGBackend, SeriesLabelPosition, Text, WHITE,
};

use super::Curve;
use super::dots::{Cells, Dots};
use super::pixels::{Picture, Pixels};

/// Colours that people of most kinds of sight can tell apart (Okabe and Ito).
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(60, 60, 60),
];

/// A chart of curves over steps.
///
/// ```
/// use gimmal_training::plot::{Chart, Curve};
///
/// let curve = Curve::new("loss:mean", [(0.0, 5.5), (1.0, 3.0), (2.0, 1.0)]);
/// let chart = Chart::new("my run", [curve]);
/// assert!(chart.svg(640, 400)?.starts_with("<svg"));
/// assert_eq!(chart.terminal(60, 12)?.lines().count(), 12);
/// # Ok::<(), gimmal_training::plot::PlotError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use]
pub struct Chart {
    title: String,
    curves: Vec<Curve>,
}

/// A chart that cannot be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlotError(String);

impl fmt::Display for PlotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PlotError {}

impl PlotError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl<E: std::error::Error + Send + Sync> From<DrawingAreaErrorKind<E>> for PlotError {
    fn from(error: DrawingAreaErrorKind<E>) -> Self {
        Self(error.to_string())
    }
}

/// What depends on how fine the drawing is.
struct Look {
    font: f64,
    left: u32,
    below: u32,
    margin: u32,
    labels: usize,
    /// A grid, the name of the axis and those of the curves.
    rich: bool,
}

impl Chart {
    /// A chart of curves under a title.
    pub fn new(title: impl Into<String>, curves: impl IntoIterator<Item = Curve>) -> Self {
        Self {
            title: title.into(),
            curves: curves.into_iter().collect(),
        }
    }

    /// The chart as SVG, in pixels.
    ///
    /// # Errors
    ///
    /// Fails when there is no point to draw.
    pub fn svg(&self, width: u32, height: u32) -> Result<String, PlotError> {
        let mut text = String::new();
        let backend = SVGBackend::with_string(&mut text, (width, height));
        self.draw(backend, &Look::fine())?;
        Ok(text)
    }

    /// The chart as the bytes of a PNG, in pixels.
    ///
    /// # Errors
    ///
    /// Fails when there is no point to draw.
    pub fn png(&self, width: u32, height: u32) -> Result<Vec<u8>, PlotError> {
        let mut picture = Picture::new(width, height);
        self.draw(Pixels(&mut picture), &Look::fine())?;
        picture.encode()
    }

    /// The chart in characters, two dots wide and four dots high each; at least 24 by 8 of them.
    /// Names stand in the last line, where they hide no curve. Several curves have numbers there,
    /// which also stand at their ends.
    ///
    /// # Errors
    ///
    /// Fails when there is no point to draw.
    pub fn terminal(&self, columns: u32, rows: u32) -> Result<String, PlotError> {
        let (columns, rows) = (columns.max(24), rows.max(8));
        let mut cells = Cells::new(columns, rows - 1);
        self.draw(Dots(&mut cells), &Look::coarse())?;
        let names: String = self.names().chars().take(columns as usize).collect();
        Ok(cells.text() + &names + "\n")
    }

    /// What the curves show, in a line.
    fn names(&self) -> String {
        let names: Vec<String> = match self.curves.as_slice() {
            [curve] => vec![curve.name.clone()],
            curves => (1..)
                .zip(curves)
                .map(|(number, curve)| format!("{number} {}", curve.name))
                .collect(),
        };
        format!("by step: {}", names.join("  "))
    }

    fn draw<B>(&self, backend: B, look: &Look) -> Result<(), PlotError>
    where
        B: DrawingBackend,
        PlotError: From<DrawingAreaErrorKind<B::ErrorType>>,
    {
        let steps = range(self.points().map(|(x, _)| x))?;
        let values = range(self.points().map(|(_, y)| y))?;
        let area = backend.into_drawing_area();
        area.fill(&WHITE)?;
        let font = ("sans-serif", look.font).into_font();
        let mut chart = ChartBuilder::on(&area)
            .caption(&self.title, font.clone())
            .margin(look.margin)
            .x_label_area_size(look.below)
            .y_label_area_size(look.left)
            .build_cartesian_2d(steps, values)?;
        let mut mesh = chart.configure_mesh();
        mesh.x_labels(look.labels)
            .y_labels(look.labels)
            .label_style(font.clone());
        let number = |value: &f64| short(*value);
        mesh.x_label_formatter(&number).y_label_formatter(&number);
        if look.rich {
            mesh.x_desc("step")
                .light_line_style(RGBColor(244, 244, 244))
                .bold_line_style(RGBColor(225, 225, 225));
        } else {
            mesh.disable_mesh();
        }
        mesh.draw()?;
        for (curve, colour) in self.curves.iter().zip(COLOURS.iter().cycle()) {
            let line = LineSeries::new(curve.points.iter().copied(), colour.stroke_width(2));
            let key = move |(x, y)| PathElement::new([(x, y), (x + 14, y)], colour.stroke_width(2));
            chart.draw_series(line)?.label(&curve.name).legend(key);
        }
        if look.rich {
            chart
                .configure_series_labels()
                .position(SeriesLabelPosition::UpperRight)
                .background_style(WHITE.mix(0.8))
                .label_font(font)
                .draw()?;
        } else if self.curves.len() > 1 {
            for (number, curve) in (1..).zip(&self.curves) {
                let end = curve.points.last();
                let number = end.map(|end| Text::new(number.to_string(), *end, font.clone()));
                chart.draw_series(number)?;
            }
        }
        area.present()?;
        Ok(())
    }

    fn points(&self) -> impl Iterator<Item = (f64, f64)> {
        self.curves
            .iter()
            .flat_map(|curve| curve.points.iter().copied())
    }
}

impl Look {
    fn fine() -> Self {
        Self {
            font: 16.0,
            left: 64,
            below: 44,
            margin: 12,
            labels: 8,
            rich: true,
        }
    }

    /// In dots, of which a character has two by four.
    fn coarse() -> Self {
        Self {
            font: 4.0,
            left: 16,
            below: 3,
            margin: 1,
            labels: 4,
            rich: false,
        }
    }
}

/// From the least to the most, with room where both are the same.
fn range(values: impl Iterator<Item = f64>) -> Result<Range<f64>, PlotError> {
    let mut found: Option<(f64, f64)> = None;
    for value in values {
        let (least, most) = found.unwrap_or((value, value));
        found = Some((least.min(value), most.max(value)));
    }
    let Some((least, most)) = found else {
        return Err(PlotError::new(
            "there is no point to draw; name metrics that the run has",
        ));
    };
    let room = match most - least {
        0.0 => least.abs().max(1.0) * 0.5,
        span => span * 0.02,
    };
    Ok(least - room..most + room)
}

/// A number for an axis: no more digits than tell it from its neighbours.
fn short(value: f64) -> String {
    let size = value.abs();
    let text = match size {
        _ if size >= 1e5 || (size > 0.0 && size < 1e-3) => return format!("{value:.1e}"),
        _ if size >= 100.0 => format!("{value:.0}"),
        _ if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    };
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn falling() -> Chart {
        let points = (0..50).map(|step| (f64::from(step), 5.0 / (1.0 + f64::from(step))));
        Chart::new("falling", [Curve::new("loss:mean", points)])
    }

    #[test]
    fn a_chart_is_drawn_in_three_ways() {
        let svg = falling().svg(640, 400).unwrap();
        assert!(svg.contains("polyline") && svg.contains("loss:mean") && svg.contains("falling"));
        let png = falling().png(320, 200).unwrap();
        assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
        let text = falling().terminal(60, 15).unwrap();
        assert_eq!(text.lines().count(), 15);
        assert!(
            text.contains("falling") && text.contains("loss:mean"),
            "{text}"
        );
        assert!(
            text.chars()
                .any(|sign| ('\u{2801}'..='\u{28ff}').contains(&sign)),
            "{text}"
        );
    }

    #[test]
    fn nothing_and_a_single_point_are_no_trouble() {
        assert!(Chart::new("empty", []).svg(640, 400).is_err());
        let one = Chart::new("one", [Curve::new("a", [(0.0, 2.0), (1.0, f64::NAN)])]);
        assert!(one.svg(640, 400).is_ok());
        assert!(one.terminal(1, 1).is_ok());
    }

    #[test]
    fn names_on_the_terminal_hide_no_curve() {
        let [steep, flat] = [8.0, 4.0].map(|end| [(0.0, 0.0), (9.0, end)]);
        let chart = Chart::new("two", [Curve::new("loss", steep), Curve::new("eval", flat)]);
        for (columns, rows) in [(40, 6), (80, 20)] {
            let text = chart.terminal(columns, rows).unwrap();
            let (drawn, names) = text.trim_end().rsplit_once('\n').unwrap();
            assert_eq!(names, "by step: 1 loss  2 eval");
            assert!(!drawn.contains("loss") && !drawn.contains("eval"), "{text}");
            let ends = |sign: char| drawn.lines().any(|line| line.ends_with(sign));
            assert!(ends('1') && ends('2'), "{text}");
        }
        assert!(
            falling()
                .terminal(40, 8)
                .unwrap()
                .ends_with("by step: loss:mean\n")
        );
        assert!(falling().svg(640, 400).unwrap().contains("step"));
    }

    #[test]
    fn numbers_on_axes_are_short() {
        let numbers = [0.0, 5.0, -1.25, 1234.5, 0.05, 1e-5, 2e6];
        assert_eq!(
            numbers.map(short),
            ["0", "5", "-1.25", "1234", "0.05", "1.0e-5", "2.0e6"]
        );
    }

    #[test]
    fn running_means_lag_behind() {
        let curve = Curve::new("a", [(0.0, 4.0), (1.0, 0.0), (2.0, 0.0)]);
        assert_eq!(
            curve.smoothed(0.5).points,
            [(0.0, 4.0), (1.0, 2.0), (2.0, 1.0)]
        );
    }
}
