//! Values of a program's own made into members of a request: which names they have there, how some are
//! written, and what is left out. It knows no field of any service.

mod given;
mod rules;
mod walk;

pub use given::Given;
pub use rules::Transform;

#[cfg(test)]
mod tests;
