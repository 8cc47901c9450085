//! `credentials`: create, get, list, update, delete.

use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::credentials::{Credential, CredentialCreateParams, CredentialUpdate};

use super::{Collection, Gemini, ListQuery, requests};
use crate::Pager;

impl Gemini {
    /// Gives the service a secret to keep. It never comes out again.
    ///
    /// Route: POST credentials
    ///
    /// # Errors
    ///
    /// Fails as the transport does.
    pub async fn create_credential(
        &self,
        params: &CredentialCreateParams,
        options: &CallOptions,
    ) -> Result<Response<Credential>, Error> {
        let request = requests::create_resource(self.endpoint(), Collection::Credentials, params)?;
        self.transport().send_json(request, options).await
    }

    /// Describes a secret, without what is secret of it.
    ///
    /// Route: GET credentials/{id}
    ///
    /// # Errors
    ///
    /// Fails before sending on a bad name; otherwise as the transport does.
    pub async fn get_credential(
        &self,
        id: &str,
        options: &CallOptions,
    ) -> Result<Response<Credential>, Error> {
        let request = requests::get_resource(self.endpoint(), Collection::Credentials, id)?;
        self.transport().send_json(request, options).await
    }

    /// Lists secrets, without what is secret of them. Nothing is sent before the pager is read.
    ///
    /// Route: GET credentials
    pub fn list_credentials(&self, list: ListQuery, options: CallOptions) -> Pager<Credential> {
        let endpoint = self.shared_endpoint();
        self.pages_of(&["credentials"], list, options, move |list| {
            requests::list_resources(&endpoint, Collection::Credentials, list)
        })
    }

    /// Changes a secret; without a mask, whatever the record sets.
    ///
    /// Route: PATCH credentials/{id}
    ///
    /// # Errors
    ///
    /// Fails before sending on a bad name; otherwise as the transport does.
    pub async fn update_credential(
        &self,
        id: &str,
        update: &CredentialUpdate,
        update_mask: Option<&str>,
        options: &CallOptions,
    ) -> Result<Response<Credential>, Error> {
        let request = requests::update_resource(
            self.endpoint(),
            Collection::Credentials,
            id,
            update,
            update_mask,
        )?;
        self.transport().send_json(request, options).await
    }

    /// Deletes a secret.
    ///
    /// Route: DELETE credentials/{id}
    ///
    /// # Errors
    ///
    /// Fails before sending on a bad name; otherwise as the transport does.
    pub async fn delete_credential(
        &self,
        id: &str,
        options: &CallOptions,
    ) -> Result<Response<()>, Error> {
        let request = requests::delete_resource(self.endpoint(), Collection::Credentials, id)?;
        Ok(self.transport().send(request, options).await?.map(|_| ()))
    }
}
