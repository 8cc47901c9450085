//! Metrics of steps as lines of JSON, written as they come and read back for curves.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::Error;

const STEP: &str = "step";

/// The metrics of one step.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct StepMetrics {
    /// The step, counted from zero.
    pub step: u64,
    /// Its metrics by name.
    pub metrics: BTreeMap<String, f64>,
}

impl StepMetrics {
    /// The metrics of a step.
    pub fn new(step: u64, metrics: impl IntoIterator<Item = (impl Into<String>, f64)>) -> Self {
        let named = metrics
            .into_iter()
            .map(|(name, value)| (name.into(), value));
        Self {
            step,
            metrics: named.collect(),
        }
    }

    /// The line of the file: an object with `step` and all metrics. A number that JSON lacks, such
    /// as NaN, is null.
    fn line(&self) -> String {
        let mut object = Map::from_iter([(STEP.to_owned(), self.step.into())]);
        let metrics = self.metrics.iter();
        object.extend(metrics.map(|(name, value)| (name.clone(), Value::from(*value))));
        Value::Object(object).to_string()
    }

    fn parse(line: &str) -> Option<Self> {
        let object: Map<String, Value> = serde_json::from_str(line).ok()?;
        let step = object.get(STEP)?.as_u64()?;
        let numbers = object.into_iter().filter(|(name, _)| name != STEP);
        let numbers = numbers.filter_map(|(name, value)| Some((name, value.as_f64()?)));
        Some(Self {
            step,
            metrics: numbers.collect(),
        })
    }
}

/// A file of metrics, one line of JSON for each step.
///
/// ```
/// use gimmal_training::{MetricsLog, StepMetrics, read_metrics};
///
/// # let folder = std::env::temp_dir().join(format!("gimmal-metrics-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// let path = folder.join("run.jsonl");
/// let mut log = MetricsLog::create(&path)?;
/// log.append(&StepMetrics::new(0, [("loss:mean", 5.5)]))?;
/// log.append(&StepMetrics::new(1, [("loss:mean", 4.5)]))?;
/// // A run that goes on from step 1 takes back what came later.
/// MetricsLog::resume(&path, 1)?.append(&StepMetrics::new(1, [("loss:mean", 4.4)]))?;
/// let steps = read_metrics(&path)?;
/// assert_eq!(steps[1].metrics["loss:mean"], 4.4);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct MetricsLog {
    file: File,
    path: PathBuf,
}

impl MetricsLog {
    /// An empty file; what was there is replaced.
    ///
    /// # Errors
    ///
    /// Fails when the file cannot be made.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let file = File::create(path).map_err(|error| Error::file("cannot make", path, error))?;
        Ok(Self {
            file,
            path: path.to_owned(),
        })
    }

    /// The file as it was before a step: later lines are taken back, as is one that was cut off. A
    /// file that does not exist is made.
    ///
    /// # Errors
    ///
    /// Fails when the file cannot be read or written.
    pub fn resume(path: impl AsRef<Path>, step: u64) -> Result<Self, Error> {
        let path = path.as_ref();
        let kept = match std::fs::read_to_string(path) {
            Ok(text) => kept(&text, step),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(Error::file("cannot read", path, error)),
        };
        // The new file takes the place of the old one at once, so that a kill costs no line.
        let draft = path.with_extension("draft");
        let replaced = std::fs::write(&draft, kept).and_then(|()| std::fs::rename(&draft, path));
        replaced.map_err(|error| Error::file("cannot write", path, error))?;
        let file = OpenOptions::new().append(true).open(path);
        Ok(Self {
            file: file.map_err(|error| Error::file("cannot open", path, error))?,
            path: path.to_owned(),
        })
    }

    /// Adds the metrics of a step.
    ///
    /// # Errors
    ///
    /// Fails when the line cannot be written.
    pub fn append(&mut self, step: &StepMetrics) -> Result<(), Error> {
        let line = step.line() + "\n";
        let written = self.file.write_all(line.as_bytes());
        written.map_err(|error| Error::file("cannot write", &self.path, error))
    }
}

/// The lines of the steps before `step`.
fn kept(text: &str, step: u64) -> String {
    let whole = text
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'));
    let earlier = whole.filter(|line| StepMetrics::parse(line).is_some_and(|it| it.step < step));
    earlier.collect()
}

/// The metrics of a file, in its order. A last line that was cut off is passed over.
///
/// # Errors
///
/// Fails when the file cannot be read, and at the first line that is no object with a `step`.
pub fn read_metrics(path: impl AsRef<Path>) -> Result<Vec<StepMetrics>, Error> {
    let path = path.as_ref();
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|error| Error::file("cannot read", path, error))?;
    let mut steps = Vec::new();
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        match StepMetrics::parse(line) {
            Some(step) => steps.push(step),
            None if line.trim().is_empty() || !line.ends_with('\n') => {}
            None => {
                let message = "is no JSON object with a `step`; give a file of metrics";
                return Err(Error::invalid(
                    format!("{}:{number}", path.display()),
                    message,
                ));
            }
        }
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_lines_and_one_that_was_cut_off_are_taken_back() {
        let lines: String = (0..4)
            .map(|step| StepMetrics::new(step, [("a", 1.0)]).line() + "\n")
            .collect();
        let torn = lines.clone() + "{\"step\": 4, \"a";
        assert_eq!(kept(&torn, 9), lines);
        assert_eq!(kept(&torn, 2).lines().count(), 2);
    }

    #[test]
    fn numbers_that_json_lacks_are_left_out() {
        let step = StepMetrics::new(3, [("a", f64::NAN), ("b", 1.0)]);
        let line: Value = serde_json::from_str(&step.line()).unwrap();
        assert_eq!(line, serde_json::json!({"step": 3, "a": null, "b": 1.0}));
        let read = StepMetrics::parse(&step.line()).unwrap();
        assert_eq!(read, StepMetrics::new(3, [("b", 1.0)]));
        assert_eq!(StepMetrics::parse("{\"a\": 1}"), None);
    }
}
