//! Inputs of a loss from plain lists, whose type follows from their name.

use serde_json::Value;

use super::{InvalidInput, TensorData, TensorDtype, TensorValues};

impl TensorData {
    /// The tensor of a list of numbers, nested or not, that is an input of a loss.
    ///
    /// `target_tokens` are integers; `weights`, `advantages`, `logprobs`, `clip_low_threshold`,
    /// `clip_high_threshold` and `sequence_ratio_mask` are floats.
    ///
    /// ```
    /// use gimmal_types::tinker::TensorData;
    /// use serde_json::json;
    ///
    /// let targets = TensorData::of_loss_input("target_tokens", &json!([[1, 2], [3, 4]]))?;
    /// assert_eq!(targets.shape(), Some(&[2, 2][..]));
    /// # Ok::<(), gimmal_types::tinker::InvalidInput>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Fails for another name, for lists that are not rectangular, and for anything but numbers.
    pub fn of_loss_input(name: &str, list: &Value) -> Result<Self, InvalidInput> {
        let dtype = match name {
            "target_tokens" => TensorDtype::Int64,
            "weights"
            | "advantages"
            | "logprobs"
            | "clip_low_threshold"
            | "clip_high_threshold"
            | "sequence_ratio_mask" => TensorDtype::Float32,
            _ => {
                let reason = "is no input whose type is known; give a tensor instead of a list";
                return Err(InvalidInput::new(name, reason));
            }
        };
        let mut shape = Vec::new();
        let mut level = list;
        while let Value::Array(items) = level {
            shape.push(items.len());
            match items.first() {
                Some(first) => level = first,
                None => break,
            }
        }
        let mut numbers = Vec::new();
        flatten(list, &shape, &mut numbers)
            .ok_or_else(|| InvalidInput::new(name, "must be a rectangular list of numbers"))?;
        let data: TensorValues = match dtype {
            TensorDtype::Int64 => numbers
                .iter()
                .map(|number| integer(number))
                .collect::<Vec<_>>()
                .into(),
            _ => numbers
                .iter()
                .map(|number| float(number))
                .collect::<Vec<_>>()
                .into(),
        };
        let shape: Vec<i64> = shape
            .into_iter()
            .filter_map(|size| i64::try_from(size).ok())
            .collect();
        Self::from_parts(data, Some(shape), None).map_err(|error| error.within(name))
    }
}

/// Appends the numbers of a list of this shape; `None` when it has another.
fn flatten<'a>(
    list: &'a Value,
    shape: &[usize],
    numbers: &mut Vec<&'a serde_json::Number>,
) -> Option<()> {
    match (list, shape) {
        (Value::Number(number), []) => {
            numbers.push(number);
            Some(())
        }
        (Value::Array(items), [size, inner @ ..]) if items.len() == *size => items
            .iter()
            .try_for_each(|item| flatten(item, inner, numbers)),
        _ => None,
    }
}

fn integer(number: &serde_json::Number) -> i64 {
    let float = || number.as_f64().unwrap_or_default();
    number.as_i64().unwrap_or_else(|| float() as i64)
}

fn float(number: &serde_json::Number) -> f32 {
    number.as_f64().unwrap_or_default() as f32
}
