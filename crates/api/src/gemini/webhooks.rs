//! `webhooks`: create, get, list, update, delete, ping, rotate_signing_secret.

use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::webhooks::{
    RotateSigningSecretRequest, Webhook, WebhookInput, WebhookRotateSigningSecretResponse,
    WebhookUpdate,
};

use super::{Collection, Gemini, ListQuery, requests};
use crate::Pager;

impl Gemini {
    /// Registers an address. Its signing secret comes with the reply, and never again.
    ///
    /// Route: POST webhooks
    ///
    /// # Errors
    ///
    /// Fails before sending unless an address is set; otherwise as the transport does.
    pub async fn create_webhook(
        &self,
        webhook: &WebhookInput,
        options: &CallOptions,
    ) -> Result<Response<Webhook>, Error> {
        requests::require("uri", webhook.uri.as_deref())?;
        let request = requests::create_resource(self.endpoint(), Collection::Webhooks, webhook)?;
        self.transport().send_json(request, options).await
    }

    /// Describes a webhook.
    ///
    /// Route: GET webhooks/{id}
    ///
    /// # Errors
    ///
    /// Fails before sending on a bad name; otherwise as the transport does.
    pub async fn get_webhook(
        &self,
        id: &str,
        options: &CallOptions,
    ) -> Result<Response<Webhook>, Error> {
        let request = requests::get_resource(self.endpoint(), Collection::Webhooks, id)?;
        self.transport().send_json(request, options).await
    }

    /// Lists webhooks. Nothing is sent before the pager is read.
    ///
    /// Route: GET webhooks
    pub fn list_webhooks(&self, list: ListQuery, options: CallOptions) -> Pager<Webhook> {
        let endpoint = self.shared_endpoint();
        self.pages_of(&["webhooks"], list, options, move |list| {
            requests::list_resources(&endpoint, Collection::Webhooks, list)
        })
    }

    /// Changes a webhook; without a mask, whatever the record sets.
    ///
    /// Route: PATCH webhooks/{id}
    ///
    /// # Errors
    ///
    /// Fails before sending on a bad name; otherwise as the transport does.
    pub async fn update_webhook(
        &self,
        id: &str,
        update: &WebhookUpdate,
        update_mask: Option<&str>,
        options: &CallOptions,
    ) -> Result<Response<Webhook>, Error> {
        let request = requests::update_resource(
            self.endpoint(),
            Collection::Webhooks,
            id,
            update,
            update_mask,
        )?;
        self.transport().send_json(request, options).await
    }

    /// Deletes a webhook.
    ///
    /// Route: DELETE webhooks/{id}
    ///
    /// # Errors
    ///
    /// Fails before sending on a bad name; otherwise as the transport does.
    pub async fn delete_webhook(
        &self,
        id: &str,
        options: &CallOptions,
    ) -> Result<Response<()>, Error> {
        let request = requests::delete_resource(self.endpoint(), Collection::Webhooks, id)?;
        Ok(self.transport().send(request, options).await?.map(|_| ()))
    }

    /// Sends the address a message, to see whether it answers.
    ///
    /// Route: POST webhooks/{id}:ping
    ///
    /// # Errors
    ///
    /// Fails before sending on a bad name; otherwise as the transport does.
    pub async fn ping_webhook(
        &self,
        id: &str,
        options: &CallOptions,
    ) -> Result<Response<()>, Error> {
        let request = requests::webhook_call(self.endpoint(), id, "ping")?;
        Ok(self.transport().send(request, options).await?.map(|_| ()))
    }

    /// Makes a new signing secret, which comes with the reply and never again.
    ///
    /// Route: POST webhooks/{id}:rotateSigningSecret
    ///
    /// # Errors
    ///
    /// Fails before sending on a bad name; otherwise as the transport does.
    pub async fn rotate_signing_secret(
        &self,
        id: &str,
        rotation: &RotateSigningSecretRequest,
        options: &CallOptions,
    ) -> Result<Response<WebhookRotateSigningSecretResponse>, Error> {
        let request = requests::webhook_call(self.endpoint(), id, "rotateSigningSecret")?
            .with_json_body(requests::json(rotation)?);
        self.transport().send_json(request, options).await
    }
}
