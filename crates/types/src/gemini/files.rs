//! Files: what was uploaded or generated, kept by the service for a while.

use serde_json::{Map, Value};

use crate::Timestamp;

wire! {
    /// A file that the service keeps.
    #[derive(Debug)]
    pub struct File {
        /// Its name, such as `files/abc-123`.
        pub name: Option<String>,
        /// A name for people, at most 512 characters.
        pub display_name: Option<String>,
        /// Its media type.
        pub mime_type: Option<String>,
        /// Its size.
        pub size_bytes: Option<i64>,
        /// When it was made.
        pub create_time: Option<Timestamp>,
        /// When the service deletes it; absent when it does not.
        pub expiration_time: Option<Timestamp>,
        /// When it was changed last.
        pub update_time: Option<Timestamp>,
        /// The SHA-256 digest of the bytes, as the service writes it.
        pub sha256_hash: Option<String>,
        /// What prompts refer to it by.
        pub uri: Option<String>,
        /// Where its bytes are; absent for uploads, which cannot be read back.
        pub download_uri: Option<String>,
        /// Whether it can be used yet.
        pub state: Option<FileState>,
        /// Where it came from.
        pub source: Option<FileSource>,
        /// What is known of a film, such as its length.
        pub video_metadata: Option<Map<String, Value>>,
        /// Why it cannot be used.
        pub error: Option<Box<FileStatus>>,
    }

    /// Why a file cannot be used.
    #[derive(Debug)]
    pub struct FileStatus {
        /// Machine-readable details.
        pub details: Vec<Map<String, Value>>,
        /// Text for a person.
        pub message: Option<String>,
        /// The canonical code of `google.rpc.Code`.
        pub code: Option<i32>,
    }

    /// How a file is uploaded.
    #[derive(Debug)]
    pub struct UploadFileConfig {
        /// Its name, with or without `files/`; the service makes one up when absent.
        pub name: Option<String>,
        /// Its media type; guessed from the ending of the file's name when absent.
        pub mime_type: Option<String>,
        /// A name for people, at most 512 characters.
        pub display_name: Option<String>,
    }

    /// Which page of files to list.
    #[derive(Debug)]
    pub struct ListFilesConfig {
        /// Most files in a page; the service decides when absent.
        pub page_size: Option<i32>,
        /// Where to start, from an earlier page.
        pub page_token: Option<String>,
    }

    /// What opening an upload answers: nothing but headers.
    #[derive(Debug)]
    pub struct CreateFileResponse {}

    /// What the end of an upload answers.
    #[derive(Debug)]
    pub struct UploadFileResponse {
        /// The file.
        pub file: Option<Box<File>>,
    }

    /// A page of files.
    #[derive(Debug)]
    pub struct ListFilesResponse {
        /// Asks for the next page; absent or empty on the last.
        pub next_page_token: Option<String>,
        /// The files.
        pub files: Vec<File>,
        /// Files of a publisher's own shape; Vertex only.
        pub data: Vec<ClaudeFile>,
        /// The page after this one, in that shape; Vertex only.
        pub next_page: Option<String>,
    }

    /// What deleting a file answers.
    #[derive(Debug)]
    pub struct DeleteFileResponse {
        /// The file that is gone, where the service says so.
        pub id: Option<String>,
        /// The kind of the answer.
        pub object_type: Option<String> = "type",
    }

    /// A file in the shape of the publisher Anthropic; Vertex only.
    #[derive(Debug)]
    pub struct ClaudeFile {
        /// When it was made.
        pub created_at: Option<Timestamp>,
        /// True when its bytes can be read back.
        pub downloadable: Option<bool>,
        /// When it is deleted.
        pub expires_at: Option<Timestamp>,
        /// Its name as a file.
        pub filename: Option<String>,
        /// What it is referred to by.
        pub id: Option<String>,
        /// Its media type.
        pub mime_type: Option<String>,
        /// Its size.
        pub size_bytes: Option<i64>,
        /// The kind of the object.
        pub object_type: Option<String> = "type",
    }

    /// Objects of Cloud Storage to make files of.
    #[derive(Debug)]
    pub struct RegisterFilesRequest {
        /// Where they are, such as `gs://bucket/object`.
        pub uris: Vec<String>,
    }

    /// What was made of objects of Cloud Storage.
    #[derive(Debug)]
    pub struct RegisterFilesResponse {
        /// The files.
        pub files: Vec<File>,
    }
}

open_enum! {
    /// Whether a file can be used.
    pub enum FileState {
        /// Not said.
        Unspecified = "STATE_UNSPECIFIED",
        /// Not yet.
        Processing = "PROCESSING",
        /// Yes.
        Active = "ACTIVE",
        /// Never; its error says why.
        Failed = "FAILED",
    }

    /// Where a file came from.
    pub enum FileSource {
        /// Not said.
        Unspecified = "SOURCE_UNSPECIFIED",
        /// The user uploaded it.
        Uploaded = "UPLOADED",
        /// A model made it.
        Generated = "GENERATED",
        /// It lies in Cloud Storage.
        Registered = "REGISTERED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_service_adds_is_kept() {
        let text = r#"{"name":"files/a","sizeBytes":"12","state":"FROZEN","newField":1}"#;
        let file: File = serde_json::from_str(text).unwrap();
        assert_eq!(file.size_bytes, Some(12));
        assert!(matches!(file.state, Some(FileState::Unknown(_))));
        let back = serde_json::to_value(&file).unwrap();
        assert_eq!(back["newField"], 1);
        assert_eq!(back["state"], "FROZEN");
    }
}
