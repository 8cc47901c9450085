//! Generation: one reply, whatever number of requests it takes.

mod automatic;
mod call;
mod hops;
mod stored;
mod stream;
#[cfg(feature = "schemars")]
mod typed;

pub(super) use automatic::Generation;
pub use call::GenerateContent;
pub(super) use hops::Call;
pub(super) use stream::Chunks;
pub use stream::GenerateStream;
