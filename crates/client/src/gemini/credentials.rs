//! Calls on credentials: secrets that the service keeps for agents.

use gimmal_api::gemini::Gemini;
use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::credentials::{Credential, CredentialCreateParams, CredentialUpdate};

/// The group of calls on credentials.
///
/// A secret goes in and never comes out: a description says of which kind it is, and no more.
#[derive(Clone, Debug)]
pub struct Credentials {
    api: Gemini,
}

impl Credentials {
    pub(super) fn new(api: Gemini) -> Self {
        Self { api }
    }

    /// Gives the service a secret to keep.
    ///
    /// ```no_run
    /// # async fn run(client: gimmal_client::gemini::GeminiClient, token: String) -> Result<(), gimmal_client::Error> {
    /// use gimmal_types::gemini::credentials::HttpBearerConfig;
    ///
    /// let secret = HttpBearerConfig::new().set_id("forge").set_token(token);
    /// client.credentials().create(secret).send().await?;
    /// # Ok(()) }
    /// ```
    pub fn create(&self, params: impl Into<CredentialCreateParams>) -> CreateCredential {
        CreateCredential {
            api: self.api.clone(),
            params: params.into(),
            options: CallOptions::default(),
        }
    }

    /// Describes a secret.
    pub fn get(&self, id: impl Into<String>) -> GetCredential {
        GetCredential::new(&self.api, id)
    }

    /// Lists secrets.
    pub fn list(&self) -> ListCredentialsCall {
        ListCredentialsCall::new(&self.api)
    }

    /// Changes a secret.
    pub fn update(
        &self,
        id: impl Into<String>,
        update: impl Into<CredentialUpdate>,
    ) -> UpdateCredential {
        UpdateCredential {
            api: self.api.clone(),
            id: id.into(),
            update: update.into(),
            mask: None,
            options: CallOptions::default(),
        }
    }

    /// Deletes a secret.
    pub fn delete(&self, id: impl Into<String>) -> DeleteCredential {
        DeleteCredential::new(&self.api, id)
    }
}

/// A `credentials.create` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct CreateCredential {
    api: Gemini,
    params: CredentialCreateParams,
    options: CallOptions,
}

impl CreateCredential {
    /// Options of this call.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Sends.
    ///
    /// # Errors
    ///
    /// As [`Gemini::create_credential`].
    pub async fn send(self) -> Result<Response<Credential>, Error> {
        self.api
            .create_credential(&self.params, &self.options)
            .await
    }
}

/// A `credentials.update` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct UpdateCredential {
    api: Gemini,
    id: String,
    update: CredentialUpdate,
    mask: Option<String>,
    options: CallOptions,
}

impl UpdateCredential {
    /// The fields to change, joined by commas; those that are set when there is no mask.
    pub fn set_update_mask(mut self, mask: impl Into<String>) -> Self {
        self.mask = Some(mask.into());
        self
    }

    /// Options of this call.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Sends.
    ///
    /// # Errors
    ///
    /// As [`Gemini::update_credential`].
    pub async fn send(self) -> Result<Response<Credential>, Error> {
        let mask = self.mask.as_deref();
        self.api
            .update_credential(&self.id, &self.update, mask, &self.options)
            .await
    }
}

named_calls! {
    /// A `credentials.get` call in the making.
    pub struct GetCredential(get_credential) -> Credential;

    /// A `credentials.delete` call in the making.
    pub struct DeleteCredential(delete_credential) -> ();
}

list_calls! {
    /// A `credentials.list` call in the making.
    pub struct ListCredentialsCall(list_credentials) -> Credential;
}
