//! Which file is meant: by name, by URI, or by what the service said about it.

use gimmal_transport::Error;
use gimmal_types::gemini::{File, GeneratedVideo, Video};

use super::names;

const COLLECTION: &str = "files/";

/// A file, by its name, by its URI, or as the service described it.
///
/// ```
/// use gimmal_api::gemini::FileRef;
///
/// for name in ["abc-1", "files/abc-1", "https://host.example/v1beta/files/abc-1:download?alt=media"] {
///     assert_eq!(FileRef::from(name).id()?, "abc-1");
/// }
/// # Ok::<(), gimmal_transport::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRef {
    name: Option<String>,
    /// The service said where the bytes are not to be had.
    unreadable: bool,
}

impl FileRef {
    /// The name without `files/`.
    ///
    /// # Errors
    ///
    /// Fails when there is no name, on a URI of something that is no file, and on characters that
    /// would change the path.
    pub fn id(&self) -> Result<&str, Error> {
        let Some(name) = self.name.as_deref() else {
            return Err(Error::invalid(
                "name",
                "is missing; give a file with a name, or a video with a URI",
            ));
        };
        let id = if name.starts_with("https://") || name.starts_with("http://") {
            let Some((_, rest)) = name.split_once(COLLECTION) else {
                let fix = format!("is the URI of no file; it needs `{COLLECTION}` in its path");
                return Err(Error::invalid("name", fix));
            };
            rest.split([':', '/', '?', '#']).next().unwrap_or_default()
        } else {
            name.strip_prefix(COLLECTION).unwrap_or(name)
        };
        names::check("name", id)?;
        if id.contains(['/', ':']) {
            return Err(Error::invalid(
                "name",
                "is no file; use its name such as `files/abc-123`",
            ));
        }
        Ok(id)
    }

    /// The name or URI as it was given, which may be none of a file.
    pub fn as_given(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// As [`FileRef::id`], for a file whose bytes can be read back.
    pub(super) fn readable_id(&self) -> Result<&str, Error> {
        if self.unreadable {
            return Err(Error::invalid(
                "file",
                "has no download URI: what was uploaded cannot be read back, only what a model made",
            ));
        }
        self.id()
    }

    fn named(name: Option<String>) -> Self {
        Self {
            name,
            unreadable: false,
        }
    }
}

impl From<&str> for FileRef {
    fn from(name: &str) -> Self {
        Self::named(Some(name.to_owned()))
    }
}

impl From<String> for FileRef {
    fn from(name: String) -> Self {
        Self::named(Some(name))
    }
}

impl From<&File> for FileRef {
    fn from(file: &File) -> Self {
        Self {
            name: file.name.clone(),
            unreadable: file.download_uri.is_none(),
        }
    }
}

impl From<&Video> for FileRef {
    fn from(video: &Video) -> Self {
        Self::named(video.uri.clone())
    }
}

impl From<&GeneratedVideo> for FileRef {
    fn from(generated: &GeneratedVideo) -> Self {
        Self::named(generated.video.as_ref().and_then(|video| video.uri.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_name_a_file() {
        let video = Video::new().set_uri("https://h.example/v1beta/files/a_B-1:download?alt=media");
        let file = File::new().set_name("files/a_B-1");
        for file in [
            FileRef::from("a_B-1"),
            FileRef::from("files/a_B-1".to_owned()),
            FileRef::from("http://127.0.0.1:80/v1/files/a_B-1"),
            FileRef::from(&video),
            FileRef::from(&GeneratedVideo::new().set_video(video.clone())),
            FileRef::from(&file),
        ] {
            assert_eq!(file.id().unwrap(), "a_B-1", "{file:?}");
        }
    }

    #[test]
    fn what_is_no_file_is_refused() {
        for name in [
            "",
            "files/",
            "gs://bucket/object",
            "https://h.example/v1/models/m",
            "https://h.example/files/",
            "files/a/b",
            "a?b",
            "files/../a",
            "a:download",
        ] {
            let error = FileRef::from(name).id().unwrap_err();
            assert_eq!(error.field(), Some("name"), "{name}");
        }
        assert!(FileRef::from(&Video::new()).id().is_err());
        assert!(FileRef::from(&GeneratedVideo::new()).id().is_err());
    }

    #[test]
    fn uploads_cannot_be_read_back() {
        let upload = File::new().set_name("files/a");
        let error = FileRef::from(&upload).readable_id().unwrap_err();
        assert!(error.to_string().contains("cannot be read back"), "{error}");
        let made = upload.set_download_uri("https://h.example/files/a:download");
        assert_eq!(FileRef::from(&made).readable_id().unwrap(), "a");
    }
}
