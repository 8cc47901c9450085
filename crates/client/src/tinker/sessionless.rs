//! The connection of the clients that need no session. It makes calls and knows none of them.

use std::future::Future;
use std::sync::Arc;

use gimmal_api::tinker::Tinker;
use gimmal_transport::{CallOptions, Error, Response};
use tokio::sync::OnceCell;

use super::Reporter;
use super::calls::Calls;
use super::holder::Holder;
use super::settings::Settings;

/// A connection without a session, made when it is first needed.
#[derive(Debug)]
pub(super) struct Sessionless {
    pub(super) settings: Settings,
    holder: OnceCell<Arc<Holder>>,
}

impl Sessionless {
    pub(super) fn new(settings: Settings) -> Arc<Self> {
        let holder = OnceCell::new();
        Arc::new(Self { settings, holder })
    }

    pub(super) async fn reporter(&self) -> Result<Option<Arc<Reporter>>, Error> {
        Ok(self.holder().await?.reporter.clone())
    }

    pub(super) async fn holder(&self) -> Result<&Arc<Holder>, Error> {
        let open = || Holder::open(self.settings.clone(), false);
        self.holder.get_or_try_init(open).await
    }

    /// Makes a call on behalf of a public method, and waits while the account is in debt.
    pub(super) async fn call<'a, T, F>(
        &'a self,
        method: &'static str,
        mut call: impl FnMut(&'a Tinker, CallOptions) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<Response<T>, Error>>,
    {
        let holder = self.holder().await?;
        let api = &holder.calls.0;
        let made = || call(api, Calls::of(method));
        let reply = holder.calls.paid(&holder.billing, made).await;
        let reply = reply.inspect_err(|error| holder.report(error))?;
        Ok(reply.into_body())
    }
}
