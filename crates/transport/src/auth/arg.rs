//! The argument form of credentials: a value or a shared one.

use std::sync::Arc;

use crate::auth::Credentials;

/// Anything that can stand for credentials: a value of a type that implements [`Credentials`], or
/// an `Arc` of one.
#[derive(Clone, Debug)]
pub struct CredentialsArg(Arc<dyn Credentials>);

impl CredentialsArg {
    pub(crate) fn into_inner(self) -> Arc<dyn Credentials> {
        self.0
    }
}

impl<C: Credentials> From<C> for CredentialsArg {
    fn from(credentials: C) -> Self {
        Self(Arc::new(credentials))
    }
}

impl From<Arc<dyn Credentials>> for CredentialsArg {
    fn from(credentials: Arc<dyn Credentials>) -> Self {
        Self(credentials)
    }
}
