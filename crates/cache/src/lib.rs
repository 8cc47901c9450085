#![doc = include_str!("../README.md")]

mod key;
mod ttl;

pub use key::{CacheKey, KeyRequest, KeySecret};
pub use ttl::{InvalidTtl, Lifetime, Ttl, TtlTable};
