//! Credentials that are a token with an end: kept while it is good, replaced before it runs out,
//! and fetched by one for all. Where tokens come from is the source's affair.

mod config;
mod credentials;
mod shared;
#[cfg(test)]
mod tests;

pub use config::{RejectedOn, TokenConfig};
pub use credentials::TokenCredentials;
