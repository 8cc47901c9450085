//! The call that makes ephemeral tokens.

use gimmal_api::gemini::Gemini;
use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::Timestamp;
use gimmal_types::gemini::{AuthToken, CreateAuthTokenConfig, LiveConnectConstraints};

/// The group of calls on ephemeral tokens; developer API only, in version `v1alpha`.
#[derive(Clone, Debug)]
pub struct AuthTokens {
    api: Gemini,
}

impl AuthTokens {
    pub(super) fn new(api: Gemini) -> Self {
        Self { api }
    }

    /// Creates a token, to give to a program that opens Live sessions and must not have the key.
    ///
    /// ```no_run
    /// # async fn run() -> Result<(), gimmal_client::Error> {
    /// use gimmal_client::gemini::GeminiClient;
    /// use gimmal_types::gemini::LiveConnectConstraints;
    ///
    /// let client = GeminiClient::builder().from_env().with_api_version("v1alpha").build()?;
    /// let model = LiveConnectConstraints::new().set_model("gemini-live-2.5-flash-preview");
    /// let call = client.auth_tokens().create().set_uses(1).set_live_connect_constraints(model);
    /// let token = call.send().await?.into_body();
    /// # let _ = token;
    /// # Ok(()) }
    /// ```
    pub fn create(&self) -> CreateAuthToken {
        CreateAuthToken {
            api: self.api.clone(),
            config: CreateAuthTokenConfig::new(),
            options: CallOptions::default(),
        }
    }
}

/// An `auth_tokens.create` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct CreateAuthToken {
    api: Gemini,
    config: CreateAuthTokenConfig,
    options: CallOptions,
}

impl CreateAuthToken {
    /// Replaces the whole configuration.
    pub fn set_config(mut self, config: CreateAuthTokenConfig) -> Self {
        self.config = config;
        self
    }

    /// Until when sessions that it opened may go on.
    pub fn set_expire_time(mut self, time: Timestamp) -> Self {
        self.config = self.config.set_expire_time(time);
        self
    }

    /// Until when it opens sessions.
    pub fn set_new_session_expire_time(mut self, time: Timestamp) -> Self {
        self.config = self.config.set_new_session_expire_time(time);
        self
    }

    /// How many sessions it opens; 0 means any number.
    pub fn set_uses(mut self, uses: i32) -> Self {
        self.config = self.config.set_uses(uses);
        self
    }

    /// The model and the behaviour that its sessions have.
    pub fn set_live_connect_constraints(mut self, constraints: LiveConnectConstraints) -> Self {
        self.config = self.config.set_live_connect_constraints(constraints);
        self
    }

    /// Leaves its user the choice of everything but what the constraints set, and these fields.
    pub fn set_lock_additional_fields<F: Into<String>>(
        mut self,
        fields: impl IntoIterator<Item = F>,
    ) -> Self {
        let fields: Vec<String> = fields.into_iter().map(Into::into).collect();
        self.config = self.config.set_lock_additional_fields(fields);
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
    /// As [`Gemini::create_auth_token`].
    pub async fn send(self) -> Result<Response<AuthToken>, Error> {
        self.api
            .create_auth_token(&self.config, &self.options)
            .await
    }
}
