//! Documents: what a file search store holds.

use super::CustomMetadata;
use crate::Timestamp;

wire! {
    /// A document of a file search store; its content is never returned.
    #[derive(Debug)]
    pub struct Document {
        /// Its name, such as `fileSearchStores/s/documents/d`.
        pub name: Option<String>,
        /// A name for people, at most 512 characters.
        pub display_name: Option<String>,
        /// Whether it can be searched.
        pub state: Option<DocumentState>,
        /// Size of what was put in.
        pub size_bytes: Option<i64>,
        /// Media type of what was put in.
        pub mime_type: Option<String>,
        /// When it was made.
        pub create_time: Option<Timestamp>,
        /// Facts to filter a search by.
        pub custom_metadata: Vec<CustomMetadata>,
        /// When it was changed last.
        pub update_time: Option<Timestamp>,
    }

    /// How a document is deleted.
    #[derive(Debug)]
    pub struct DeleteDocumentConfig {
        /// Delete its pieces with it; otherwise a document that has some is refused.
        pub force: Option<bool>,
    }

    /// Which page of documents to list.
    #[derive(Debug)]
    pub struct ListDocumentsConfig {
        /// Most documents in a page; the service decides when absent.
        pub page_size: Option<i32>,
        /// Where to start, from an earlier page.
        pub page_token: Option<String>,
    }

    /// A page of documents.
    #[derive(Debug)]
    pub struct ListDocumentsResponse {
        /// Asks for the next page; absent or empty on the last.
        pub next_page_token: Option<String>,
        /// The documents.
        pub documents: Vec<Document>,
    }
}

open_enum! {
    /// Whether a document can be searched.
    pub enum DocumentState {
        /// Not said.
        Unspecified = "STATE_UNSPECIFIED",
        /// Not yet.
        Pending = "STATE_PENDING",
        /// Yes.
        Active = "STATE_ACTIVE",
        /// Never: it could not be read.
        Failed = "STATE_FAILED",
    }
}
