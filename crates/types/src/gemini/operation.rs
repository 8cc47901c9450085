//! Work that outlives a call: operations, which are asked about by name until they are done.

use serde_json::{Map, Value};

use super::GenerateVideosResponse;
use crate::rpc::Status;

wire! {
    /// Films in the making.
    #[derive(Debug)]
    pub struct GenerateVideosOperation {
        /// Its name, which is all that another process needs to ask about it.
        pub name: Option<String>,
        /// What the service says about it, such as its progress.
        pub metadata: Option<Map<String, Value>>,
        /// True when it is over, well or not; absent while it runs.
        pub done: Option<bool>,
        /// Why it failed, as a `google.rpc.Status`.
        pub error: Option<Map<String, Value>>,
        /// The films.
        pub response: Option<Box<GenerateVideosResponse>>,
    }

    /// An uploaded file on its way into a file search store.
    #[derive(Debug)]
    pub struct ImportFileOperation {
        /// Its name, which is all that another process needs to ask about it.
        pub name: Option<String>,
        /// What the service says about it.
        pub metadata: Option<Map<String, Value>>,
        /// True when it is over, well or not; absent while it runs.
        pub done: Option<bool>,
        /// Why it failed, as a `google.rpc.Status`.
        pub error: Option<Map<String, Value>>,
        /// The document it became.
        pub response: Option<Box<ImportFileResponse>>,
    }

    /// The document that an imported file became.
    #[derive(Debug)]
    pub struct ImportFileResponse {
        /// The store it is in.
        pub parent: Option<String>,
        /// Its name.
        pub document_name: Option<String>,
    }

    /// Uploaded bytes on their way into a file search store.
    #[derive(Debug)]
    pub struct UploadToFileSearchStoreOperation {
        /// Its name, which is all that another process needs to ask about it.
        pub name: Option<String>,
        /// What the service says about it.
        pub metadata: Option<Map<String, Value>>,
        /// True when it is over, well or not; absent while it runs.
        pub done: Option<bool>,
        /// Why it failed, as a `google.rpc.Status`.
        pub error: Option<Map<String, Value>>,
        /// The document it became.
        pub response: Option<Box<UploadToFileSearchStoreResponse>>,
    }

    /// The document that uploaded bytes became.
    #[derive(Debug)]
    pub struct UploadToFileSearchStoreResponse {
        /// The store it is in.
        pub parent: Option<String>,
        /// Its name.
        pub document_name: Option<String>,
    }

    /// Any operation of a Vertex project.
    #[derive(Debug)]
    pub struct ProjectOperation {
        /// Its name, which is all that another process needs to ask about it.
        pub name: Option<String>,
        /// What the service says about it.
        pub metadata: Option<Map<String, Value>>,
        /// True when it is over, well or not; absent while it runs.
        pub done: Option<bool>,
        /// Why it failed, as a `google.rpc.Status`.
        pub error: Option<Map<String, Value>>,
        /// Its result, in a form that depends on what was asked for.
        pub response: Option<Map<String, Value>>,
    }

    /// A model in the making, on the developer API.
    #[derive(Debug)]
    pub struct TuningOperation {
        /// Its name, which is all that another process needs to ask about it.
        pub name: Option<String>,
        /// What the service says about it, such as the name of the model.
        pub metadata: Option<Map<String, Value>>,
        /// True when it is over, well or not; absent while it runs.
        pub done: Option<bool>,
        /// Why it failed, as a `google.rpc.Status`.
        pub error: Option<Map<String, Value>>,
    }
}

macro_rules! operations {
    ($($name:ident),* $(,)?) => { $(
        impl $name {
            /// True when it is over, well or not.
            pub fn is_done(&self) -> bool {
                self.done == Some(true)
            }

            /// Why it failed, with typed details; `None` when it did not.
            pub fn status(&self) -> Option<Status> {
                Status::from_error_value(&Value::Object(self.error.clone()?))
            }
        }
    )* };
}

operations! {
    GenerateVideosOperation, ImportFileOperation, UploadToFileSearchStoreOperation,
    ProjectOperation, TuningOperation,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::rpc::ErrorDetail;

    #[test]
    fn errors_have_their_details() {
        let operation: ImportFileOperation = serde_json::from_value(json!({
            "name": "fileSearchStores/s/operations/o", "done": true,
            "error": {"code": 8, "message": "full", "details": [
                {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "5s"}]},
        }))
        .unwrap();
        assert!(operation.is_done());
        let status = operation.status().unwrap();
        assert_eq!(
            (status.code, status.message.as_deref()),
            (Some(8), Some("full"))
        );
        assert!(matches!(
            status.details[..],
            [ErrorDetail::RetryInfo { .. }]
        ));
        assert_eq!(ImportFileOperation::new().status(), None);
    }
}
