//! AdamW (Loshchilov and Hutter, 2019), for one array at a time: bias-corrected moments, and decay
//! that does not pass through them. Knows no model.

use serde::Deserialize;

/// The parameters of a step, as they are named on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AdamParams {
    pub(crate) learning_rate: f64,
    pub(crate) beta1: f64,
    pub(crate) beta2: f64,
    pub(crate) eps: f64,
    pub(crate) weight_decay: f64,
    pub(crate) grad_clip_norm: f64,
}

impl Default for AdamParams {
    fn default() -> Self {
        Self {
            learning_rate: 1e-4,
            beta1: 0.9,
            beta2: 0.95,
            eps: 1e-12,
            weight_decay: 0.0,
            grad_clip_norm: 0.0,
        }
    }
}

/// The moments of the gradients of an array.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Moments {
    pub(crate) first: Vec<f32>,
    pub(crate) second: Vec<f32>,
}

impl AdamParams {
    /// Moves `weights` by step number `step`, the first of which is 1. Gradients are multiplied by
    /// `scale`.
    pub(crate) fn step(
        &self,
        step: u64,
        weights: &mut [f32],
        gradients: &[f32],
        scale: f64,
        moments: &mut Moments,
    ) {
        moments.first.resize(weights.len(), 0.0);
        moments.second.resize(weights.len(), 0.0);
        let exponent = i32::try_from(step).unwrap_or(i32::MAX);
        let first_bias = 1.0 - self.beta1.powi(exponent);
        let second_bias = 1.0 - self.beta2.powi(exponent);
        let kept = 1.0 - self.learning_rate * self.weight_decay;
        for (at, weight) in weights.iter_mut().enumerate() {
            let gradient = f64::from(gradients[at]) * scale;
            let blend = |old: f32, beta: f64, new: f64| beta * f64::from(old) + (1.0 - beta) * new;
            let first = blend(moments.first[at], self.beta1, gradient);
            let second = blend(moments.second[at], self.beta2, gradient * gradient);
            moments.first[at] = first as f32;
            moments.second[at] = second as f32;
            let move_by = (first / first_bias) / ((second / second_bias).sqrt() + self.eps);
            *weight = (f64::from(*weight) * kept - self.learning_rate * move_by) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_step_is_as_long_as_the_learning_rate() {
        let params = AdamParams {
            learning_rate: 0.1,
            ..AdamParams::default()
        };
        let mut weights = [1.0_f32, -1.0];
        params.step(
            1,
            &mut weights,
            &[3.0, -0.001],
            1.0,
            &mut Moments::default(),
        );
        assert!((weights[0] - 0.9).abs() < 1e-6);
        assert!((weights[1] + 0.9).abs() < 1e-6);
    }

    #[test]
    fn weights_decay_without_a_gradient() {
        let params = AdamParams {
            learning_rate: 0.1,
            weight_decay: 0.5,
            ..AdamParams::default()
        };
        let mut weights = [2.0_f32];
        params.step(1, &mut weights, &[0.0], 1.0, &mut Moments::default());
        assert!((weights[0] - 1.9).abs() < 1e-6);
    }
}
