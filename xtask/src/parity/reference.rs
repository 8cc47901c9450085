//! The checked-in inventories of calls the reference SDKs can make.
//!
//! It reads JSON and spells paths in one normal form. It knows nothing of our sources.

use anyhow::Context;
use serde::Deserialize;

/// The calls of one reference SDK.
#[derive(Clone, Debug)]
pub(crate) struct Inventory {
    /// Name of the API.
    pub(crate) title: &'static str,
    /// Package and version the list was taken from.
    pub(crate) reference: String,
    /// All calls, in the order of the reference.
    pub(crate) calls: Vec<Call>,
}

/// One call of a reference SDK.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// Name used in `Covers:` tags, such as `models.generate_content`.
    pub(crate) id: String,
    /// Group it is counted in.
    pub(crate) module: String,
    /// Method name without a leading underscore.
    pub(crate) method: String,
    /// HTTP verb.
    pub(crate) verb: String,
    /// The path as shown in the report.
    pub(crate) shown: String,
    /// Every normal form a route of ours may have.
    pub(crate) paths: Vec<String>,
}

#[derive(Deserialize)]
struct File<T> {
    reference: String,
    calls: Vec<T>,
}

#[derive(Deserialize)]
struct GeminiRow {
    module: String,
    method: String,
    verb: String,
    mldev: Vec<String>,
    vertex: Vec<String>,
}

#[derive(Deserialize)]
struct TinkerRow {
    module: String,
    method: String,
    verb: String,
    path: String,
}

/// Collection a resource name of a Gemini module begins with.
const COLLECTIONS: &[(&str, &str)] = &[
    ("batches", "batches"),
    ("caches", "cachedContents"),
    ("documents", "fileSearchStores/{}/documents"),
    ("file_search_stores", "fileSearchStores"),
    ("files", "files"),
    ("models", "models"),
    ("operations", "operations"),
    ("tunings", "tunedModels"),
];

/// Stands for one of two collections in the reference.
const MODELS_URL: &str = "{models_url}";

/// Reads the Gemini inventory.
pub(crate) fn gemini(json: &str) -> anyhow::Result<Inventory> {
    let file: File<GeminiRow> = serde_json::from_str(json).context("not a Gemini inventory")?;
    let calls = file
        .calls
        .into_iter()
        .map(|row| {
            let method = row.method.trim_start_matches('_').to_owned();
            let collection = COLLECTIONS
                .iter()
                .find(|(module, _)| *module == row.module)
                .map(|(_, collection)| *collection);
            let mut paths = Vec::new();
            for path in row.mldev.iter().chain(&row.vertex) {
                for spelling in spellings(path, collection) {
                    if !paths.contains(&spelling) {
                        paths.push(spelling);
                    }
                }
            }
            let shown = match row.mldev.first() {
                Some(path) => format!("`{path}`"),
                None => {
                    let path = row.vertex.first().map_or("", String::as_str);
                    format!("`{path}` (Vertex AI only)")
                }
            };
            Call {
                id: format!("{}.{method}", row.module),
                module: row.module,
                method,
                verb: row.verb,
                shown,
                paths,
            }
        })
        .collect();
    Ok(Inventory {
        title: "Gemini",
        reference: file.reference,
        calls,
    })
}

/// Reads the Tinker inventory.
pub(crate) fn tinker(json: &str) -> anyhow::Result<Inventory> {
    let file: File<TinkerRow> = serde_json::from_str(json).context("not a Tinker inventory")?;
    let calls = file
        .calls
        .into_iter()
        .map(|row| Call {
            id: format!("tinker.{}.{}", row.module, row.method),
            module: row.module,
            method: row.method,
            verb: row.verb,
            shown: format!("`{}`", row.path),
            paths: vec![normal(&row.path)],
        })
        .collect();
    Ok(Inventory {
        title: "Tinker",
        reference: file.reference,
        calls,
    })
}

/// The normal form of a path: no leading slash or version, placeholders without names.
pub(crate) fn normal(path: &str) -> String {
    let path = path.trim_start_matches('/');
    if path == MODELS_URL {
        return "models".to_owned();
    }
    let path = ["v1beta/", "v1alpha/", "{api_version}/"]
        .iter()
        .find_map(|version| path.strip_prefix(version))
        .unwrap_or(path);
    let path = match path.split_once('?') {
        // Only this query names another call; all others are parameters.
        Some((path, "alt=sse")) => format!("{path}?alt=sse"),
        Some((path, _)) => path.to_owned(),
        None => path.to_owned(),
    };
    let mut out = String::new();
    let mut inside = false;
    for character in path.chars() {
        match character {
            '{' => {
                inside = true;
                out.push_str("{}");
            }
            '}' => inside = false,
            _ if inside => {}
            _ => out.push(character),
        }
    }
    out.replace("upload/v1beta/", "upload/{}/")
}

/// A name may be written whole (`{name}`) or after its collection (`cachedContents/{id}`).
fn spellings(path: &str, collection: Option<&str>) -> Vec<String> {
    if path == MODELS_URL {
        return vec![normal(path), "tunedModels".to_owned()];
    }
    let path = normal(path);
    let mut all = vec![path.clone()];
    if let Some(collection) = collection {
        if path.starts_with("{}") && path != format!("{{}}/{collection}") {
            let parent = collection
                .strip_suffix("/documents")
                .filter(|_| path.contains('/'));
            all.push(match parent {
                Some(parent) => format!("{parent}{}", &path[2..]),
                None => format!("{collection}/{path}"),
            });
        } else if let Some(rest) = path.strip_prefix(collection)
            && rest.starts_with("/{}")
        {
            all.push(rest[1..].to_owned());
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_one_normal_form() {
        for (path, expected) in [
            ("{model}:generateContent", "{}:generateContent"),
            ("/v1beta/{model}:generateContent", "{}:generateContent"),
            (
                "{model}:streamGenerateContent?alt=sse",
                "{}:streamGenerateContent?alt=sse",
            ),
            ("cachedContents?pageSize={n}", "cachedContents"),
            ("{models_url}", "models"),
            ("upload/{api_version}/files", "upload/{}/files"),
            ("upload/v1beta/files", "upload/{}/files"),
            ("/api/v1/training_runs/{run}", "api/v1/training_runs/{}"),
        ] {
            assert_eq!(normal(path), expected);
        }
    }

    #[test]
    fn a_name_may_be_written_with_its_collection() {
        assert_eq!(
            spellings("{name}", Some("cachedContents")),
            ["{}", "cachedContents/{}"]
        );
        assert_eq!(
            spellings("{model}:countTokens", Some("models")),
            ["{}:countTokens", "models/{}:countTokens"]
        );
        assert_eq!(
            spellings("batches/{name}:cancel", Some("batches")),
            ["batches/{}:cancel", "{}:cancel"]
        );
        let documents = Some("fileSearchStores/{}/documents");
        assert_eq!(
            spellings("{name}", documents),
            ["{}", "fileSearchStores/{}/documents/{}"]
        );
        assert_eq!(
            spellings("{parent}/documents", documents),
            ["{}/documents", "fileSearchStores/{}/documents"]
        );
        assert_eq!(
            spellings("cachedContents", Some("cachedContents")),
            ["cachedContents"]
        );
    }

    #[test]
    fn the_checked_in_inventories_are_complete() {
        let gemini = gemini(include_str!("../../reference/gemini-calls.json")).unwrap();
        let tinker = tinker(include_str!("../../reference/tinker-calls.json")).unwrap();
        assert_eq!((gemini.calls.len(), tinker.calls.len()), (50, 46));
        let mut ids: Vec<_> = gemini
            .calls
            .iter()
            .chain(&tinker.calls)
            .map(|call| &call.id)
            .collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 96);
    }
}
