//! A run as one HTML file: how long items took, how fast it went, what failed and what it cost. The
//! figures come from the run's statistics and from an observer; nothing is loaded from elsewhere.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use plotters::prelude::*;

use super::shared::lock;
use super::{Ended, Event, Observer};

/// A picture has at most so many steps of time; then their length doubles.
const STEPS: usize = 240;
const SIZE: (u32, u32) = (760, 260);
const BLUE: RGBColor = RGBColor(0x2f, 0x6f, 0xb0);
const RED: RGBColor = RGBColor(0xc0, 0x3a, 0x2b);

/// Counts what a run does over time.
///
/// ```
/// # use gimmal_batch::testing::ScriptedStrategy;
/// use std::sync::Arc;
/// use gimmal_batch::report::{Facts, Timeline};
/// use gimmal_batch::{Processor, WorkItem};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let timeline = Arc::new(Timeline::new());
/// let items = futures_util::stream::iter([WorkItem::new("a", "Hello".to_owned())]);
/// let strategy = Arc::new(ScriptedStrategy::echo());
/// let processor = Processor::new().with_observer(Arc::clone(&timeline) as _);
/// let ended = processor.start(strategy, items).await?.finish().await?;
/// let html = timeline.to_html(&Facts::new("A short run"), &ended);
/// assert!(html.starts_with("<!DOCTYPE html>") && html.contains("<svg"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Timeline(Mutex<Steps>);

#[derive(Debug)]
struct Steps {
    begun: Instant,
    length: Duration,
    steps: Vec<Step>,
    in_flight: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Step {
    done: u64,
    failed: u64,
    most_in_flight: u64,
    pauses: u64,
}

impl Default for Timeline {
    fn default() -> Self {
        Self::new()
    }
}

impl Timeline {
    /// Begins now.
    pub fn new() -> Self {
        Self(Mutex::new(Steps {
            begun: Instant::now(),
            length: Duration::from_millis(100),
            steps: Vec::new(),
            in_flight: 0,
        }))
    }
}

impl Steps {
    /// The step that it is now.
    fn now(&mut self) -> &mut Step {
        let elapsed = self.begun.elapsed();
        while elapsed.as_nanos() / self.length.as_nanos() >= STEPS as u128 {
            self.length *= 2;
            let halves = self.steps.chunks(2).map(|pair| {
                let mut sum = pair[0];
                for step in &pair[1..] {
                    sum.done += step.done;
                    sum.failed += step.failed;
                    sum.pauses += step.pauses;
                    sum.most_in_flight = sum.most_in_flight.max(step.most_in_flight);
                }
                sum
            });
            self.steps = halves.collect();
        }
        let step = usize::try_from(elapsed.as_nanos() / self.length.as_nanos()).unwrap_or(0);
        while self.steps.len() <= step {
            let most_in_flight = self.in_flight;
            self.steps.push(Step {
                most_in_flight,
                ..Step::default()
            });
        }
        &mut self.steps[step]
    }
}

impl Observer for Timeline {
    fn on_event<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, ()> {
        let steps = &mut *lock(&self.0);
        match event {
            Event::ItemStarted { .. } => {
                steps.in_flight += 1;
                let in_flight = steps.in_flight;
                let step = steps.now();
                step.most_in_flight = step.most_in_flight.max(in_flight);
            }
            Event::ItemCompleted { .. } | Event::ItemReplayed { .. } => {
                steps.in_flight = steps.in_flight.saturating_sub(1);
                steps.now().done += 1;
            }
            Event::ItemFailed { .. } => {
                steps.in_flight = steps.in_flight.saturating_sub(1);
                steps.now().failed += 1;
            }
            Event::CooldownStarted { .. } => steps.now().pauses += 1,
            _ => {}
        }
        Box::pin(async {})
    }
}

/// What a report says besides the figures of the run.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Facts {
    /// The heading.
    pub title: String,
    /// What the run cost in USD, if prices are known.
    pub cost_usd: Option<f64>,
    /// What it would have cost without caches.
    pub without_cache_usd: Option<f64>,
    /// Further lines of the table: a name and a value each.
    pub rows: Vec<(String, String)>,
}

impl Facts {
    /// Nothing but a heading.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            ..Self::default()
        }
    }
}

/// A text within HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

impl Timeline {
    /// The report.
    pub fn to_html(&self, facts: &Facts, ended: &Ended) -> String {
        let stats = &ended.stats;
        let seconds = |duration: Duration| format!("{:.3} s", duration.as_secs_f64());
        let mut rows = vec![
            ("items".to_owned(), stats.processed.to_string()),
            ("with an answer".to_owned(), stats.succeeded.to_string()),
            ("failed".to_owned(), stats.failed.to_string()),
            (
                "kept from earlier runs".to_owned(),
                stats.replayed.to_string(),
            ),
            ("requests".to_owned(), stats.requests.to_string()),
            (
                "refused for the rate".to_owned(),
                stats.rate_limited.to_string(),
            ),
            (
                "prompt tokens".to_owned(),
                stats.usage.prompt_tokens.to_string(),
            ),
            (
                "of them cached".to_owned(),
                format!(
                    "{} ({:.1} %)",
                    stats.usage.cached_tokens,
                    stats.cache_hit_rate()
                ),
            ),
            (
                "output tokens".to_owned(),
                stats.usage.output_tokens.to_string(),
            ),
            (
                "median time of an item".to_owned(),
                seconds(stats.latency.percentile(50.0)),
            ),
            (
                "95th percentile".to_owned(),
                seconds(stats.latency.percentile(95.0)),
            ),
            (
                "99th percentile".to_owned(),
                seconds(stats.latency.percentile(99.0)),
            ),
        ];
        if let Some(reason) = &ended.termination.reason {
            rows.push(("ended early".to_owned(), reason.clone()));
        }
        rows.extend(facts.rows.iter().cloned());
        let table: String = rows
            .iter()
            .map(|(name, value)| {
                format!(
                    "<tr><th>{}</th><td>{}</td></tr>\n",
                    escaped(name),
                    escaped(value)
                )
            })
            .collect();
        let title = escaped(&facts.title);
        let mut pictures = vec![
            ("Time of items", self.latencies(ended)),
            (
                "Items per second",
                self.over_time("items per second", |step, length| {
                    (step.done + step.failed) as f64 / length.as_secs_f64()
                }),
            ),
            (
                "Items in work",
                self.over_time("items in work", |step, _| step.most_in_flight as f64),
            ),
        ];
        if !stats.failures.is_empty() {
            let failures = stats.failures.iter();
            let bars: Vec<(String, f64)> = failures
                .map(|(category, count)| (category.to_string(), *count as f64))
                .collect();
            pictures.push(("Failures", bars_of(&bars, RED)));
        }
        if let (Some(with), Some(without)) = (facts.cost_usd, facts.without_cache_usd) {
            let bars = [
                (format!("with caches: ${with:.4}"), with),
                (format!("without: ${without:.4}"), without),
            ];
            pictures.push(("Cost", bars_of(&bars, BLUE)));
        }
        let pictures: String = pictures
            .into_iter()
            .map(|(name, svg)| format!("<h2>{name}</h2>\n{svg}\n"))
            .collect();
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n\
             <table>\n{table}</table>\n{pictures}</body>\n</html>\n"
        )
    }

    /// How many items took how long, in ten steps to each power of ten.
    fn latencies(&self, ended: &Ended) -> String {
        let latency = &ended.stats.latency;
        let edge = |step: i32| Duration::from_secs_f64(10_f64.powf(f64::from(step) / 5.0));
        let (mut bars, mut below) = (Vec::new(), 0);
        for step in -20..=20 {
            let count = latency.count_up_to(edge(step));
            if count > below || (!bars.is_empty() && count < latency.count()) {
                let most = edge(step).as_secs_f64();
                let name = if most < 1.0 {
                    format!("{:.3} ms", most * 1e3)
                } else {
                    format!("{most:.1} s")
                };
                bars.push((format!("up to {name}"), (count - below) as f64));
            }
            below = count;
        }
        bars_of(&bars, BLUE)
    }

    fn over_time(&self, what: &str, value: impl Fn(&Step, Duration) -> f64) -> String {
        let steps = lock(&self.0);
        let length = steps.length;
        let points: Vec<(f64, f64)> = steps
            .steps
            .iter()
            .enumerate()
            .map(|(at, step)| (at as f64 * length.as_secs_f64(), value(step, length)))
            .collect();
        drop(steps);
        let end = points.len().max(1) as f64 * length.as_secs_f64();
        let top = points.iter().map(|(_, y)| *y).fold(1.0, f64::max);
        let mut svg = String::new();
        let drawn = line(&mut svg, &points, (end, top), what);
        picture(svg, drawn)
    }
}

type Drawn = Result<(), Box<dyn std::error::Error>>;

/// A picture, or what went wrong in its place.
fn picture(svg: String, drawn: Drawn) -> String {
    match drawn {
        Ok(()) => svg,
        Err(error) => format!(
            "<p>This picture could not be drawn: {}.</p>",
            escaped(&error.to_string())
        ),
    }
}

fn line(svg: &mut String, points: &[(f64, f64)], (end, top): (f64, f64), what: &str) -> Drawn {
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    let mut chart = ChartBuilder::on(&area)
        .margin(8)
        .x_label_area_size(32)
        .y_label_area_size(64)
        .build_cartesian_2d(0.0..end, 0.0..top * 1.05)?;
    chart
        .configure_mesh()
        .x_desc("seconds")
        .y_desc(what)
        .light_line_style(TRANSPARENT)
        .draw()?;
    // Each step is a level, not a point.
    let width = end / points.len().max(1) as f64;
    let levels = points
        .iter()
        .map(|(x, y)| Rectangle::new([(*x, 0.0), (x + width, *y)], BLUE.mix(0.6).filled()));
    chart.draw_series(levels)?;
    area.present()?;
    Ok(())
}

/// Bars that lie, each with its name and value.
fn bars_of(bars: &[(String, f64)], color: RGBColor) -> String {
    let mut svg = String::new();
    let drawn = draw_bars(&mut svg, bars, color);
    picture(svg, drawn)
}

fn draw_bars(svg: &mut String, bars: &[(String, f64)], color: RGBColor) -> Drawn {
    const ROW: i32 = 20;
    const NAMES: i32 = 240;
    let height = u32::try_from(bars.len()).unwrap_or(u32::MAX).max(1) * ROW as u32 + 8;
    let area = SVGBackend::with_string(svg, (SIZE.0, height)).into_drawing_area();
    let top = bars
        .iter()
        .map(|(_, value)| *value)
        .fold(f64::MIN_POSITIVE, f64::max);
    let font = ("sans-serif", 12).into_font();
    for (row, (name, value)) in bars.iter().enumerate() {
        let y = i32::try_from(row).unwrap_or(0) * ROW + 4;
        let width = f64::from(SIZE.0) - f64::from(NAMES) - 90.0;
        let end = NAMES + (width * value / top) as i32;
        area.draw(&Text::new(name.clone(), (4, y + 3), font.clone()))?;
        area.draw(&Rectangle::new(
            [(NAMES, y), (end.max(NAMES + 1), y + ROW - 5)],
            color.filled(),
        ))?;
        let shown = if value.fract() == 0.0 {
            format!("{value:.0}")
        } else {
            format!("{value:.4}")
        };
        area.draw(&Text::new(shown, (end + 6, y + 3), font.clone()))?;
    }
    area.present()?;
    Ok(())
}

const STYLE: &str = "body{font:15px/1.45 system-ui,sans-serif;max-width:50rem;margin:2rem auto;\
    padding:0 1rem;color:#222}h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}\
    table{border-collapse:collapse}th,td{text-align:left;padding:.15rem 1rem .15rem 0;\
    border-bottom:1px solid #ddd;font-weight:400}td{font-variant-numeric:tabular-nums}\
    svg{max-width:100%;height:auto}";
