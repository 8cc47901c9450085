//! Resource names: what users may write and what goes into a path.

use gimmal_transport::Error;

use super::{Backend, Endpoint};

/// Refuses what would change the meaning of a path.
pub(super) fn check(field: &str, name: &str) -> Result<(), Error> {
    // Nearly all names are plain, and each call has one.
    let is_word = |part: &str| {
        let mut bytes = part.bytes();
        !part.is_empty() && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    if name.split('.').all(is_word) {
        return Ok(());
    }
    if name.trim().is_empty() {
        return Err(Error::invalid(field, "must not be empty"));
    }
    if let Some(bad) = ["..", "?", "&", "#", "%", "\\"]
        .into_iter()
        .find(|bad| name.contains(bad))
    {
        return Err(Error::invalid(field, format!("must not contain {bad:?}")));
    }
    if name
        .chars()
        .any(|letter| letter.is_control() || letter.is_whitespace())
    {
        return Err(Error::invalid(
            field,
            "must not contain white space or control characters",
        ));
    }
    // Whoever puts an address together takes such a part out, and the name with it.
    if name.split('/').any(|part| part == ".") {
        return Err(Error::invalid(
            field,
            "must not have `.` for one of its parts",
        ));
    }
    if name.starts_with('/') || name.ends_with('/') || name.contains("//") {
        return Err(Error::invalid(
            field,
            "must not begin, end or double a slash",
        ));
    }
    Ok(())
}

/// The path of a model: `models/x` on the developer API, `publishers/google/models/x` on Vertex.
///
/// Full names pass through; on Vertex `publisher/model` names a model of another publisher.
///
/// # Errors
///
/// Fails on an empty name and on characters that would change the path.
pub fn model_path(backend: Backend, model: &str) -> Result<String, Error> {
    check("model", model)?;
    Ok(match backend {
        Backend::GeminiApi => {
            if model.starts_with("models/") || model.starts_with("tunedModels/") {
                model.to_owned()
            } else {
                format!("models/{model}")
            }
        }
        Backend::Vertex => {
            if ["models/", "projects/", "publishers/"]
                .iter()
                .any(|full| model.starts_with(full))
            {
                model.to_owned()
            } else if let Some((publisher, name)) = model.split_once('/') {
                format!("publishers/{publisher}/models/{name}")
            } else {
                format!("publishers/google/models/{model}")
            }
        }
    })
}

/// The model as `cachedContents` names it: within the project on Vertex.
///
/// # Errors
///
/// Fails on an empty name and on characters that would change the path.
pub fn cached_content_model(endpoint: &Endpoint, model: &str) -> Result<String, Error> {
    let path = model_path(endpoint.backend(), model)?;
    Ok(match endpoint.parent() {
        Some(parent) if path.starts_with("publishers/") => format!("{parent}/{path}"),
        Some(parent) if path.starts_with("models/") => format!("{parent}/publishers/google/{path}"),
        _ => path,
    })
}

/// The full name of a context cache: a bare identifier gets its collection, and on Vertex its
/// project and location.
///
/// # Errors
///
/// Fails on an empty name and on characters that would change the path; on Vertex without a
/// project, also on any name that is not full.
pub fn cached_content_name(endpoint: &Endpoint, name: &str) -> Result<String, Error> {
    const COLLECTION: &str = "cachedContents";
    check("cached_content", name)?;
    let named = if name.contains('/') {
        name.to_owned()
    } else {
        format!("{COLLECTION}/{name}")
    };
    if endpoint.backend() == Backend::GeminiApi || named.starts_with("projects/") {
        return Ok(named);
    }
    let Some(project) = endpoint.project() else {
        let fix = "needs the full name `projects/…/locations/…/cachedContents/…` without a project";
        return Err(Error::invalid("cached_content", fix));
    };
    let location = endpoint.location().unwrap_or("global");
    Ok(if named.starts_with("locations/") {
        format!("projects/{project}/{named}")
    } else if named.starts_with(COLLECTION) {
        format!("projects/{project}/locations/{location}/{named}")
    } else {
        named
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_get_their_collection() {
        let table = [
            (
                "gemini-x",
                "models/gemini-x",
                "publishers/google/models/gemini-x",
            ),
            ("models/x", "models/x", "models/x"),
            (
                "tunedModels/x",
                "tunedModels/x",
                "publishers/tunedModels/models/x",
            ),
            ("google/x", "models/google/x", "publishers/google/models/x"),
            ("projects/p/x", "models/projects/p/x", "projects/p/x"),
        ];
        for (name, developer, vertex) in table {
            assert_eq!(model_path(Backend::GeminiApi, name).unwrap(), developer);
            assert_eq!(model_path(Backend::Vertex, name).unwrap(), vertex);
        }
    }

    #[test]
    fn caches_get_their_project() {
        let developer = Endpoint::gemini_api().build().unwrap();
        let vertex = Endpoint::vertex()
            .with_project("P")
            .with_location("L")
            .build()
            .unwrap();
        let table = [
            (
                "abc",
                "cachedContents/abc",
                "projects/P/locations/L/cachedContents/abc",
            ),
            (
                "cachedContents/abc",
                "cachedContents/abc",
                "projects/P/locations/L/cachedContents/abc",
            ),
            (
                "locations/l/cachedContents/abc",
                "locations/l/cachedContents/abc",
                "projects/P/locations/l/cachedContents/abc",
            ),
            (
                "projects/p/locations/l/cachedContents/abc",
                "projects/p/locations/l/cachedContents/abc",
                "projects/p/locations/l/cachedContents/abc",
            ),
            ("a/b", "a/b", "a/b"),
        ];
        for (name, plain, full) in table {
            assert_eq!(cached_content_name(&developer, name).unwrap(), plain);
            assert_eq!(cached_content_name(&vertex, name).unwrap(), full);
        }
    }

    #[test]
    fn express_mode_needs_full_cache_names() {
        let express = Endpoint::vertex().build().unwrap();
        let error = cached_content_name(&express, "abc").unwrap_err();
        assert_eq!(error.field(), Some("cached_content"));
        let full = "projects/p/locations/l/cachedContents/abc";
        assert_eq!(cached_content_name(&express, full).unwrap(), full);
    }

    #[test]
    fn names_cannot_leave_their_path() {
        for name in [
            "", " ", "a/../b", "a?b", "a&b", "a#b", "a%2fb", "a b", "/a", "a//b", "a\nb", ".",
            "a/./b", "a/.",
        ] {
            let error = model_path(Backend::GeminiApi, name).unwrap_err();
            assert_eq!(error.field(), Some("model"), "{name:?}");
        }
    }
}
