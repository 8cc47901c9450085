//! `voices`: create, get, list, delete.

use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::voices::{CreateVoiceRequest, Voice};

use super::{Collection, Gemini, ListQuery, requests};
use crate::Pager;

impl Gemini {
    /// Makes a voice from words or from recordings.
    ///
    /// Route: POST voices
    ///
    /// # Errors
    ///
    /// Fails as the transport does.
    pub async fn create_voice(
        &self,
        request: &CreateVoiceRequest,
        options: &CallOptions,
    ) -> Result<Response<Voice>, Error> {
        let request = requests::create_resource(self.endpoint(), Collection::Voices, request)?;
        self.transport().send_json(request, options).await
    }

    /// Describes a voice that is kept.
    ///
    /// Route: GET voices/{id}
    ///
    /// # Errors
    ///
    /// Fails before sending on a bad name; otherwise as the transport does.
    pub async fn get_voice(
        &self,
        id: &str,
        options: &CallOptions,
    ) -> Result<Response<Voice>, Error> {
        let request = requests::get_resource(self.endpoint(), Collection::Voices, id)?;
        self.transport().send_json(request, options).await
    }

    /// Lists voices, those of the catalogue included. Nothing is sent before the pager is read.
    ///
    /// Route: GET voices
    pub fn list_voices(&self, list: ListQuery, options: CallOptions) -> Pager<Voice> {
        let endpoint = self.shared_endpoint();
        self.pages_of(&["voices"], list, options, move |list| {
            requests::list_resources(&endpoint, Collection::Voices, list)
        })
    }

    /// Deletes a voice that is kept.
    ///
    /// Route: DELETE voices/{id}
    ///
    /// # Errors
    ///
    /// Fails before sending on a bad name; otherwise as the transport does.
    pub async fn delete_voice(
        &self,
        id: &str,
        options: &CallOptions,
    ) -> Result<Response<()>, Error> {
        let request = requests::delete_resource(self.endpoint(), Collection::Voices, id)?;
        Ok(self.transport().send(request, options).await?.map(|_| ()))
    }
}
