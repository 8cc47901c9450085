//! What a caller gave and the API cannot take. It names the field; it never repeats the value.

/// A value that cannot be sent: which field, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid `{field}`: {reason}")]
pub struct InvalidInput {
    field: String,
    reason: String,
}

impl InvalidInput {
    /// Names the field and says what it must be.
    pub fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            reason: reason.into(),
        }
    }

    /// The field, such as `data[3].loss_fn_inputs.weights`.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// What is wrong with it.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The same below another field.
    #[must_use]
    pub fn within(self, outer: &str) -> Self {
        let separator = if self.field.starts_with('[') { "" } else { "." };
        Self {
            field: format!("{outer}{separator}{}", self.field),
            reason: self.reason,
        }
    }
}

/// Refuses a number that JSON and protobuf readers cannot be trusted with.
pub(crate) fn finite(field: &str, value: f64) -> Result<(), InvalidInput> {
    if value.is_finite() {
        Ok(())
    } else {
        Err(InvalidInput::new(field, "must be a finite number"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_is_named_from_the_outside_in() {
        let error = finite("weights", f64::NAN).unwrap_err();
        let error = error.within("loss_fn_inputs").within("[3]").within("data");
        assert_eq!(
            error.to_string(),
            "invalid `data[3].loss_fn_inputs.weights`: must be a finite number"
        );
        assert_eq!(error.field(), "data[3].loss_fn_inputs.weights");
        assert_eq!(error.reason(), "must be a finite number");
        assert!(finite("x", 0.0).is_ok());
    }
}
