//! Interactions: what was said turned into a request to the model, its answer into steps, the steps
//! into events; where interactions are kept, and the calls on them.

mod answer;
mod calls;
mod events;
pub(super) mod prompt;
mod record;

pub(crate) use calls::{Interactions, answered};
