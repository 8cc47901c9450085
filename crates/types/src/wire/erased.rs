//! Wire values without their types, for code that is driven by tables of field names.

use serde::Serialize as _;

use super::{Encoded, WireValue};

/// A present value whose type does not matter: its members by name, its elements, its JSON.
pub trait Erased {
    /// The member under this name, in Rust's or JSON's spelling; `None` when it is absent.
    fn member(&self, name: &str) -> Option<&dyn Erased>;

    /// The elements of a list; `None` for anything else.
    fn elements(&self) -> Option<Vec<&dyn Erased>>;

    /// Appends the value as JSON.
    ///
    /// # Errors
    ///
    /// Fails only for values that JSON cannot hold, such as a map without text keys.
    fn write_json(&self, out: &mut Vec<u8>) -> Result<(), serde_json::Error>;
}

impl<T: WireValue> Erased for T {
    fn member(&self, name: &str) -> Option<&dyn Erased> {
        self.find_member(name)
    }

    fn elements(&self) -> Option<Vec<&dyn Erased>> {
        self.list_elements()
    }

    fn write_json(&self, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        Encoded(self).serialize(&mut serde_json::Serializer::new(out))
    }
}
