//! The uploaded files that a prefix names: the service deletes them after two days, and a cache that
//! outlives them holds what nobody can send any more when it is lost.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use futures_util::{StreamExt as _, stream};
use gimmal_api::gemini::{Backend, FileRef};
use gimmal_transport::{CallOptions, Timeout};

use super::{Planner, Prefix, PreparedPrefix};

/// A cache that would live for less is not worth making.
pub(super) const LEAST_LIFE: Duration = Duration::from_secs(60);
/// Files asked for at a time.
const ASKED_AT_ONCE: usize = 8;

impl Planner {
    /// When the first of the uploaded files that a prefix names is deleted; `None` when it names
    /// none. What cannot be asked for is left out: the creation of the cache will tell.
    pub(super) async fn files_end(&self, prefix: &PreparedPrefix) -> Option<SystemTime> {
        if self.inner.api.endpoint().backend() != Backend::GeminiApi {
            return None;
        }
        let uploads = uploads(&prefix.prefix).into_iter();
        let ends: Vec<_> = uploads.map(|uri| self.file_end(uri)).collect();
        let ends = stream::iter(ends).buffer_unordered(ASKED_AT_ONCE);
        let ends: Vec<_> = ends.collect().await;
        ends.into_iter().flatten().min()
    }

    async fn file_end(&self, uri: String) -> Option<SystemTime> {
        let wait = Timeout::After(self.inner.options.create_wait);
        let options = CallOptions::default().with_deadline(wait);
        let file = self.inner.api.get_file(&FileRef::from(uri), &options).await;
        Some(file.ok()?.into_body().expiration_time?.to_system_time())
    }
}

/// The addresses of uploaded files, each once.
fn uploads(prefix: &Prefix) -> BTreeSet<String> {
    let turns = prefix.system_instruction.iter().chain(&prefix.contents);
    let files = turns.flat_map(|turn| &turn.parts).filter_map(|part| {
        let uri = part.file_data.as_ref()?.file_uri.as_deref()?;
        let is_upload = uri.contains("/files/") && FileRef::from(uri).id().is_ok();
        is_upload.then(|| uri.to_owned())
    });
    files.collect()
}

/// A time to live that does not reach beyond the files; `None` when too little of it is left.
pub(super) fn cut(ttl: Duration, end: Option<SystemTime>, now: SystemTime) -> Option<Duration> {
    let Some(end) = end else { return Some(ttl) };
    let left = end.duration_since(now).unwrap_or_default();
    (left >= LEAST_LIFE).then(|| ttl.min(left))
}

#[cfg(test)]
mod tests {
    use gimmal_types::gemini::{Content, Part};

    use super::*;

    #[test]
    fn only_uploaded_files_are_asked_for() {
        let part = |uri: &str| Part::file_data(uri, "application/pdf");
        let upload = "https://host.example/v1beta/files/abc-1";
        let others = ["gs://bucket/files/x", "https://youtu.be/x", upload, upload];
        let turn = Content::new().set_parts(others.map(part));
        let prefix = Prefix {
            contents: vec![turn],
            ..Prefix::default()
        };
        assert_eq!(uploads(&prefix), BTreeSet::from([upload.to_owned()]));
    }

    #[test]
    fn a_life_ends_with_the_files() {
        let now = SystemTime::UNIX_EPOCH;
        let seconds = Duration::from_secs;
        let until = |end| cut(seconds(3600), Some(now + seconds(end)), now);
        assert_eq!(cut(seconds(3600), None, now), Some(seconds(3600)));
        assert_eq!(until(7200), Some(seconds(3600)));
        assert_eq!(until(600), Some(seconds(600)));
        assert_eq!(until(59), None);
    }
}
