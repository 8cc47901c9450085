//! Resumable uploads in the protocol of Google's upload servers (`X-Goog-Upload-*`): the content
//! goes in chunks, and after a failure the server is asked how much it has. What the content is
//! for, only the caller knows.

mod machine;
mod protocol;
mod resumable;
mod session;

pub use resumable::ResumableUpload;
pub use session::UploadSession;
