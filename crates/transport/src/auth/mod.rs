//! Credentials: who the caller is, as headers. The sources of tokens here may run a command or
//! call a token endpoint; the call that the headers are for is never sent from here.

mod arg;
mod command;
mod credentials;
mod exchange;
mod file;
mod fixed;
#[cfg(feature = "google-auth")]
mod google;
mod headers;
mod jwt;
mod secret;
mod source;
mod stored;
mod token;

pub use arg::CredentialsArg;
pub use command::CredentialCommand;
pub use credentials::Credentials;
pub use exchange::JwtExchange;
pub use file::CredentialsFile;
pub use fixed::{ApiKey, BearerToken, NoCredentials};
#[cfg(feature = "google-auth")]
pub use google::GoogleCredentials;
pub use headers::{AuthHeaders, AuthTag};
pub use jwt::{JwtClaims, JwtToken};
pub use secret::header_secret;
pub use source::{AccessToken, FixedToken, TokenSource, TokenSourceArg};
pub use stored::{StoredCredentials, StoredKey};
pub use token::{RejectedOn, TokenConfig, TokenCredentials};
