//! Points to draw, from the metrics of steps.

use std::collections::BTreeMap;

use crate::run::StepMetrics;

/// A named line through points.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Curve {
    /// What it shows.
    pub name: String,
    /// The points, by step.
    pub points: Vec<(f64, f64)>,
}

impl Curve {
    /// A curve through points.
    pub fn new(name: impl Into<String>, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let points = points
            .into_iter()
            .filter(|(x, y)| x.is_finite() && y.is_finite());
        Self {
            name: name.into(),
            points: points.collect(),
        }
    }

    /// The curve of running means: each point is `share` of the one before and the rest its own.
    #[must_use]
    pub fn smoothed(&self, share: f64) -> Self {
        let mut mean = None;
        let smooth = |&(x, y): &(f64, f64)| {
            let next = mean.map_or(y, |mean: f64| share * mean + (1.0 - share) * y);
            mean = Some(next);
            (x, next)
        };
        let points: Vec<_> = self.points.iter().map(smooth).collect();
        Self::new(self.name.clone(), points)
    }
}

/// The curves of some metrics, by name; of all metrics where none is named.
///
/// ```
/// use gimmal_training::StepMetrics;
/// use gimmal_training::plot::curves;
///
/// let steps = [StepMetrics::new(0, [("loss:mean", 2.0)]), StepMetrics::new(1, [("loss:mean", 1.0)])];
/// assert_eq!(curves(&steps, &[])[0].points, [(0.0, 2.0), (1.0, 1.0)]);
/// assert!(curves(&steps, &["reward:mean"]).is_empty());
/// ```
pub fn curves(steps: &[StepMetrics], names: &[&str]) -> Vec<Curve> {
    let mut points: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    for step in steps {
        for (name, value) in &step.metrics {
            if names.is_empty() || names.contains(&name.as_str()) {
                points
                    .entry(name)
                    .or_default()
                    .push((step.step as f64, *value));
            }
        }
    }
    points
        .into_iter()
        .map(|(name, points)| Curve::new(name, points))
        .collect()
}
