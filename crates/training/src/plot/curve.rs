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

/// The curves of some metrics, in the order in which they are named; of all metrics, by name, where
/// none is.
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
    let curves = points.into_iter();
    let mut curves: Vec<Curve> = curves
        .map(|(name, points)| Curve::new(name, points))
        .collect();
    curves.sort_by_key(|curve| names.iter().position(|name| *name == curve.name));
    curves
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_come_in_the_order_in_which_they_are_named() {
        let steps = [StepMetrics::new(0, [("a", 1.0), ("b", 2.0), ("c", 3.0)])];
        let names = |names: &[&str]| -> Vec<String> {
            let curves = curves(&steps, names).into_iter();
            curves.map(|curve| curve.name).collect()
        };
        assert_eq!(names(&["c", "a"]), ["c", "a"]);
        assert_eq!(names(&[]), ["a", "b", "c"]);
    }
}
