//! File search stores: collections of documents that a model searches in.

use crate::Timestamp;

wire! {
    /// A collection of documents that a model searches in; developer API only.
    #[derive(Debug)]
    pub struct FileSearchStore {
        /// Its name, such as `fileSearchStores/abc-123`.
        pub name: Option<String>,
        /// A name for people, at most 512 characters.
        pub display_name: Option<String>,
        /// When it was made.
        pub create_time: Option<Timestamp>,
        /// When it was changed last.
        pub update_time: Option<Timestamp>,
        /// Documents that can be searched.
        pub active_documents_count: Option<i64>,
        /// Documents that are being worked on.
        pub pending_documents_count: Option<i64>,
        /// Documents that could not be read.
        pub failed_documents_count: Option<i64>,
        /// Size of all that was put in.
        pub size_bytes: Option<i64>,
        /// The model whose embeddings the search compares.
        pub embedding_model: Option<String>,
    }

    /// How a store is made.
    #[derive(Debug)]
    pub struct CreateFileSearchStoreConfig {
        /// A name for people, at most 512 characters.
        pub display_name: Option<String>,
        /// The model whose embeddings the search compares; the service's choice when absent.
        pub embedding_model: Option<String>,
    }

    /// How a store is deleted.
    #[derive(Debug)]
    pub struct DeleteFileSearchStoreConfig {
        /// Delete its documents with it; otherwise a store that has some is refused.
        pub force: Option<bool>,
    }

    /// Which page of stores to list.
    #[derive(Debug)]
    pub struct ListFileSearchStoresConfig {
        /// Most stores in a page; the service decides when absent.
        pub page_size: Option<i32>,
        /// Where to start, from an earlier page.
        pub page_token: Option<String>,
    }

    /// A page of stores.
    #[derive(Debug)]
    pub struct ListFileSearchStoresResponse {
        /// Asks for the next page; absent or empty on the last.
        pub next_page_token: Option<String>,
        /// The stores.
        pub file_search_stores: Vec<FileSearchStore>,
    }

    /// How a file becomes a document.
    #[derive(Debug)]
    pub struct ImportFileConfig {
        /// Facts to filter a search by.
        pub custom_metadata: Vec<CustomMetadata>,
        /// How its text is cut into pieces.
        pub chunking_config: Option<Box<ChunkingConfig>>,
    }

    /// How content becomes a document.
    #[derive(Debug)]
    pub struct UploadToFileSearchStoreConfig {
        /// Its media type; guessed from the ending of the file's name when absent.
        pub mime_type: Option<String>,
        /// A name of the document for people.
        pub display_name: Option<String>,
        /// Facts to filter a search by.
        pub custom_metadata: Vec<CustomMetadata>,
        /// How its text is cut into pieces.
        pub chunking_config: Option<Box<ChunkingConfig>>,
    }

    /// What opening an upload to a store answers: nothing but headers.
    #[derive(Debug)]
    pub struct UploadToFileSearchStoreResumableResponse {}

    /// A fact about a document, under a key; exactly one of the values is set.
    #[derive(Debug)]
    pub struct CustomMetadata {
        /// What the fact is about.
        pub key: Option<String>,
        /// A number.
        pub numeric_value: Option<f64>,
        /// Several texts.
        pub string_list_value: Option<Box<StringList>>,
        /// A text.
        pub string_value: Option<String>,
    }

    /// Several texts.
    #[derive(Debug)]
    pub struct StringList {
        /// The texts.
        pub values: Vec<String>,
    }

    /// How text is cut into pieces.
    #[derive(Debug)]
    pub struct ChunkingConfig {
        /// At white space.
        pub white_space_config: Option<Box<WhiteSpaceConfig>>,
    }

    /// How text is cut at white space.
    #[derive(Debug)]
    pub struct WhiteSpaceConfig {
        /// Most tokens of a piece.
        pub max_tokens_per_chunk: Option<i32>,
        /// Most tokens that a piece repeats of the one before.
        pub max_overlap_tokens: Option<i32>,
    }
}

impl CustomMetadata {
    /// A fact that is a text.
    pub fn text(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self::new().set_key(key).set_string_value(value)
    }

    /// A fact that is a number.
    pub fn number(key: impl Into<String>, value: f64) -> Self {
        Self::new().set_key(key).set_numeric_value(value)
    }

    /// A fact that is several texts.
    pub fn texts<T: Into<String>>(
        key: impl Into<String>,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        Self::new()
            .set_key(key)
            .set_string_list_value(StringList::new().set_values(values))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn facts_have_one_value_each() {
        let facts = [
            CustomMetadata::text("author", "Ada"),
            CustomMetadata::number("year", 1843.0),
            CustomMetadata::texts("topics", ["engines", "notes"]),
        ];
        assert_eq!(
            serde_json::to_value(UploadToFileSearchStoreConfig::new().set_custom_metadata(facts))
                .unwrap(),
            json!({"customMetadata": [
                {"key": "author", "stringValue": "Ada"},
                {"key": "year", "numericValue": 1843.0},
                {"key": "topics", "stringListValue": {"values": ["engines", "notes"]}},
            ]})
        );
    }
}
