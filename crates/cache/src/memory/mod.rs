//! The cache in the memory of this process.

mod cache;
mod expiry;
mod scopes;
mod shard;

pub use cache::{MemoryCache, MemoryCacheBuilder};

#[cfg(test)]
mod tests;
