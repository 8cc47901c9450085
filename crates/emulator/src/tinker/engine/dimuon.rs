//! A momentum step of even length: the averaged gradient of an array, brought to a root mean square
//! of one. It stands for the `dimuon` family of the service, whose own rule is not published.

/// The parameters of a step, as they are named on the wire.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct DimuonParams {
    pub(crate) learning_rate: f64,
    pub(crate) grad_clip_norm: f64,
    pub(crate) beta1: f64,
}

impl DimuonParams {
    /// Moves `weights`; `momentum` is the average of the gradients so far.
    pub(crate) fn step(
        &self,
        weights: &mut [f32],
        gradients: &[f32],
        scale: f64,
        momentum: &mut Vec<f32>,
    ) {
        momentum.resize(weights.len(), 0.0);
        for (average, gradient) in momentum.iter_mut().zip(gradients) {
            let new = self.beta1 * f64::from(*average);
            *average = (new + (1.0 - self.beta1) * f64::from(*gradient) * scale) as f32;
        }
        let square: f64 = momentum.iter().map(|m| f64::from(*m).powi(2)).sum();
        let size = (square / momentum.len().max(1) as f64).sqrt();
        if size > 0.0 {
            for (weight, average) in weights.iter_mut().zip(momentum) {
                let move_by = self.learning_rate * f64::from(*average) / size;
                *weight = (f64::from(*weight) - move_by) as f32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_has_the_length_of_the_learning_rate_and_points_downhill() {
        let params = DimuonParams {
            learning_rate: 0.5,
            grad_clip_norm: 0.0,
            beta1: 0.9,
        };
        let mut weights = [0.0_f32, 0.0];
        params.step(&mut weights, &[2.0, -2.0], 1.0, &mut Vec::new());
        assert!((weights[0] + 0.5).abs() < 1e-6 && (weights[1] - 0.5).abs() < 1e-6);
        let mut still = [1.0_f32];
        params.step(&mut still, &[0.0], 1.0, &mut Vec::new());
        assert_eq!(still[0].to_bits(), 1.0_f32.to_bits());
    }
}
