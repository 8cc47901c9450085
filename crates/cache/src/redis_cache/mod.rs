//! The cache in Redis or Valkey, shared by processes.

mod breaker;
mod cache;
mod channel;
mod config;
mod epochs;
mod invalidate;
mod link;
mod message;
mod pending;
mod survey;

pub use cache::RedisCache;
pub use config::{RedisCacheBuilder, RedisConfigError};
pub use survey::ServerCounters;
