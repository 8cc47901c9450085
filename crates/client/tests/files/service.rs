//! A service that keeps one file in memory. It holds clients to the upload protocol, panics at
//! what no client may send, and stalls where it is told to.

use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, pending, ready};
use gimmal_client::Error;
use gimmal_client::gemini::GeminiClient;
use gimmal_client::transport::testing::{Reply, ScriptedTransport};
use gimmal_client::transport::{ByteStream, HttpTransport};
use serde_json::{Value, json};

/// What every chunk but the last must be a multiple of, in bytes.
pub(crate) const GRANULARITY: usize = 16;

#[derive(Clone, Debug, Default)]
pub(crate) struct Service(Arc<Mutex<State>>);

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) content: Vec<u8>,
    finished: bool,
    /// No more bytes than these arrive; the request that brings more is never answered.
    pub(crate) stalls_after: Option<usize>,
    /// The last answer says nothing about the file.
    pub(crate) forgets_the_file: bool,
    /// Command, offset and size of each request of an upload.
    pub(crate) log: Vec<String>,
    /// What the uploads were opened with.
    pub(crate) starts: Vec<(http::HeaderMap, Value)>,
}

impl Service {
    pub(crate) fn client(&self) -> GeminiClient {
        client(Arc::new(self.clone()))
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

/// A client of the developer API on a transport of the test's.
pub(crate) fn client(http: Arc<dyn HttpTransport>) -> GeminiClient {
    let builder = GeminiClient::builder().with_api_key("key").with_http(http);
    builder.build().unwrap()
}

/// A client on these replies, and what it sent.
pub(crate) fn scripted(
    replies: impl IntoIterator<Item = Reply>,
) -> (GeminiClient, ScriptedTransport) {
    let http = ScriptedTransport::new(replies);
    (client(Arc::new(http.clone())), http)
}

pub(crate) fn reply(body: Value) -> Reply {
    Reply::json(200, body.to_string())
}

impl State {
    /// The answer, unless the connection stalls.
    fn answer(&mut self, request: &http::Request<Bytes>) -> Option<http::Response<Bytes>> {
        let headers = request.headers();
        let header = |name: &str| headers.get(name).map(|it| it.to_str().unwrap());
        let command = header("x-goog-upload-command").unwrap();
        if command == "start" {
            assert_eq!(request.uri().path(), "/upload/v1/files");
            assert_eq!(header("x-goog-api-key"), Some("key"));
            let body = serde_json::from_slice(request.body()).unwrap();
            self.starts.push((headers.clone(), body));
            let answer = http::Response::builder()
                .header("x-goog-upload-url", "/session?upload_id=TICKET")
                .header("x-goog-upload-chunk-granularity", GRANULARITY);
            return Some(answer.body(Bytes::new()).unwrap());
        }
        assert_eq!(request.uri().query(), Some("upload_id=TICKET"));
        assert_eq!(header("x-goog-api-key"), None, "the address is the key");
        let offset = header("x-goog-upload-offset").unwrap_or_default();
        let size = request.body().len();
        self.log.push(format!("{command} {offset}+{size}"));
        if command != "query" {
            self.take(command, offset, request.body())?;
        }
        let status = if self.finished { "final" } else { "active" };
        let answer = http::Response::builder()
            .header("x-goog-upload-status", status)
            .header("x-goog-upload-size-received", self.content.len());
        let body = match (self.finished, self.forgets_the_file) {
            (true, false) => json!({"file": {
                "name": "files/1", "sizeBytes": self.content.len().to_string(),
                "state": "PROCESSING"}})
            .to_string(),
            _ => "{}".to_owned(),
        };
        Some(answer.body(Bytes::from(body)).unwrap())
    }

    fn take(&mut self, command: &str, offset: &str, body: &[u8]) -> Option<()> {
        assert!(!self.finished, "a finished upload takes nothing");
        assert_eq!(offset, self.content.len().to_string(), "a wrong offset");
        let last = command == "upload, finalize";
        assert!(last || body.len().is_multiple_of(GRANULARITY));
        let room = self.stalls_after.map(|limit| limit - self.content.len());
        match room.filter(|room| *room < body.len()) {
            Some(room) => {
                self.content.extend_from_slice(&body[..room]);
                None
            }
            None => {
                self.content.extend_from_slice(body);
                self.finished = last;
                Some(())
            }
        }
    }
}

impl HttpTransport for Service {
    fn execute(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<ByteStream>, Error>> {
        match self.state().answer(&request) {
            Some(answer) => ready(Ok(answer.map(ByteStream::from_bytes))).boxed(),
            None => pending().boxed(),
        }
    }
}
