//! Calls that change models: those of one's own, made by tuning.

use gimmal_api::gemini::Gemini;
use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::{Model, UpdateModelConfig};

use super::Models;

impl Models {
    /// Changes what a tuned model says of itself, or which of its checkpoints answers.
    pub fn update(&self, name: impl Into<String>) -> UpdateModel {
        UpdateModel {
            api: self.api.clone(),
            name: name.into(),
            changes: UpdateModelConfig::new(),
            options: CallOptions::default(),
        }
    }

    /// Deletes a tuned model for good.
    pub fn delete(&self, name: impl Into<String>) -> DeleteModel {
        DeleteModel::new(&self.api, name)
    }
}

/// A `models.patch` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct UpdateModel {
    api: Gemini,
    name: String,
    changes: UpdateModelConfig,
    options: CallOptions,
}

impl UpdateModel {
    /// Replaces all changes.
    pub fn set_config(mut self, changes: UpdateModelConfig) -> Self {
        self.changes = changes;
        self
    }

    /// A name for people.
    pub fn set_display_name(mut self, name: impl Into<String>) -> Self {
        self.changes = self.changes.set_display_name(name);
        self
    }

    /// What it is good at.
    pub fn set_description(mut self, description: impl Into<String>) -> Self {
        self.changes = self.changes.set_description(description);
        self
    }

    /// The checkpoint that answers.
    pub fn set_default_checkpoint_id(mut self, id: impl Into<String>) -> Self {
        self.changes = self.changes.set_default_checkpoint_id(id);
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
    /// As [`Gemini::update_model`].
    pub async fn send(self) -> Result<Response<Model>, Error> {
        self.api
            .update_model(&self.name, &self.changes, &self.options)
            .await
    }
}

named_calls! {
    /// A `models.delete` call in the making.
    pub struct DeleteModel(delete_model) -> ();
}
