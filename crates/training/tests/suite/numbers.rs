//! The figures, and tensors of either precision to compare with them.

use std::sync::OnceLock;

use gimmal_client::types::tinker::{Datum, ModelInput, TensorData};
use gimmal_training::candle::{DType, Device, Tensor};
use gimmal_training::{Penalty, Regularizer, execute, gradient};
use serde_json::Value;

/// A precision, and how far figures may be off in it.
#[derive(Clone, Copy)]
pub(crate) struct At {
    pub(crate) dtype: DType,
    tolerance: f64,
}

/// Runs a check in both precisions.
pub(crate) fn in_both(check: impl Fn(At)) {
    check(At {
        dtype: DType::F64,
        tolerance: 1e-5,
    });
    check(At {
        dtype: DType::F32,
        tolerance: 1e-4,
    });
}

impl At {
    /// A tensor of numbers as JSON has them, in the shape that they have there.
    pub(crate) fn tensor(self, of: &Value) -> Tensor {
        let (mut shape, mut inner) = (Vec::new(), of);
        while let Value::Array(items) = inner {
            shape.push(items.len());
            inner = &items[0];
        }
        let tensor = Tensor::from_vec(flat(of), shape, &Device::Cpu);
        tensor.unwrap().to_dtype(self.dtype).unwrap()
    }

    /// The tensor under a path such as `l1.x`.
    pub(crate) fn given(self, path: &str) -> Tensor {
        self.tensor(at(path))
    }

    /// The logarithms of the tensor under a path.
    pub(crate) fn log_of(self, path: &str) -> Tensor {
        let exact = At {
            dtype: DType::F64,
            ..self
        };
        exact
            .given(path)
            .log()
            .unwrap()
            .to_dtype(self.dtype)
            .unwrap()
    }

    /// Compares all numbers of a tensor with the figures under a path. Large figures may be off in
    /// proportion.
    pub(crate) fn agrees(self, tensor: &Tensor, path: &str) {
        let expected = flat(at(path));
        let actual = numbers(tensor);
        assert_eq!(actual.len(), expected.len(), "{path}");
        for (actual, expected) in actual.iter().zip(expected) {
            let off = (actual - expected).abs();
            let allowed = self.tolerance * expected.abs().max(1.0);
            assert!(
                off <= allowed,
                "{path}: {actual} is not {expected} in {:?}",
                self.dtype
            );
        }
    }

    /// Compares the value of a regularizer with a figure.
    pub(crate) fn value(self, regularizer: &impl Regularizer, x: &Tensor, path: &str) -> Penalty {
        self.value_of(regularizer, &[], x, path)
    }

    /// Compares the value of a regularizer that looks at data with a figure.
    pub(crate) fn value_of(
        self,
        regularizer: &impl Regularizer,
        data: &[Datum],
        x: &Tensor,
        path: &str,
    ) -> Penalty {
        let penalty = execute(regularizer, data, x).unwrap();
        self.agrees(&penalty.value, path);
        penalty
    }

    /// Compares the length of a regularizer's gradient with a figure.
    pub(crate) fn grad_norm(
        self,
        regularizer: &impl Regularizer,
        data: &[Datum],
        x: &Tensor,
        path: &str,
    ) {
        let slope = slope(regularizer, data, x);
        let norm = slope
            .iter()
            .map(|number| number * number)
            .sum::<f64>()
            .sqrt();
        self.agrees(&Tensor::new(norm, &Device::Cpu).unwrap(), path);
    }
}

/// The gradient of a regularizer.
pub(crate) fn slope(regularizer: &impl Regularizer, data: &[Datum], x: &Tensor) -> Vec<f64> {
    numbers(&gradient(|x| Ok(execute(regularizer, data, x)?.value), x).unwrap())
}

/// The figure under a path.
pub(crate) fn figure(path: &str) -> f64 {
    at(path).as_f64().unwrap()
}

/// All numbers of a tensor.
pub(crate) fn numbers(tensor: &Tensor) -> Vec<f64> {
    let wide = tensor.to_dtype(DType::F64).unwrap();
    wide.flatten_all().unwrap().to_vec1().unwrap()
}

/// A datum whose only input is a tensor of floats.
pub(crate) fn datum_with(name: &str, tensor: &Tensor) -> Datum {
    let shape: Vec<i64> = tensor.dims().iter().map(|side| *side as i64).collect();
    let values: Vec<f32> = numbers(tensor)
        .into_iter()
        .map(|number| number as f32)
        .collect();
    let input = TensorData::from(values).with_shape(shape).unwrap();
    Datum::new(ModelInput::from_ints([1])).with_input(name, input)
}

fn at(path: &str) -> &'static Value {
    static FIGURES: OnceLock<Value> = OnceLock::new();
    let figures = FIGURES.get_or_init(|| {
        let text = include_str!("../fixtures/regularizers.json");
        serde_json::from_str(text).unwrap()
    });
    let (group, name) = path.split_once('.').unwrap();
    let value = &figures[group][name];
    assert!(!value.is_null(), "no figure {path}");
    value
}

fn flat(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(flat).collect(),
        number => vec![number.as_f64().unwrap()],
    }
}
