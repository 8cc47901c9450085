//! Ephemeral tokens: made with an API key, and good for opening a few sessions for a short while.

mod calls;
mod grant;
mod store;

pub(crate) use store::AuthTokens;
