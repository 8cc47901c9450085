//! A run as one HTML file: how long items took, how fast it went, what failed and what it cost. The
//! figures come from the run's statistics and from an observer; nothing is loaded from elsewhere.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use plotters::prelude::*;

use super::shared::lock;
use super::{Ended, Event, Observer, WorkItemResult};

/// A picture has at most so many steps of time; then their length doubles.
const STEPS: usize = 240;
const SIZE: (u32, u32) = (760, 260);
const BLUE: RGBColor = RGBColor(0x2f, 0x6f, 0xb0);
const RED: RGBColor = RGBColor(0xc0, 0x3a, 0x2b);
const AMBER: RGBColor = RGBColor(0xe0, 0xa0, 0x30);
/// So many pauses are drawn at the most.
const PAUSES: usize = 500;

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
    /// When each pause began and was to end.
    pauses: Vec<(Duration, Duration)>,
    /// When something happened last.
    last: Duration,
}

#[derive(Clone, Copy, Debug, Default)]
struct Step {
    done: u64,
    failed: u64,
    most_in_flight: u64,
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
            pauses: Vec::new(),
            last: Duration::ZERO,
        }))
    }
}

impl Steps {
    /// The step that it is now.
    fn now(&mut self) -> &mut Step {
        let elapsed = self.begun.elapsed();
        self.last = elapsed;
        while elapsed.as_nanos() / self.length.as_nanos() >= STEPS as u128 {
            self.length *= 2;
            let halves = self.steps.chunks(2).map(|pair| {
                let mut sum = pair[0];
                for step in &pair[1..] {
                    sum.done += step.done;
                    sum.failed += step.failed;
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

    fn done(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.now().done += 1;
    }

    fn failed(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.now().failed += 1;
    }
}

impl Timeline {
    /// Counts a result that comes now from elsewhere than a run it observes, such as a queue.
    pub fn record<O, C>(&self, result: &WorkItemResult<O, C>) {
        let mut steps = lock(&self.0);
        match result.category() {
            None => steps.done(),
            Some(_) => steps.failed(),
        }
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
            Event::ItemCompleted { .. } | Event::ItemReplayed { .. } => steps.done(),
            Event::ItemFailed { .. } => steps.failed(),
            Event::CooldownStarted { duration, .. } => {
                steps.now();
                if steps.pauses.len() < PAUSES {
                    let begun = steps.last;
                    steps.pauses.push((begun, begun.saturating_add(*duration)));
                }
            }
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
        let took = lock(&self.0).last;
        let percentile = |percent| time(stats.latency.percentile(percent));
        let cached = format!(
            "{} ({:.1} %)",
            grouped(stats.usage.cached_tokens),
            stats.cache_hit_rate()
        );
        let speed = stats.processed as f64 / took.as_secs_f64().max(f64::MIN_POSITIVE);
        let mut rows: Vec<(String, String)> = [
            ("items", grouped(stats.processed)),
            ("with an answer", grouped(stats.succeeded)),
            ("failed", grouped(stats.failed)),
            ("kept from earlier runs", grouped(stats.replayed)),
            ("time", time(took)),
            ("items per second", figure(speed)),
            ("requests", grouped(stats.requests)),
            ("refused for the rate", grouped(stats.rate_limited)),
            ("pauses", self.pauses()),
            ("prompt tokens", grouped(stats.usage.prompt_tokens)),
            ("of them cached", cached),
            ("output tokens", grouped(stats.usage.output_tokens)),
            ("median time of an item", percentile(50.0)),
            ("95th percentile", percentile(95.0)),
            ("99th percentile", percentile(99.0)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
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
                self.over_time(|step, length| {
                    let per_second = |count: u64| count as f64 / length.as_secs_f64();
                    [per_second(step.done), per_second(step.failed)]
                }),
            ),
            (
                "Items in work",
                self.over_time(|step, _| [step.most_in_flight as f64, 0.0]),
            ),
        ];
        if !stats.failures.is_empty() {
            let failures = stats.failures.iter();
            let bars: Vec<(String, f64)> = failures
                .map(|(category, count)| (category.to_string(), *count as f64))
                .collect();
            pictures.push(("Failures", bars_of(&bars, RED, counted)));
        }
        if let (Some(with), Some(without)) = (facts.cost_usd, facts.without_cache_usd) {
            let bars = [
                ("as it was".to_owned(), with),
                ("without a cache".to_owned(), without),
            ];
            pictures.push(("Cost", bars_of(&bars, BLUE, |usd| format!("${usd:.4}"))));
        }
        let pictures: String = pictures
            .into_iter()
            .map(|(name, svg)| {
                let legend = match name {
                    "Items per second" => LEGEND,
                    _ => "",
                };
                format!("<h2>{name}</h2>\n{legend}{svg}\n")
            })
            .collect();
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n\
             <table>\n{table}</table>\n{pictures}</body>\n</html>\n"
        )
    }

    /// How many pauses there were, and how long together.
    fn pauses(&self) -> String {
        let steps = lock(&self.0);
        match steps.pauses.len() {
            0 => "none".to_owned(),
            count => {
                let all = steps.pauses.iter().map(|(begun, end)| *end - *begun);
                let more = if count < PAUSES { "" } else { " or more" };
                format!("{count}{more}, {} together", time(all.sum()))
            }
        }
    }

    /// How many items took how long, in five steps to each power of ten.
    fn latencies(&self, ended: &Ended) -> String {
        let latency = &ended.stats.latency;
        let edge = |step: i32| Duration::from_secs_f64(10_f64.powf(f64::from(step) / 5.0));
        let (mut bars, mut below) = (Vec::new(), 0);
        for step in -20..=20 {
            let count = latency.count_up_to(edge(step));
            if count > below || (!bars.is_empty() && count < latency.count()) {
                let name = format!("up to {}", time(edge(step)));
                bars.push((name, (count - below) as f64));
            }
            below = count;
        }
        bars_of(&bars, BLUE, counted)
    }

    /// Two figures of each step, the second on top of the first, with the pauses behind them.
    fn over_time(&self, values: impl Fn(&Step, Duration) -> [f64; 2]) -> String {
        let steps = lock(&self.0);
        let length = steps.length;
        let levels: Vec<[f64; 2]> = steps.steps.iter().map(|it| values(it, length)).collect();
        let end = levels.len().max(1) as f64 * length.as_secs_f64();
        let pauses = steps.pauses.iter().map(|(begun, until)| {
            let within = |time: &Duration| time.as_secs_f64().min(end);
            (within(begun), within(until))
        });
        let pauses: Vec<(f64, f64)> = pauses.collect();
        drop(steps);
        let mut svg = String::new();
        let drawn = draw_levels(&mut svg, &levels, &pauses, end);
        picture(svg, drawn)
    }
}

/// A time as a person reads it, in two or three figures.
fn time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        _ if time.is_zero() => "0 s".to_owned(),
        ..0.9995 => format!("{} ms", figure(seconds * 1e3)),
        ..119.5 => format!("{} s", figure(seconds)),
        _ => {
            let whole = seconds.round() as u64;
            format!("{} min {} s", grouped(whole / 60), whole % 60)
        }
    }
}

/// A figure with two digits at least, and no digits behind the point that say nothing.
fn figure(value: f64) -> String {
    let text = match value {
        ..9.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    };
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// Thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of items, which is a float for the sake of the pictures.
fn counted(count: f64) -> String {
    grouped(count as u64)
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

fn draw_levels(svg: &mut String, levels: &[[f64; 2]], pauses: &[(f64, f64)], end: f64) -> Drawn {
    let top = levels.iter().map(|[one, other]| one + other);
    let top = top.fold(1.0, f64::max) * 1.05;
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    let mut chart = ChartBuilder::on(&area)
        .margin(8)
        .x_label_area_size(36)
        .y_label_area_size(48)
        .build_cartesian_2d(0.0..end, 0.0..top)?;
    chart
        .configure_mesh()
        .x_desc("seconds")
        .label_style(("sans-serif", 13))
        .x_label_formatter(&|value| figure(*value))
        .y_label_formatter(&|value| figure(*value))
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.12))
        .draw()?;
    let pauses = pauses.iter().map(|(begun, until)| {
        Rectangle::new([(*begun, 0.0), (*until, top)], AMBER.mix(0.25).filled())
    });
    chart.draw_series(pauses)?;
    // Each step is a level, not a point.
    let width = end / levels.len().max(1) as f64;
    for (place, [below, above]) in levels.iter().enumerate() {
        let (from, to) = (place as f64 * width, (place + 1) as f64 * width);
        let level = |low: f64, high: f64, color: RGBColor| {
            Rectangle::new([(from, low), (to, high)], color.mix(0.75).filled())
        };
        let below_and_above = [level(0.0, *below, BLUE), level(*below, below + above, RED)];
        let drawn = below_and_above.into_iter().zip([below, above]);
        chart.draw_series(
            drawn
                .filter(|(_, high)| **high > 0.0)
                .map(|(level, _)| level),
        )?;
    }
    area.present()?;
    Ok(())
}

/// Bars that lie, each with its name and value.
fn bars_of(bars: &[(String, f64)], color: RGBColor, shown: impl Fn(f64) -> String) -> String {
    let mut svg = String::new();
    let drawn = draw_bars(&mut svg, bars, color, shown);
    picture(svg, drawn)
}

fn draw_bars(
    svg: &mut String,
    bars: &[(String, f64)],
    color: RGBColor,
    shown: impl Fn(f64) -> String,
) -> Drawn {
    const ROW: i32 = 22;
    const NAMES: i32 = 200;
    let height = u32::try_from(bars.len()).unwrap_or(u32::MAX).max(1) * ROW as u32 + 8;
    let area = SVGBackend::with_string(svg, (SIZE.0, height)).into_drawing_area();
    let top = bars
        .iter()
        .map(|(_, value)| *value)
        .fold(f64::MIN_POSITIVE, f64::max);
    let font = ("sans-serif", 14).into_font();
    for (row, (name, value)) in bars.iter().enumerate() {
        let y = i32::try_from(row).unwrap_or(0) * ROW + 4;
        let width = f64::from(SIZE.0) - f64::from(NAMES) - 90.0;
        let end = NAMES + (width * value / top) as i32;
        area.draw(&Text::new(name.clone(), (4, y + 3), font.clone()))?;
        if *value > 0.0 {
            let bar = [(NAMES, y), (end.max(NAMES + 1), y + ROW - 5)];
            area.draw(&Rectangle::new(bar, color.filled()))?;
        }
        area.draw(&Text::new(shown(*value), (end + 6, y + 3), font.clone()))?;
    }
    area.present()?;
    Ok(())
}

/// What the colours of the pictures over time mean.
const LEGEND: &str = "<p class=\"legend\"><b style=\"background:#6393c4\"></b>with an answer \
    <b style=\"background:#d06b60\"></b>failed <b style=\"background:#f7e7cb\"></b>pause that the \
    service asked for</p>\n";

const STYLE: &str = "body{font:15px/1.45 system-ui,sans-serif;max-width:50rem;margin:2rem auto;\
    padding:0 1rem;color:#222}h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}\
    table{border-collapse:collapse}th,td{text-align:left;padding:.15rem 1rem .15rem 0;\
    border-bottom:1px solid #ddd;font-weight:400}td{font-variant-numeric:tabular-nums}\
    svg{max-width:100%;height:auto}.legend{font-size:.85rem;color:#555}\
    .legend b{display:inline-block;width:.8em;height:.8em;margin:0 .35em 0 .9em}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_figures_are_short() {
        for (millis, shown) in [
            (0, "0 s"),
            (2, "2 ms"),
            (40, "40 ms"),
            (158, "158 ms"),
            (999, "999 ms"),
            (1_000, "1 s"),
            (2_512, "2.5 s"),
            (15_800, "16 s"),
            (119_400, "119 s"),
            (3_725_000, "62 min 5 s"),
        ] {
            assert_eq!(time(Duration::from_millis(millis)), shown);
        }
        assert_eq!(time(Duration::from_micros(1_585)), "1.6 ms");
        assert_eq!(
            (grouped(7), grouped(1_234_567)),
            ("7".into(), "1,234,567".into())
        );
        assert_eq!(
            (figure(0.0), figure(2.5), figure(140.0)),
            ("0".into(), "2.5".into(), "140".into())
        );
    }

    #[tokio::test]
    async fn pauses_and_failures_are_drawn() {
        let timeline = Timeline::new();
        for event in [
            Event::ItemStarted {
                item_id: "a".to_owned(),
            },
            Event::CooldownStarted {
                scope: 1,
                duration: Duration::from_secs(2),
            },
            Event::ItemFailed {
                item_id: "a".to_owned(),
                submission_index: 0,
                duration: Duration::ZERO,
                usage: Default::default(),
                attempts: Vec::new(),
                category: crate::Category::ClientError,
            },
        ] {
            timeline.on_event(&event).await;
        }
        let html = timeline.to_html(&Facts::new("x < y"), &Ended::default());
        assert!(html.contains("<td>1, 2 s together</td>"));
        assert!(
            html.contains("#E0A030") && html.contains("#C03A2B"),
            "both colours"
        );
        assert!(html.contains("<h1>x &lt; y</h1>"));
    }
}
