//! Reads the few facts of a `Cargo.toml` that `cargo metadata` does not tell.
//!
//! It knows sections, keys and values that may span lines. It is no TOML parser: multi-line
//! strings and dates do not occur in our manifests, and cargo itself rejects broken files.

/// One `key = value` line of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Name of the section, as between the brackets; empty before the first one.
    pub(crate) section: String,
    /// Key as written.
    pub(crate) key: String,
    /// Value as written, its lines joined by a space, without comments.
    pub(crate) value: String,
    /// Line of the key, counted from 1.
    pub(crate) line: usize,
}

/// A dependency as a manifest declares it, whatever form it is written in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Declared {
    /// Key of the dependency.
    pub(crate) name: String,
    /// Line of its first mention, counted from 1.
    pub(crate) line: usize,
    /// Its fields, such as `workspace` or `features`; a bare version is the field `version`.
    pub(crate) fields: Vec<(String, String)>,
}

impl Declared {
    /// The value of a field as written.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Every entry of a manifest, in order.
pub(crate) fn entries(text: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut section = String::new();
    let mut open = false;
    for (index, raw) in text.lines().enumerate() {
        let line = strip_comment(raw).trim();
        if line.is_empty() {
            continue;
        }
        if open {
            if let Some(last) = entries.last_mut() {
                last.value.push(' ');
                last.value.push_str(line);
                open = depth(&last.value) > 0;
            }
            continue;
        }
        if line.starts_with('[') {
            section = line
                .trim_matches(|c| c == '[' || c == ']')
                .trim()
                .to_owned();
            continue;
        }
        if let Some((key, value)) = line.split_once('=') {
            open = depth(value) > 0;
            entries.push(Entry {
                section: section.clone(),
                key: key.trim().to_owned(),
                value: value.trim().to_owned(),
                line: index + 1,
            });
        }
    }
    entries
}

/// Every dependency declared in a section `is_table` accepts, or in a sub-section of one.
pub(crate) fn dependencies(text: &str, is_table: impl Fn(&str) -> bool) -> Vec<Declared> {
    let mut found: Vec<Declared> = Vec::new();
    let mut previous_table = String::new();
    for entry in entries(text) {
        let (table, name, fields) = if is_table(&entry.section) {
            let (name, field) = match entry.key.split_once('.') {
                Some((name, field)) => (name.to_owned(), Some(field.to_owned())),
                None => (entry.key.clone(), None),
            };
            let fields = match field {
                Some(field) => vec![(field, entry.value.clone())],
                None if entry.value.starts_with('{') => inline_fields(&entry.value),
                None => vec![("version".to_owned(), entry.value.clone())],
            };
            (entry.section.clone(), name, fields)
        } else if let Some((table, name)) = entry.section.rsplit_once('.')
            && is_table(table)
        {
            (
                table.to_owned(),
                name.to_owned(),
                vec![(entry.key, entry.value)],
            )
        } else {
            continue;
        };
        // Fields of one dependency stand together, so only the last one can be continued.
        match found.last_mut() {
            Some(last) if last.name == name && previous_table == table => {
                last.fields.extend(fields);
            }
            _ => found.push(Declared {
                name,
                line: entry.line,
                fields,
            }),
        }
        previous_table = table;
    }
    found
}

/// Whether a section of a member's manifest lists dependencies.
pub(crate) fn is_dependency_table(section: &str) -> bool {
    let last = section.rsplit('.').next().unwrap_or(section);
    matches!(
        last,
        "dependencies" | "dev-dependencies" | "build-dependencies"
    ) && (section == last || section.starts_with("target."))
}

/// The top-level fields of an inline table.
fn inline_fields(value: &str) -> Vec<(String, String)> {
    let inner = value.trim().trim_start_matches('{').trim_end_matches('}');
    let mut fields = Vec::new();
    let mut start = 0;
    let mut level = 0_i32;
    let mut quoted = false;
    for (index, character) in inner.char_indices().chain([(inner.len(), ',')]) {
        match character {
            '"' => quoted = !quoted,
            '[' | '{' if !quoted => level += 1,
            ']' | '}' if !quoted => level -= 1,
            ',' if !quoted && level == 0 => {
                if let Some((key, value)) = inner[start..index].split_once('=') {
                    fields.push((key.trim().to_owned(), value.trim().to_owned()));
                }
                start = index + 1;
            }
            _ => {}
        }
    }
    fields
}

fn strip_comment(line: &str) -> &str {
    let mut quoted = false;
    for (index, character) in line.char_indices() {
        match character {
            '"' => quoted = !quoted,
            '#' if !quoted => return &line[..index],
            _ => {}
        }
    }
    line
}

fn depth(value: &str) -> i32 {
    let mut quoted = false;
    let mut level = 0;
    for character in value.chars() {
        match character {
            '"' => quoted = !quoted,
            '[' | '{' if !quoted => level += 1,
            ']' | '}' if !quoted => level -= 1,
            _ => {}
        }
    }
    level
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"
[package]
name = "demo" # with a comment

[dependencies]
plain = "1"
short.workspace = true
inline = { workspace = true, features = ["a", "b"] }
long = { version = "2", features = [
    "x",
    "y",
] }

[dependencies.sub]
workspace = true
optional = true

[target.'cfg(unix)'.dev-dependencies]
unix = { path = "../unix" }
"#;

    #[test]
    fn every_form_of_a_dependency_is_read() {
        let found = dependencies(MANIFEST, is_dependency_table);
        let names: Vec<_> = found.iter().map(|d| d.name.as_str()).collect();
        assert_eq!(names, ["plain", "short", "inline", "long", "sub", "unix"]);
        assert_eq!(found[0].field("version"), Some("\"1\""));
        assert_eq!(found[1].field("workspace"), Some("true"));
        assert_eq!(found[2].field("workspace"), Some("true"));
        assert_eq!(found[2].field("features"), Some("[\"a\", \"b\"]"));
        assert_eq!(found[3].field("features"), Some("[ \"x\", \"y\", ]"));
        assert_eq!(found[4].fields.len(), 2);
        assert_eq!(found[5].field("path"), Some("\"../unix\""));
    }

    #[test]
    fn lines_and_comments() {
        let entries = entries(MANIFEST);
        assert_eq!(entries[0].value, "\"demo\"");
        assert_eq!(entries[0].line, 3);
    }

    #[test]
    fn only_dependency_tables_are_dependency_tables() {
        assert!(is_dependency_table("dependencies"));
        assert!(is_dependency_table("target.'cfg(windows)'.dependencies"));
        assert!(!is_dependency_table("workspace.dependencies"));
        assert!(!is_dependency_table("package.metadata.dependencies"));
        assert!(!is_dependency_table("features"));
    }
}
