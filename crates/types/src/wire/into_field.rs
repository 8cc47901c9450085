//! What a `set_*` builder accepts.

use std::collections::BTreeMap;

use indexmap::IndexMap;

/// Conversion of a builder argument into a field: values, not options.
pub trait IntoField<F> {
    /// Makes the field from the argument.
    fn into_field(self) -> F;
}

impl<T, U: Into<T>> IntoField<Option<T>> for U {
    fn into_field(self) -> Option<T> {
        Some(self.into())
    }
}

impl<T, U: Into<T>, I: IntoIterator<Item = U>> IntoField<Vec<T>> for I {
    fn into_field(self) -> Vec<T> {
        self.into_iter().map(Into::into).collect()
    }
}

impl<T, K: Into<String>, U: Into<T>, I: IntoIterator<Item = (K, U)>> IntoField<BTreeMap<String, T>>
    for I
{
    fn into_field(self) -> BTreeMap<String, T> {
        self.into_iter()
            .map(|(key, value)| (key.into(), value.into()))
            .collect()
    }
}

impl<T, K: Into<String>, U: Into<T>, I: IntoIterator<Item = (K, U)>> IntoField<IndexMap<String, T>>
    for I
{
    fn into_field(self) -> IndexMap<String, T> {
        self.into_iter()
            .map(|(key, value)| (key.into(), value.into()))
            .collect()
    }
}
