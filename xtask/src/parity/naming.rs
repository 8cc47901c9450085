//! Normal forms: what makes a Python name and a Rust name, or two paths, the same.
//!
//! Nothing here looks anything up; it only spells.

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

/// Groups of calls that the reference's client calls otherwise than its modules.
const GROUPS: &[(&str, &str)] = &[
    ("auth_tokens.", "tokens."),
    ("file_search_stores.documents.", "documents."),
];

/// The name of a call by its module: `auth_tokens.create` is `tokens.create`.
pub(crate) fn call(name: &str) -> String {
    let group = GROUPS
        .iter()
        .find_map(|(group, module)| Some((module, name.strip_prefix(group)?)));
    match group {
        Some((module, rest)) => format!("{module}{rest}"),
        None => name.to_owned(),
    }
}

/// A name without case and punctuation: `KLDivergence`, `kl_divergence` and `KlDivergence` agree.
pub(crate) fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// `snake_case` as lower camel case.
pub(crate) fn lower_camel(snake: &str) -> String {
    let mut out = String::new();
    for (index, word) in snake.split('_').filter(|word| !word.is_empty()).enumerate() {
        let mut letters = word.chars();
        match letters.next() {
            Some(first) if index > 0 => out.extend(first.to_uppercase()),
            Some(first) => out.push(first),
            None => {}
        }
        out.extend(letters);
    }
    out
}

/// `CamelCase` as words in lower case, joined by `separator`.
pub(crate) fn split_words(camel: &str, separator: char) -> String {
    let mut out = String::new();
    let mut previous_is_lower = false;
    for character in camel.chars() {
        if character.is_uppercase() && previous_is_lower {
            out.push(separator);
        }
        previous_is_lower = character.is_lowercase() || character.is_ascii_digit();
        if character == '_' {
            out.push(separator);
        } else {
            out.extend(character.to_lowercase());
        }
    }
    out
}

/// The form of a name that `#[serde(rename_all = "…")]` gives it.
pub(crate) fn renamed_all(rule: &str, name: &str) -> String {
    let snake = split_words(name, '_');
    match rule {
        "lowercase" => name.to_lowercase(),
        "UPPERCASE" => name.to_uppercase(),
        "snake_case" => snake,
        "SCREAMING_SNAKE_CASE" => snake.to_uppercase(),
        "kebab-case" => snake.replace('_', "-"),
        "SCREAMING-KEBAB-CASE" => snake.replace('_', "-").to_uppercase(),
        "camelCase" => lower_camel(&snake),
        "PascalCase" => {
            let camel = lower_camel(&snake);
            let mut letters = camel.chars();
            letters
                .next()
                .map(|first| first.to_uppercase().chain(letters).collect())
                .unwrap_or_default()
        }
        _ => name.to_owned(),
    }
}

/// Whether `text` fits `pattern`, in which `*` stands for any characters.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut rest = rest;
    let mut open = false;
    for part in parts {
        open = true;
        if part.is_empty() {
            continue;
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    // The last piece must stand at the end, wherever it was found first.
    let last = pattern.rsplit('*').next().unwrap_or_default();
    if open {
        last.is_empty() || (text.ends_with(last) && text.len() >= pattern.len() - 1)
    } else {
        rest.is_empty()
    }
}

/// The normal form of a path: no leading slash or version, placeholders without names.
pub(crate) fn path(path: &str) -> String {
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
pub(crate) fn path_spellings(written: &str, module: &str) -> Vec<String> {
    if written == MODELS_URL {
        return vec![path(written), "tunedModels".to_owned()];
    }
    let normal = path(written);
    let mut all = vec![normal.clone()];
    let collection = COLLECTIONS.iter().find(|(name, _)| *name == module);
    if let Some((_, collection)) = collection {
        if normal.starts_with("{}") && normal != format!("{{}}/{collection}") {
            let parent = collection
                .strip_suffix("/documents")
                .filter(|_| normal.contains('/'));
            all.push(match parent {
                Some(parent) => format!("{parent}{}", &normal[2..]),
                None => format!("{collection}/{normal}"),
            });
        } else if let Some(rest) = normal.strip_prefix(collection)
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
    fn names_agree_across_styles() {
        assert_eq!(plain("KLDivergence"), plain("kl_divergence"));
        assert_eq!(lower_camel("kms_key_name"), "kmsKeyName");
        assert_eq!(split_words("MaxTokens", '_'), "max_tokens");
        assert_eq!(
            renamed_all("SCREAMING_SNAKE_CASE", "MaxTokens"),
            "MAX_TOKENS"
        );
        assert_eq!(renamed_all("camelCase", "max_tokens"), "maxTokens");
        assert_eq!(renamed_all("PascalCase", "max_tokens"), "MaxTokens");
    }

    #[test]
    fn calls_are_named_by_their_module() {
        assert_eq!(call("auth_tokens.create"), "tokens.create");
        assert_eq!(call("file_search_stores.documents.get"), "documents.get");
        assert_eq!(call("file_search_stores.get"), "file_search_stores.get");
    }

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, text, expected) in [
            ("a.*", "a.b", true),
            ("a.*", "b.a.", false),
            ("*.b", "a.b", true),
            ("*.b", "a.b.c", false),
            ("a*c", "abc", true),
            ("a*b*c", "a1b2c", true),
            ("abc", "abc", true),
            ("abc", "abcd", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn paths_have_one_normal_form() {
        for (written, expected) in [
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
            ("/{api_version}/interactions/{id}", "interactions/{}"),
        ] {
            assert_eq!(path(written), expected);
        }
    }

    #[test]
    fn a_name_may_be_written_with_its_collection() {
        assert_eq!(
            path_spellings("{name}", "caches"),
            ["{}", "cachedContents/{}"]
        );
        assert_eq!(
            path_spellings("{model}:countTokens", "models"),
            ["{}:countTokens", "models/{}:countTokens"]
        );
        assert_eq!(
            path_spellings("batches/{name}:cancel", "batches"),
            ["batches/{}:cancel", "{}:cancel"]
        );
        assert_eq!(
            path_spellings("{name}", "documents"),
            ["{}", "fileSearchStores/{}/documents/{}"]
        );
        assert_eq!(
            path_spellings("{parent}/documents", "documents"),
            ["{}/documents", "fileSearchStores/{}/documents"]
        );
        assert_eq!(
            path_spellings("cachedContents", "caches"),
            ["cachedContents"]
        );
    }
}
