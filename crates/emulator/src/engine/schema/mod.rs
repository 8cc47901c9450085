//! JSON that conforms to a schema, in either dialect the service takes (its own OpenAPI subset and
//! JSON Schema). Decides shapes; the values come from the material it is given.

mod budget;
mod distinct;
mod generate;
mod node;
mod number;
mod path;
mod shape;

pub(crate) use budget::Excess;
pub(crate) use generate::{Optional, generate, generate_text};
pub(crate) use shape::choices;

#[cfg(test)]
mod tests;
