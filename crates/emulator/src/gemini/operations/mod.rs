//! Operations: work that outlives the call that began it, its progress on the emulator's clock, and
//! the calls on it.

mod calls;
mod settings;
mod store;
mod work;

pub(crate) use settings::OperationSettings;
pub(crate) use store::Operations;
pub(crate) use work::Work;
