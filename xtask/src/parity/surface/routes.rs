//! Finds our routes: doc lines `Route: VERB path` in the sources of the api crate.
//!
//! It only reads text. Which reference call a route belongs to is decided in `matching`.

use crate::parity::naming;
use crate::sources::SourceFile;

const FOLDER: &str = "crates/api/src/";
const TAG: &str = "Route:";
const VERBS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE"];

/// One route of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    /// HTTP verb.
    pub(crate) verb: String,
    /// Path in the normal form of the reference.
    pub(crate) path: String,
    /// Path as written.
    pub(crate) written: String,
    /// Name of the function or struct the doc line belongs to.
    pub(crate) item: String,
    /// Source file.
    pub(crate) file: String,
    /// Line of the doc line, counted from 1.
    pub(crate) line: usize,
}

impl Route {
    /// Whether the source file, or a folder on its path, is named like `module`.
    pub(crate) fn is_in_module(&self, module: &str) -> bool {
        self.file
            .trim_end_matches(".rs")
            .split('/')
            .any(|part| part == module)
    }
}

/// Every route documented in the api crate, in the order of the sources.
pub(super) fn find(files: &[SourceFile]) -> Vec<Route> {
    files
        .iter()
        .filter(|file| file.path.starts_with(FOLDER) && file.is_rust())
        .flat_map(find_in_file)
        .collect()
}

fn find_in_file(file: &SourceFile) -> Vec<Route> {
    let mut routes = Vec::new();
    let mut open: Vec<Route> = Vec::new();
    for (number, line) in file.lines() {
        let line = line.trim();
        if let Some((verb, written)) = tag(line) {
            open.push(Route {
                verb: verb.to_owned(),
                path: naming::path(written),
                written: written.to_owned(),
                item: String::new(),
                file: file.path.clone(),
                line: number,
            });
        } else if let Some(item) = item_name(line) {
            for mut route in open.drain(..) {
                route.item = item.to_owned();
                routes.push(route);
            }
        }
    }
    routes
}

fn tag(line: &str) -> Option<(&str, &str)> {
    let text = line
        .strip_prefix("///")?
        .trim_start()
        .trim_start_matches(['-', '*', ' ', '`']);
    let text = text.strip_prefix(TAG)?.trim().trim_matches(['`', '.']);
    let (verb, path) = text.split_once(' ')?;
    VERBS.contains(&verb).then_some((verb, path.trim()))
}

/// The name of the function or struct a line declares.
fn item_name(line: &str) -> Option<&str> {
    if line.starts_with("//") || line.starts_with('#') {
        return None;
    }
    let mut words = line.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    words.find(|word| matches!(*word, "fn" | "struct"))?;
    words.find(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_belongs_to_the_next_function() {
        let text = "//! Caches.\n\
                    /// Creates a cache.\n\
                    ///\n\
                    /// Route: POST cachedContents\n\
                    #[must_use]\n\
                    pub async fn create(&self) {}\n\
                    /// Reads one.\n\
                    /// Route: `GET {name}`.\n\
                    pub fn get(&self) {}\n";
        let files = [SourceFile::new("crates/api/src/gemini/caches.rs", text)];
        let routes = find(&files);
        let short: Vec<_> = routes
            .iter()
            .map(|r| (r.verb.as_str(), r.path.as_str(), r.item.as_str(), r.line))
            .collect();
        assert_eq!(
            short,
            [
                ("POST", "cachedContents", "create", 4),
                ("GET", "{}", "get", 8)
            ]
        );
        assert!(routes[0].is_in_module("caches"));
        assert!(!routes[0].is_in_module("cache"));
    }

    #[test]
    fn other_crates_and_loose_tags_do_not_count() {
        let files = [
            SourceFile::new(
                "crates/client/src/a.rs",
                "/// Route: GET files\nfn f() {}\n",
            ),
            SourceFile::new("crates/api/src/a.rs", "/// Route: GET files\n"),
            SourceFile::new("crates/api/src/b.rs", "// Route: GET files\nfn f() {}\n"),
            SourceFile::new(
                "crates/api/src/c.rs",
                "/// Route: somewhere else\nfn f() {}\n",
            ),
        ];
        assert!(find(&files).is_empty());
    }
}
