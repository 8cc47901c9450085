//! The numbers a schema allows, and one that fits.

use serde_json::{Number, Value};

use crate::engine::{material::Material, schema::shape::number_of};

/// The numbers a schema allows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    low: f64,
    high: f64,
    above: f64,
    below: f64,
    step: Option<f64>,
    whole: bool,
}

impl Bounds {
    pub(super) fn read(schema: &Value, whole: bool) -> Self {
        let bound = |key: &str| schema.get(key).and_then(number_of);
        Self {
            low: bound("minimum").unwrap_or(f64::NEG_INFINITY),
            high: bound("maximum").unwrap_or(f64::INFINITY),
            above: bound("exclusiveMinimum").unwrap_or(f64::NEG_INFINITY),
            below: bound("exclusiveMaximum").unwrap_or(f64::INFINITY),
            step: bound("multipleOf").filter(|step| *step > 0.0),
            whole,
        }
    }

    pub(super) fn fits(&self, n: f64) -> bool {
        n >= self.low
            && n <= self.high
            && n > self.above
            && n < self.below
            && (!self.whole || n.fract() == 0.0)
            && self.step.is_none_or(|step| (n / step).fract() == 0.0)
    }

    fn unit(&self) -> f64 {
        self.step.unwrap_or(if self.whole { 1.0 } else { 0.5 })
    }

    /// A number of the material that fits, or else one of the edges or middles that does.
    pub(super) fn choose(&self, material: &mut Material) -> Value {
        let Self {
            low,
            high,
            above,
            below,
            ..
        } = *self;
        let unit = self.unit();
        let number = material.number(|n| self.fits(n)).unwrap_or_else(|| {
            let tried = [
                0.0,
                low,
                high,
                above + unit,
                below - unit,
                f64::midpoint(above, below),
                (low / unit).ceil() * unit,
                (high / unit).floor() * unit,
                f64::midpoint(low, high),
                f64::midpoint(low, below),
                f64::midpoint(above, high),
            ];
            let mut tried = tried.into_iter();
            tried
                .find(|n| n.is_finite() && self.fits(*n))
                .unwrap_or(0.0)
        });
        self.to_value(number)
    }

    /// The `n`th number from the lower end, or from the upper one where there is no lower, if it
    /// fits.
    pub(super) fn nth(&self, n: usize) -> Option<Value> {
        let unit = self.unit();
        let (bottom, top) = (self.low.max(self.above), self.high.min(self.below));
        let (start, stride) = if bottom.is_finite() {
            ((bottom / unit).ceil() * unit, unit)
        } else if top.is_finite() {
            ((top / unit).floor() * unit, -unit)
        } else {
            (0.0, unit)
        };
        let number = start + n as f64 * stride;
        (number.is_finite() && self.fits(number)).then(|| self.to_value(number))
    }

    fn to_value(self, number: f64) -> Value {
        if number.fract() == 0.0 && number.abs() < 9.0e15 && (self.whole || number == 0.0) {
            return (number as i64).into();
        }
        Number::from_f64(number).map_or(Value::Null, Value::Number)
    }
}
