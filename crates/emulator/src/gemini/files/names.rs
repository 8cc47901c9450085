//! Names of files: which ones a caller may choose, and which file a name or a URI is about.

use crate::gemini::errors::ApiError;

/// The longest name a caller may choose, in characters.
const LONGEST: usize = 40;

/// The host whose URIs the service gives out.
const HOST: &str = "generativelanguage.googleapis.com";

/// The identifier of the file a name (`files/x`) or a URI of the service is about; nothing for
/// what lies elsewhere.
pub(crate) fn file_id(name_or_uri: &str) -> Option<&str> {
    let path = match name_or_uri.split_once("://") {
        None => name_or_uri,
        Some(("http" | "https", rest)) => {
            let (host, path) = rest.split_once('/')?;
            let (_, path) = path.split_once('/').filter(|_| is_ours(host))?;
            path
        }
        Some(_) => return None,
    };
    let id = path.strip_prefix("files/")?;
    let id = id.split([':', '?', '#']).next().unwrap_or_default();
    (!id.is_empty() && !id.contains('/')).then_some(id)
}

/// The service's own host, or the emulator under any name of the loopback interface.
fn is_ours(host: &str) -> bool {
    let bare = host.rsplit_once(':').map_or(host, |(bare, _)| bare);
    bare == HOST || bare == "localhost" || bare == "[::1]" || bare.starts_with("127.")
}

/// The URI of a file, as the service gives it out in every version of its API. It names the service
/// and not the emulator:
/// clients take the identifier out of it and ask the server they are set up for.
pub(crate) fn uri(id: &str) -> String {
    format!("https://{HOST}/v1beta/files/{id}")
}

/// The URI under which the bytes of a file can be had.
pub(crate) fn download_uri(id: &str) -> String {
    format!("{}:download?alt=media", uri(id))
}

/// The identifier in the name a caller has chosen.
pub(crate) fn chosen(name: &str) -> Result<&str, ApiError> {
    let refused = |problem: String| {
        ApiError::invalid_argument(format!("* CreateFileRequest.file.name: {problem}\n"))
    };
    let Some(id) = name.strip_prefix("files/") else {
        return Err(refused(format!("\"{name}\" must start with \"files/\".")));
    };
    if id.is_empty() || id.chars().count() > LONGEST {
        return Err(refused(format!(
            "The id must have 1 to {LONGEST} characters."
        )));
    }
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if !id.chars().all(|c| plain(c) || c == '-') || !id.starts_with(plain) || !id.ends_with(plain) {
        return Err(refused(
            "The id may have only lowercase letters, digits and dashes, and may not begin or end \
             with a dash."
                .to_owned(),
        ));
    }
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_uris_of_the_same_file() {
        for name in [
            "files/a-1",
            "https://generativelanguage.googleapis.com/v1beta/files/a-1",
            "https://generativelanguage.googleapis.com/v1/files/a-1:download?alt=media",
            "http://127.0.0.1:8080/v1beta/files/a-1",
            "http://[::1]:8080/v1beta/files/a-1",
            "http://localhost/v1/files/a-1",
        ] {
            assert_eq!(file_id(name), Some("a-1"), "{name}");
        }
        assert_eq!(file_id(&uri("a-1")), Some("a-1"));
    }

    #[test]
    fn what_lies_elsewhere_is_no_file() {
        for name in [
            "",
            "files/",
            "files/a/b",
            "gs://bucket/files/a",
            "https://youtu.be/files/a",
            "https://example.com/v1/files/a",
            "https://generativelanguage.googleapis.com/files/a",
        ] {
            assert_eq!(file_id(name), None, "{name}");
        }
    }

    #[test]
    fn chosen_names_are_checked() {
        assert_eq!(chosen("files/my-notes-2"), Ok("my-notes-2"));
        for name in [
            "notes",
            "files/",
            "files/-a",
            "files/a-",
            "files/A",
            "files/a_b",
        ] {
            assert_eq!(chosen(name).expect_err(name).code(), 400);
        }
        assert!(chosen(&format!("files/{}", "a".repeat(41))).is_err());
    }
}
