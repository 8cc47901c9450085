//! One document of a store: what is known of it, its chunks, and its wire form.

use std::time::SystemTime;

use serde_json::{Value, json};

use crate::{
    content::Content,
    gemini::{caches::format_time, file_search::metadata::Metadata},
};

/// A document.
#[derive(Clone, Debug)]
pub(super) struct Document {
    /// The position in the list.
    pub(super) number: u64,
    /// The full name.
    pub(super) name: String,
    pub(super) display_name: String,
    pub(super) mime: String,
    pub(super) size: u64,
    pub(super) created: SystemTime,
    pub(super) updated: SystemTime,
    pub(super) metadata: Metadata,
    pub(super) state: State,
    /// What is found in it; nothing until it is active.
    pub(super) chunks: Vec<String>,
    /// Its bytes, when it is something to look at.
    pub(super) media: Option<Media>,
}

/// The bytes of a document that is something to look at.
#[derive(Clone, Debug)]
pub(super) struct Media {
    /// The full name.
    pub(super) name: String,
    pub(super) content: Content,
}

/// How a document stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Pending,
    Active,
    Failed,
}

impl Document {
    /// The wire form.
    pub(super) fn to_json(&self) -> Value {
        let mut document = json!({
            "name": self.name,
            "displayName": self.display_name,
            "mimeType": self.mime,
            "sizeBytes": self.size.to_string(),
            "createTime": format_time(self.created),
            "updateTime": format_time(self.updated),
            "state": match self.state {
                State::Pending => "STATE_PENDING",
                State::Active => "STATE_ACTIVE",
                State::Failed => "STATE_FAILED",
            },
        });
        if !self.metadata.is_empty() {
            document["customMetadata"] = self.metadata.to_json();
        }
        document
    }
}
