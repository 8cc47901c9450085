//! All tests of the crates, with the ids they carry and everything they and their helpers mention.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::scan::{self, Function, Words};
use crate::parity::surface::Parsed;

const TAG: &str = "Covers:";

/// A test function.
#[derive(Clone, Debug)]
pub(crate) struct TestCase {
    /// Source file and path inside of it: `crates/api/tests/pager.rs::pages_come`.
    pub(crate) key: String,
    /// Source file.
    pub(crate) file: String,
    /// Line of its name.
    pub(crate) line: usize,
    /// Folder of the crate.
    pub(crate) package: String,
    /// Root file of the test binary, from the folder of the crate.
    pub(crate) target: String,
    /// The name the test binary prints.
    pub(crate) path: String,
    /// Digest of its source and of its helpers'.
    pub(crate) digest: String,
    /// Whether it only runs when asked for.
    pub(crate) is_ignored: bool,
    /// Ids of `Covers:` tags.
    pub(crate) tags: Vec<String>,
    /// Words of its comments, for ids such as `RT-1`.
    pub(crate) remarks: BTreeSet<String>,
    /// What it mentions.
    pub(super) words: Words,
}

impl TestCase {
    /// Whether the test carries the id of a check: in its name, a module, a tag or a comment.
    pub(crate) fn carries(&self, id: &str) -> bool {
        // `planner A1` is carried as `A1`, `CHK-RT-1` also as `RT-1`.
        let short = id.rsplit(' ').next().unwrap_or(id);
        let bare = short
            .strip_prefix("CHK-")
            .or_else(|| short.strip_prefix("AC-"))
            .unwrap_or(short);
        let named = [short, bare].into_iter().any(|form| {
            let joined = form.to_lowercase().replace('-', "_");
            self.path
                .split("::")
                .any(|part| starts_with_word(part, &joined))
        });
        let noted = [short, bare]
            .into_iter()
            .any(|form| form.contains('-') && self.remarks.contains(form));
        named || noted || self.tags.iter().any(|tag| tag == short || tag == bare)
    }
}

fn starts_with_word(text: &str, word: &str) -> bool {
    text.strip_prefix(word)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
}

/// Finds all tests, sorted by key.
pub(crate) fn find(parsed: &[Parsed]) -> Vec<TestCase> {
    let mut groups: BTreeMap<String, Vec<(&Parsed, Place)>> = BTreeMap::new();
    for file in parsed {
        if let Some(place) = Place::of(&file.path) {
            // Unit tests use helpers of their own file only.
            let scope = if place.is_unit {
                file.path.clone()
            } else {
                format!("{}/{}", place.package, place.target)
            };
            groups.entry(scope).or_default().push((file, place));
        }
    }
    // `tests/common` belongs to every test binary beside it.
    let mut common: BTreeMap<String, Vec<Function>> = BTreeMap::new();
    for file in parsed {
        if let Some((package, _)) = file.path.split_once("/tests/common/") {
            let helpers = common.entry(package.to_owned()).or_default();
            helpers.extend(scan::functions(&file.text));
        }
    }

    let mut cases = Vec::new();
    for files in groups.values() {
        let scanned: Vec<_> = files
            .iter()
            .map(|(file, place)| (*file, place, scan::functions(&file.text)))
            .collect();
        let mut helpers: BTreeMap<&str, Vec<&Function>> = BTreeMap::new();
        for (_, place, functions) in &scanned {
            let shared = common.get(&place.package).filter(|_| !place.is_unit);
            for function in functions.iter().chain(shared.into_iter().flatten()) {
                let is_helper = !is_test(function) && (function.is_test_only || !place.is_unit);
                if is_helper || place.is_test_file {
                    helpers.entry(&function.name).or_default().push(function);
                }
            }
        }
        for (file, place, functions) in &scanned {
            for function in functions.iter().filter(|function| is_test(function)) {
                cases.push(case(file, place, function, &helpers));
            }
        }
    }
    cases.sort_by(|a, b| a.key.cmp(&b.key));
    cases.dedup_by(|a, b| a.key == b.key);
    cases
}

fn case(
    file: &Parsed,
    place: &Place,
    function: &Function,
    helpers: &BTreeMap<&str, Vec<&Function>>,
) -> TestCase {
    let mut words = function.words.clone();
    let mut used: BTreeMap<(&str, usize), &str> = BTreeMap::new();
    let mut open: Vec<String> = words.all.iter().cloned().collect();
    while let Some(word) = open.pop() {
        let Some((name, found)) = helpers.get_key_value(word.as_str()) else {
            continue;
        };
        for helper in found.iter().filter(|helper| helper.name != function.name) {
            if used.insert((name, helper.line), &helper.text).is_none() {
                open.extend(helper.words.all.iter().cloned());
                words.extend(&helper.words);
            }
        }
    }
    let mut hasher = Sha256::new();
    hasher.update(function.attributes.join(" "));
    hasher.update(&function.text);
    for text in used.values() {
        hasher.update(text);
    }
    let digest: String = hasher
        .finalize()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();

    let (tags, remarks) = comments(&file.text, function.line);
    let inside: Vec<&str> = function.modules.iter().map(String::as_str).collect();
    let parts = |outer: &[String]| {
        let outer = outer.iter().map(String::as_str);
        let all: Vec<&str> = outer
            .chain(inside.iter().copied())
            .chain([function.name.as_str()])
            .collect();
        all.join("::")
    };
    TestCase {
        key: format!("{}::{}", file.path, parts(&[])),
        file: file.path.clone(),
        line: function.line,
        package: place.package.clone(),
        target: place.target.clone(),
        path: parts(&place.modules),
        digest,
        is_ignored: function
            .attributes
            .iter()
            .any(|attribute| attribute.starts_with("ignore")),
        tags,
        remarks,
        words,
    }
}

fn is_test(function: &Function) -> bool {
    function.attributes.iter().any(|attribute| {
        let name = attribute.split(['(', '=']).next().unwrap_or(attribute);
        let last = name.rsplit("::").next().unwrap_or(name);
        matches!(last, "test" | "test_case" | "rstest")
    })
}

/// Tags and words of the comment lines above a function; attributes may stand in between.
fn comments(text: &str, line: usize) -> (Vec<String>, BTreeSet<String>) {
    let lines: Vec<&str> = text.lines().collect();
    // The name may stand below `async` or a visibility, never below a blank line.
    let above = lines[..line.saturating_sub(1).min(lines.len())].iter();
    let above = above.rev().map(|line| line.trim()).take_while(|line| {
        let ends = line.is_empty() || line.ends_with('}') || line.ends_with(';');
        !ends
    });
    let comments = above.filter_map(|line| line.strip_prefix("//"));
    let mut comments: Vec<&str> = comments
        .map(|comment| comment.trim_start_matches('/').trim())
        .collect();
    comments.reverse();

    let (mut tags, mut remarks) = (Vec::new(), BTreeSet::new());
    let mut goes_on = false;
    for comment in comments {
        let ids = comment.strip_prefix(TAG).or(goes_on.then_some(comment));
        // A list that ends with a comma goes on in the next line.
        goes_on = ids.is_some_and(|ids| ids.ends_with(','));
        tags.extend(
            ids.unwrap_or_default()
                .split([',', ' '])
                .map(|id| id.trim_matches(['`', '.']))
                .filter(|id| !id.is_empty())
                .map(str::to_owned),
        );
        remarks.extend(
            comment
                .split(|c: char| !(c.is_alphanumeric() || c == '-'))
                .map(str::to_owned),
        );
    }
    (tags, remarks)
}

/// Which test binary a file belongs to.
struct Place {
    package: String,
    target: String,
    modules: Vec<String>,
    is_unit: bool,
    is_test_file: bool,
}

impl Place {
    fn of(path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.split('/').collect();
        let (package, folder, rest) = (parts.get(..2)?.join("/"), *parts.get(2)?, &parts[3..]);
        let file = rest.last()?.strip_suffix(".rs")?;
        let folders = &rest[..rest.len() - 1];
        let mut modules: Vec<String> = folders.iter().map(|part| (*part).to_owned()).collect();
        match folder {
            "src" => {
                let target = match (folders.first(), file) {
                    (Some(&"bin"), name) => {
                        modules.clear();
                        format!("src/bin/{name}.rs")
                    }
                    (None, "main") => "src/main.rs".to_owned(),
                    (_, name) => {
                        if !matches!(name, "mod" | "lib") {
                            modules.push(name.to_owned());
                        }
                        // A crate without a library has its modules in the binary.
                        "src/lib.rs".to_owned()
                    }
                };
                Some(Self {
                    package,
                    target,
                    modules,
                    is_unit: true,
                    is_test_file: file == "tests",
                })
            }
            "tests" => {
                let target = match folders.first() {
                    Some(&"common") => return None,
                    Some(name) => format!("tests/{name}/main.rs"),
                    None => format!("tests/{file}.rs"),
                };
                if !modules.is_empty() {
                    modules.remove(0);
                    if !matches!(file, "main" | "mod") {
                        modules.push(file.to_owned());
                    }
                }
                Some(Self {
                    package,
                    target,
                    modules,
                    is_unit: false,
                    is_test_file: true,
                })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parity::surface::parse_all;
    use crate::sources::SourceFile;

    fn cases(files: &[(&str, &str)]) -> Vec<TestCase> {
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| SourceFile::new(*path, *text))
            .collect();
        find(&parse_all(&files).unwrap())
    }

    const INTEGRATION: &str = "//! Tests.\n\
        fn start() -> Server { Server::new() }\n\
        /// RT-1 as well.\n\
        ///\n\
        /// Covers: caches.create,\n\
        /// caches.get\n\
        #[tokio::test]\n\
        async fn b1_lifecycle() { start(); }\n\
        #[test]\n#[ignore = \"slow\"]\nfn slow() {}\n";

    #[test]
    fn tests_know_their_binary_tags_and_helpers() {
        let found = cases(&[
            ("crates/client/tests/planner/creation.rs", INTEGRATION),
            (
                "crates/types/src/wire/mod.rs",
                "#[cfg(test)] mod tests { #[test] fn chk_sd_3_delays() {} }",
            ),
        ]);
        let short: Vec<_> = found
            .iter()
            .map(|t| (t.target.as_str(), t.path.as_str(), t.is_ignored))
            .collect();
        assert_eq!(
            short,
            [
                ("tests/planner/main.rs", "creation::b1_lifecycle", false),
                ("tests/planner/main.rs", "creation::slow", true),
                ("src/lib.rs", "wire::tests::chk_sd_3_delays", false),
            ]
        );
        assert_eq!(found[0].tags, ["caches.create", "caches.get"]);
        assert!(found[0].words.all.contains("Server"));
        assert!(found[0].carries("planner B1") && found[0].carries("CHK-RT-1"));
        assert!(!found[0].carries("planner B11") && !found[0].carries("planner B2"));
        assert!(found[2].carries("CHK-SD-3") && !found[2].carries("CHK-SD-31"));
    }

    #[test]
    fn the_digest_follows_helpers_but_not_layout() {
        let path = "crates/client/tests/a.rs";
        let digest = |text: &str| cases(&[(path, text)])[0].digest.clone();
        let spaced = INTEGRATION.replace("{ start(); }", "{\n    start();\n}");
        assert_eq!(digest(INTEGRATION), digest(&spaced));
        let helper = INTEGRATION.replace("Server::new()", "Server::old()");
        assert_ne!(digest(INTEGRATION), digest(&helper));
    }
}
