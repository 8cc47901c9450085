//! Environments: sandboxes with files that agents and tools work in.

use crate::Timestamp;
use crate::gemini::interactions::{Network, Source};

snake_wire! {
    /// A sandbox.
    #[derive(Debug)]
    pub struct Environment {
        /// Its identifier.
        pub id: Option<String>,
        /// How it stands.
        pub status: Option<EnvironmentStatus>,
        /// What it held from the start.
        pub sources: Vec<Source>,
        /// What it may reach.
        pub network: Option<Network>,
        /// How many files it holds.
        pub file_count: Option<i64>,
        /// How large they are together.
        pub size_bytes: Option<i64>,
        /// When it was made, as RFC 3339.
        pub created: Option<String>,
        /// When it was changed last, as RFC 3339.
        pub updated: Option<String>,
        /// When it was used last, as RFC 3339.
        pub last_accessed: Option<String>,
    }
}

open_enum! {
    /// How a sandbox stands.
    pub enum EnvironmentStatus {
        /// It can be used.
        Active = "active",
        /// It is gone.
        Expired = "expired",
    }
}

snake_wire! {
    /// What a sandbox is made of.
    #[derive(Debug)]
    pub struct CreateEnvironmentRequest {
        /// Copies this one; excludes `sources`.
        pub from_environment: Option<String>,
        /// What it holds from the start.
        pub sources: Vec<Source>,
        /// What it may reach.
        pub network: Option<Network>,
    }

    /// A file or a directory of a sandbox.
    #[derive(Debug)]
    pub struct EnvironmentFile {
        /// Its name, such as `main.py`.
        pub name: Option<String>,
        /// Its path from the root, such as `workspace/src/main.py`.
        pub path: Option<String>,
        /// Which of the two it is.
        pub file_type: Option<EnvironmentFileType> = "type",
        /// Its media type; files only.
        pub mime_type: Option<String>,
        /// How large it is.
        pub size_bytes: Option<i64>,
        /// When it was made.
        pub created: Option<Timestamp>,
        /// When it was changed last.
        pub modified: Option<Timestamp>,
    }
}

open_enum! {
    /// A file or a directory.
    pub enum EnvironmentFileType {
        /// A file.
        File = "file",
        /// A directory.
        Directory = "directory",
    }
}

snake_wire! {
    /// A page of files.
    #[derive(Debug)]
    pub struct GetEnvironmentFilesResponse {
        /// What a directory holds, or the one file that was asked for.
        pub files: Vec<EnvironmentFile>,
        /// Asks for the next page; absent or empty on the last.
        pub next_page_token: Option<String>,
    }

    /// A page of sandboxes.
    #[derive(Debug)]
    pub struct ListEnvironmentsResponse {
        /// The sandboxes.
        pub environments: Vec<Environment>,
        /// Asks for the next page; absent or empty on the last.
        pub next_page_token: Option<String>,
    }
}
