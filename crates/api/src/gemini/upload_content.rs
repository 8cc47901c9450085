//! What is uploaded, and of which media type it is. Nothing is sent from here.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use gimmal_transport::{Error, Source};
use http::HeaderValue;

/// Media types of endings that the table of the library lacks or knows only as text.
const ENDINGS: [(&str, &str); 2] = [("jsonl", "application/jsonl"), ("py", "text/x-python")];

/// The content of an upload: a file on the disk by its path, or a [`Source`].
///
/// A text is a path; text to upload is `Source::from("…")`.
#[derive(Clone, Debug)]
pub struct UploadContent(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Path(PathBuf),
    Source(Source),
}

impl UploadContent {
    /// The content, opened when it is a file on the disk.
    pub(super) async fn open(&self) -> Result<Source, Error> {
        match &self.0 {
            Kind::Path(path) => Source::open(path).await,
            Kind::Source(source) => Ok(source.clone()),
        }
    }
}

impl From<Source> for UploadContent {
    fn from(source: Source) -> Self {
        Self(Kind::Source(source))
    }
}

impl From<Bytes> for UploadContent {
    fn from(content: Bytes) -> Self {
        Source::from(content).into()
    }
}

impl From<Vec<u8>> for UploadContent {
    fn from(content: Vec<u8>) -> Self {
        Source::from(content).into()
    }
}

impl From<PathBuf> for UploadContent {
    fn from(path: PathBuf) -> Self {
        Self(Kind::Path(path))
    }
}

impl From<&Path> for UploadContent {
    fn from(path: &Path) -> Self {
        path.to_owned().into()
    }
}

impl From<&str> for UploadContent {
    fn from(path: &str) -> Self {
        PathBuf::from(path).into()
    }
}

impl From<String> for UploadContent {
    fn from(path: String) -> Self {
        PathBuf::from(path).into()
    }
}

/// The media type that was set, or else the one that the ending of the file's name stands for.
pub(super) fn media_type(set: Option<&str>, file_name: Option<&str>) -> Result<String, Error> {
    if let Some(set) = set {
        return if !set.trim().is_empty() && HeaderValue::from_str(set).is_ok() {
            Ok(set.to_owned())
        } else {
            Err(Error::invalid(
                "mime_type",
                "is no media type such as `text/plain`",
            ))
        };
    }
    let Some(name) = file_name else {
        return Err(Error::invalid(
            "mime_type",
            "must be set, because the content has no file name to tell it by",
        ));
    };
    guess(name).ok_or_else(|| {
        Error::invalid(
            "mime_type",
            format!("must be set, because the name {name:?} does not tell it"),
        )
    })
}

fn guess(name: &str) -> Option<String> {
    let ending = Path::new(name).extension()?.to_str()?.to_ascii_lowercase();
    let own = ENDINGS.iter().find(|(have, _)| *have == ending);
    match own {
        Some((_, kind)) => Some((*kind).to_owned()),
        None => mime_guess::from_ext(&ending).first_raw().map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_tell_the_media_type() {
        for (name, kind) in [
            ("a.txt", "text/plain"),
            ("A.PNG", "image/png"),
            ("talk.mp4", "video/mp4"),
            ("requests.jsonl", "application/jsonl"),
            ("a.tar.json", "application/json"),
            ("main.py", "text/x-python"),
            ("paper.pdf", "application/pdf"),
        ] {
            assert_eq!(media_type(None, Some(name)).unwrap(), kind, "{name}");
        }
        let set = media_type(Some("text/x-own; charset=utf-8"), Some("a.txt"));
        assert_eq!(set.unwrap(), "text/x-own; charset=utf-8");
    }

    #[test]
    fn an_unknown_media_type_is_asked_for() {
        for name in [None, Some("a.unknownext"), Some("Makefile"), Some(".png")] {
            let error = media_type(None, name).unwrap_err();
            assert_eq!(error.field(), Some("mime_type"));
            assert!(error.to_string().contains("must be set"), "{error}");
        }
        for set in ["", " ", "a/b\r\nc: d"] {
            let error = media_type(Some(set), Some("a.txt")).unwrap_err();
            assert!(error.to_string().contains("no media type"), "{set}");
        }
    }
}
