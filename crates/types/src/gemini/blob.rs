//! Data in a part: bytes in place, or a file by URI.

use crate::Bytes64;

wire! {
    /// Bytes in place.
    #[derive(Debug)]
    pub struct Blob {
        /// The bytes.
        pub data: Option<Bytes64>,
        /// Their media type, such as `image/png`.
        pub mime_type: Option<String>,
        /// A name to refer to them in the prompt.
        pub display_name: Option<String>,
    }

    /// A file by URI.
    #[derive(Debug)]
    pub struct FileData {
        /// URI of an uploaded file, or a `gs://` URI.
        pub file_uri: Option<String>,
        /// Its media type.
        pub mime_type: Option<String>,
        /// A name to refer to it in the prompt.
        pub display_name: Option<String>,
    }
}
