//! Interactions: turns with a model or an agent that the service remembers.

mod continuation;
mod create;
mod events;
mod group;
mod interrupted;

pub use create::CreateInteraction;
pub use events::InteractionEvents;
pub use group::{CancelInteraction, DeleteInteraction, GetInteraction, Interactions};
pub use interrupted::ContinuationInterrupted;
