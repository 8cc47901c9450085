//! Calls on work that outlives a call, by its name.

use std::fmt;
use std::marker::PhantomData;

use gimmal_api::gemini::Gemini;
use gimmal_api::{Poll, Poller};
use gimmal_transport::{CallOptions, Error, Response};

/// The group of calls on work that outlives a call.
///
/// What kind of work a name stands for is a type parameter, because the kind decides how the
/// service is asked:
///
/// ```no_run
/// # async fn run(client: gimmal_client::gemini::GeminiClient) -> Result<(), gimmal_client::Error> {
/// use gimmal_types::gemini::ImportFileOperation;
///
/// let name = "fileSearchStores/s/operations/o";
/// let imported = client.operations().poller::<ImportFileOperation>(name).await?;
/// println!("{:?}", imported.document_name);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Operations {
    api: Gemini,
}

impl Operations {
    pub(super) fn new(api: Gemini) -> Self {
        Self { api }
    }

    /// Asks once how the work stands.
    pub fn get<P: Poll>(&self, name: impl Into<String>) -> GetOperation<P> {
        GetOperation {
            api: self.api.clone(),
            name: name.into(),
            options: CallOptions::default(),
            kind: PhantomData,
        }
    }

    /// Asks the service to stop the work.
    pub fn cancel<P: Poll>(&self, name: impl Into<String>) -> CancelOperation<P> {
        CancelOperation {
            api: self.api.clone(),
            name: name.into(),
            options: CallOptions::default(),
            kind: PhantomData,
        }
    }

    /// Waits for the work, which may have been begun by another process.
    pub fn poller<P: Poll>(&self, name: impl Into<String>) -> Poller<P> {
        self.api.poller(name)
    }
}

/// A call that asks once, in the making.
#[must_use = "nothing is sent before `send`"]
pub struct GetOperation<P> {
    api: Gemini,
    name: String,
    options: CallOptions,
    kind: PhantomData<fn() -> P>,
}

impl<P: Poll> GetOperation<P> {
    /// Options of this call.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Sends.
    ///
    /// # Errors
    ///
    /// As [`Gemini::get_operation`].
    pub async fn send(self) -> Result<Response<P>, Error> {
        self.api.get_operation(&self.name, &self.options).await
    }
}

/// A call that stops work, in the making.
#[must_use = "nothing is sent before `send`"]
pub struct CancelOperation<P> {
    api: Gemini,
    name: String,
    options: CallOptions,
    kind: PhantomData<fn() -> P>,
}

impl<P: Poll> CancelOperation<P> {
    /// Options of this call.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Sends.
    ///
    /// # Errors
    ///
    /// As [`Gemini::cancel_operation`].
    pub async fn send(self) -> Result<Response<()>, Error> {
        self.api
            .cancel_operation::<P>(&self.name, &self.options)
            .await
    }
}

macro_rules! plain_call {
    ($($name:ident),*) => { $(
        impl<P> Clone for $name<P> {
            fn clone(&self) -> Self {
                Self {
                    api: self.api.clone(),
                    name: self.name.clone(),
                    options: self.options.clone(),
                    kind: PhantomData,
                }
            }
        }

        impl<P> fmt::Debug for $name<P> {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter
                    .debug_struct(stringify!($name))
                    .field("name", &self.name)
                    .field("options", &self.options)
                    .finish_non_exhaustive()
            }
        }
    )* };
}

plain_call!(GetOperation, CancelOperation);
