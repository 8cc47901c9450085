//! Calls on webhooks.

use gimmal_api::gemini::Gemini;
use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::webhooks::{
    RevocationBehavior, RotateSigningSecretRequest, Webhook, WebhookEvent, WebhookInput,
    WebhookRotateSigningSecretResponse, WebhookState, WebhookUpdate,
};

/// The group of calls on webhooks.
///
/// Messages to a webhook are signed; [`WebhookVerifier`](super::WebhookVerifier) checks them.
#[derive(Clone, Debug)]
pub struct Webhooks {
    api: Gemini,
}

impl Webhooks {
    pub(super) fn new(api: Gemini) -> Self {
        Self { api }
    }

    /// Registers an address that is told of events. Its signing secret comes with the reply, and
    /// never again.
    ///
    /// ```no_run
    /// # async fn run(client: gimmal_client::gemini::GeminiClient) -> Result<(), gimmal_client::Error> {
    /// use gimmal_types::gemini::webhooks::WebhookEvent;
    ///
    /// let call = client.webhooks().create("https://example.com/gemini", [WebhookEvent::BatchSucceeded]);
    /// let webhook = call.set_name("batches").send().await?.into_body();
    /// let secret = webhook.new_signing_secret.unwrap_or_default();
    /// # let _ = secret;
    /// # Ok(()) }
    /// ```
    pub fn create<E: Into<WebhookEvent>>(
        &self,
        uri: impl Into<String>,
        events: impl IntoIterator<Item = E>,
    ) -> CreateWebhook {
        CreateWebhook {
            api: self.api.clone(),
            webhook: WebhookInput::new()
                .set_uri(uri)
                .set_subscribed_events(events),
            options: CallOptions::default(),
        }
    }

    /// Describes a webhook.
    pub fn get(&self, id: impl Into<String>) -> GetWebhook {
        GetWebhook::new(&self.api, id)
    }

    /// Lists webhooks.
    pub fn list(&self) -> ListWebhooksCall {
        ListWebhooksCall::new(&self.api)
    }

    /// Changes a webhook.
    pub fn update(&self, id: impl Into<String>) -> UpdateWebhook {
        UpdateWebhook {
            api: self.api.clone(),
            id: id.into(),
            update: WebhookUpdate::new(),
            mask: None,
            options: CallOptions::default(),
        }
    }

    /// Deletes a webhook.
    pub fn delete(&self, id: impl Into<String>) -> DeleteWebhook {
        DeleteWebhook::new(&self.api, id)
    }

    /// Sends the address a message, to see whether it answers.
    pub fn ping(&self, id: impl Into<String>) -> PingWebhook {
        PingWebhook::new(&self.api, id)
    }

    /// Makes a new signing secret, which comes with the reply and never again.
    pub fn rotate_signing_secret(&self, id: impl Into<String>) -> RotateSigningSecret {
        RotateSigningSecret {
            api: self.api.clone(),
            id: id.into(),
            rotation: RotateSigningSecretRequest::new(),
            options: CallOptions::default(),
        }
    }
}

/// A `webhooks.create` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct CreateWebhook {
    api: Gemini,
    webhook: WebhookInput,
    options: CallOptions,
}

impl CreateWebhook {
    /// A name for people.
    pub fn set_name(mut self, name: impl Into<String>) -> Self {
        self.webhook = self.webhook.set_name(name);
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
    /// As [`Gemini::create_webhook`].
    pub async fn send(self) -> Result<Response<Webhook>, Error> {
        self.api.create_webhook(&self.webhook, &self.options).await
    }
}

/// A `webhooks.update` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct UpdateWebhook {
    api: Gemini,
    id: String,
    update: WebhookUpdate,
    mask: Option<String>,
    options: CallOptions,
}

impl UpdateWebhook {
    /// Replaces the whole change.
    pub fn set_update(mut self, update: WebhookUpdate) -> Self {
        self.update = update;
        self
    }

    /// A name for people.
    pub fn set_name(mut self, name: impl Into<String>) -> Self {
        self.update = self.update.set_name(name);
        self
    }

    /// The address.
    pub fn set_uri(mut self, uri: impl Into<String>) -> Self {
        self.update = self.update.set_uri(uri);
        self
    }

    /// What it is told.
    pub fn set_subscribed_events<E: Into<WebhookEvent>>(
        mut self,
        events: impl IntoIterator<Item = E>,
    ) -> Self {
        self.update = self.update.set_subscribed_events(events);
        self
    }

    /// Whether it is told.
    pub fn set_state(mut self, state: impl Into<WebhookState>) -> Self {
        self.update = self.update.set_state(state.into());
        self
    }

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
    /// As [`Gemini::update_webhook`].
    pub async fn send(self) -> Result<Response<Webhook>, Error> {
        let mask = self.mask.as_deref();
        self.api
            .update_webhook(&self.id, &self.update, mask, &self.options)
            .await
    }
}

/// A `webhooks.rotate_signing_secret` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct RotateSigningSecret {
    api: Gemini,
    id: String,
    rotation: RotateSigningSecretRequest,
    options: CallOptions,
}

impl RotateSigningSecret {
    /// What becomes of the old secrets; they are used for another day when this is not set.
    pub fn set_revocation_behavior(mut self, behavior: impl Into<RevocationBehavior>) -> Self {
        self.rotation = self.rotation.set_revocation_behavior(behavior.into());
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
    /// As [`Gemini::rotate_signing_secret`].
    pub async fn send(self) -> Result<Response<WebhookRotateSigningSecretResponse>, Error> {
        self.api
            .rotate_signing_secret(&self.id, &self.rotation, &self.options)
            .await
    }
}

named_calls! {
    /// A `webhooks.get` call in the making.
    pub struct GetWebhook(get_webhook) -> Webhook;

    /// A `webhooks.delete` call in the making.
    pub struct DeleteWebhook(delete_webhook) -> ();

    /// A `webhooks.ping` call in the making.
    pub struct PingWebhook(ping_webhook) -> ();
}

list_calls! {
    /// A `webhooks.list` call in the making.
    pub struct ListWebhooksCall(list_webhooks) -> Webhook;
}
