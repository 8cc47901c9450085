//! Packing the body of a request: whether, how, and away from the async threads when it is long.
//! The result replaces the body of the whole call, so that every attempt sends the same bytes.

use bytes::Bytes;
use http::header::CONTENT_ENCODING;

use crate::compression::ContentCoding;
use crate::headers::LayeredHeaders;
use http::HeaderValue;

/// Shorter bodies are left alone unless set otherwise: 14 KiB.
///
/// A new connection may send ten segments of 1,460 bytes before it hears back (RFC 6928). A body
/// within them arrives after the same round trip however small it is made.
const MIN_BYTES: usize = 14 * 1024;

/// Longer bodies are packed on a thread where waiting is allowed: 64 KiB take about a
/// millisecond.
const INLINE_BYTES: usize = 64 * 1024;

/// Whether and how the bodies of requests are packed.
///
/// ```
/// use gimmal_transport::CallOptions;
/// use gimmal_transport::compression::RequestCompression;
///
/// # #[cfg(feature = "gzip")] {
/// let options = CallOptions::new()
///     .with_request_compression(RequestCompression::gzip().with_min_bytes(100_000));
/// # let _ = options;
/// # }
/// ```
///
/// Set it only for a server that is known to read the coding: there is no way to ask first. A
/// body that would not shrink and a request that has a `content-encoding` already are sent as
/// they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestCompression {
    coding: Option<ContentCoding>,
    min_bytes: usize,
}

impl RequestCompression {
    /// Packs with gzip, which servers read most often.
    #[cfg(feature = "gzip")]
    #[must_use]
    pub fn gzip() -> Self {
        Self::with(ContentCoding::Gzip)
    }

    /// Packs with zstd, which takes a fraction of the time of gzip.
    #[cfg(feature = "zstd")]
    #[must_use]
    pub fn zstd() -> Self {
        Self::with(ContentCoding::Zstd)
    }

    /// Packs nothing, for a call through a transport that does.
    #[must_use]
    pub fn off() -> Self {
        Self {
            coding: None,
            min_bytes: MIN_BYTES,
        }
    }

    #[cfg(any(feature = "gzip", feature = "zstd"))]
    fn with(coding: ContentCoding) -> Self {
        Self {
            coding: Some(coding),
            min_bytes: MIN_BYTES,
        }
    }

    /// Leaves bodies below this size alone; 14 KiB by default.
    #[must_use]
    pub fn with_min_bytes(mut self, min_bytes: usize) -> Self {
        self.min_bytes = min_bytes;
        self
    }

    /// Makes the body of a request smaller and returns the name of the coding, if it did.
    pub(crate) async fn apply(
        self,
        headers: &LayeredHeaders<'_>,
        body: &mut Bytes,
    ) -> Option<HeaderValue> {
        if headers.contains(&CONTENT_ENCODING) {
            return None;
        }
        let (packed, coding) = self.pack(body).await?;
        *body = packed;
        Some(HeaderValue::from_static(coding.name()))
    }

    /// The body packed and the name of the coding; `None` when it is better sent as it is.
    ///
    /// Dropping the future leaves the packing of a long body running to its end, unseen.
    pub(super) async fn pack(self, body: &Bytes) -> Option<(Bytes, ContentCoding)> {
        let coding = self.coding?;
        if body.len() < self.min_bytes.max(1) {
            return None;
        }
        let packed = match tokio::runtime::Handle::try_current() {
            Ok(runtime) if body.len() > INLINE_BYTES => {
                let body = body.clone();
                let packing = runtime.spawn_blocking(move || coding.pack(&body));
                packing.await.map_err(Into::into).flatten()
            }
            _ => coding.pack(body),
        };
        match packed {
            Ok(packed) if packed.len() < body.len() => Some((Bytes::from(packed), coding)),
            Ok(_) => None,
            Err(error) => {
                // A body that cannot be packed can still be sent.
                tracing::debug!(%coding, %error, "request is sent uncompressed");
                None
            }
        }
    }
}
