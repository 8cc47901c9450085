//! Which passing test speaks for which type, field, method, call and check.
//!
//! A test speaks for a call when it is tagged with it. For anything else it has to mention it, and
//! to have the type at hand: named, returned by what it calls, or held by a type it has at hand.
//! That reading is by name; it can overlook a test, which costs a row its status, and the more
//! common a name is, the more it asks for.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::fixtures::{self, Member};
use super::ledger::{Ledger, State};
use super::suite::TestCase;
use crate::parity::naming;
use crate::parity::surface::{Method, Surface};
use crate::sources::SourceFile;

/// A method name that more types have must be called on something of the right type.
const COMMON: usize = 3;

/// Tests by what they speak for.
#[derive(Debug, Default)]
pub(crate) struct Proofs {
    types: HashMap<String, Vec<usize>>,
    members: HashMap<Member, Vec<usize>>,
    tags: BTreeMap<String, Vec<usize>>,
    commands: Vec<(usize, BTreeSet<String>)>,
    files: BTreeMap<String, Vec<usize>>,
    keys: Vec<String>,
    states: Vec<State>,
}

impl Proofs {
    /// Reads all tests against the surface. `types_of_call` are the types a call works with.
    pub(crate) fn gather(
        files: &[SourceFile],
        surface: &Surface,
        cases: &[TestCase],
        ledger: &Ledger,
        types_of_call: &BTreeMap<String, BTreeSet<String>>,
    ) -> Self {
        let fixtures = fixtures::walk_all(files, surface, types_of_call);
        let index = Index::of(surface);
        let mut proofs = Self::default();
        for (number, case) in cases.iter().enumerate() {
            let state = ledger.state(case);
            proofs.keys.push(case.key.clone());
            proofs.states.push(state);
            for tag in &case.tags {
                proofs.tags.entry(tag.clone()).or_default().push(number);
            }
            if state != State::Passed {
                continue;
            }
            proofs
                .files
                .entry(case.file.clone())
                .or_default()
                .push(number);
            if case.file.starts_with("crates/cli/tests/") {
                proofs.commands.push((number, case.words.all.clone()));
            }
            let at_hand = index.at_hand(surface, case, types_of_call);
            for name in &at_hand {
                proofs.add_type(name, number);
                proofs.add_members(surface, &index, case, name, &at_hand, number);
            }
            for (path, members) in &fixtures {
                let reads = case.words.files.iter().any(|file| {
                    let end = file.trim_start_matches("../").trim_start_matches("./");
                    path.ends_with(end)
                });
                if reads {
                    for member in members {
                        proofs.add_type(&member.0, number);
                        proofs.add_member(member.clone(), number);
                    }
                }
            }
        }
        proofs
    }

    fn add_type(&mut self, name: &str, test: usize) {
        let tests = self.types.entry(name.to_owned()).or_default();
        if tests.last() != Some(&test) {
            tests.push(test);
        }
    }

    fn add_member(&mut self, member: Member, test: usize) {
        let tests = self.members.entry(member).or_default();
        if tests.last() != Some(&test) {
            tests.push(test);
        }
    }

    fn add_members(
        &mut self,
        surface: &Surface,
        index: &Index<'_>,
        case: &TestCase,
        owner: &str,
        at_hand: &BTreeSet<String>,
        test: usize,
    ) {
        let words = &case.words;
        for (_, item) in surface.named(owner) {
            for field in &item.fields {
                let setters = ["set_", "with_"].map(|prefix| format!("{prefix}{}", field.rust));
                let wire = field.wire.as_ref().is_some_and(|w| words.all.contains(w));
                if wire
                    || words.all.contains(&field.rust)
                    || setters.iter().any(|setter| words.calls.contains(setter))
                {
                    self.add_member((owner.to_owned(), field.rust.clone()), test);
                }
            }
            for variant in &item.variants {
                let pair = (owner.to_owned(), variant.rust.clone());
                let named = words.all.contains(owner) && words.all.contains(&variant.rust);
                let sent = variant.wire.as_ref().is_some_and(|w| words.all.contains(w));
                if words.pairs.contains(&pair) || named || sent {
                    self.add_member((owner.to_owned(), variant.rust.clone()), test);
                }
            }
        }
        for method in surface.methods_of(owner) {
            if words.calls.contains(&method.name) && index.is_called(case, method, at_hand) {
                self.add_member((owner.to_owned(), method.name.clone()), test);
            }
        }
    }

    /// Passing tests that have a type at hand.
    pub(crate) fn of_type(&self, name: &str) -> Vec<&str> {
        self.named(self.types.get(name))
    }

    /// Passing tests that use a field, value or method.
    pub(crate) fn of_member(&self, owner: &str, name: &str) -> Vec<&str> {
        self.named(self.members.get(&(owner.to_owned(), name.to_owned())))
    }

    /// Passing tests of the command line that name every word of a command.
    pub(crate) fn of_command(&self, path: &str) -> Vec<&str> {
        let words: Vec<&str> = path.split([' ', '-']).skip(1).collect();
        let tests = self
            .commands
            .iter()
            .filter(|(_, named)| words.iter().all(|word| named.contains(*word)));
        tests.map(|(test, _)| self.keys[*test].as_str()).collect()
    }

    /// Passing tests that lie in a file.
    pub(crate) fn in_file(&self, file: &str) -> Vec<&str> {
        self.named(self.files.get(file))
    }

    fn named(&self, tests: Option<&Vec<usize>>) -> Vec<&str> {
        let tests = tests.map_or(&[][..], Vec::as_slice);
        tests.iter().map(|&test| self.keys[test].as_str()).collect()
    }

    /// Tests tagged with an id, with what is known of them.
    pub(crate) fn tagged(&self, id: &str) -> Vec<(&str, State)> {
        let tests = self.tags.get(id).map_or(&[][..], Vec::as_slice);
        tests
            .iter()
            .map(|&test| (self.keys[test].as_str(), self.states[test]))
            .collect()
    }

    /// Every id in use.
    pub(crate) fn tags(&self) -> impl Iterator<Item = &str> {
        self.tags.keys().map(String::as_str)
    }
}

/// Names of the surface by what they lead to.
struct Index<'a> {
    /// Fields by their names: the owner and the types they hold.
    fields: HashMap<&'a str, Vec<(&'a str, &'a [String])>>,
    /// How many types have a method of a name.
    owners: HashMap<&'a str, usize>,
    /// Methods and functions by the types they return.
    makers: HashMap<&'a str, HashSet<&'a str>>,
}

impl<'a> Index<'a> {
    fn of(surface: &'a Surface) -> Self {
        let mut index = Self {
            fields: HashMap::new(),
            owners: HashMap::new(),
            makers: HashMap::new(),
        };
        for item in &surface.items {
            for field in &item.fields {
                let entry = (item.name.as_str(), field.types.as_slice());
                index.fields.entry(&field.rust).or_default().push(entry);
                if let Some(wire) = field.wire.as_deref().filter(|wire| *wire != field.rust) {
                    index.fields.entry(wire).or_default().push(entry);
                }
            }
        }
        for method in &surface.methods {
            *index.owners.entry(&method.name).or_default() += 1;
            for name in &method.returns {
                let made = if name == "Self" { &method.owner } else { name };
                index.makers.entry(made).or_default().insert(&method.name);
            }
        }
        index
    }

    /// Every type a test has at hand.
    fn at_hand(
        &self,
        surface: &Surface,
        case: &TestCase,
        types_of_call: &BTreeMap<String, BTreeSet<String>>,
    ) -> BTreeSet<String> {
        let words = &case.words;
        let mut found: BTreeSet<String> = words
            .all
            .iter()
            .filter(|word| surface.has_type(word))
            .cloned()
            .collect();
        for tag in &case.tags {
            found.extend(types_of_call.get(tag).into_iter().flatten().cloned());
        }
        // Unit tests have the types of their own file at hand by its functions alone.
        loop {
            let before = found.len();
            for word in &words.all {
                for (owner, types) in self.fields.get(word.as_str()).into_iter().flatten() {
                    if found.contains(*owner) {
                        let held = types.iter().filter(|name| surface.has_type(name));
                        found.extend(held.cloned());
                    }
                }
            }
            for call in &words.calls {
                for method in surface.methods_named(call) {
                    if !found.contains(&method.owner) && !method.owner.is_empty() {
                        continue;
                    }
                    let params = method.params.iter().flat_map(|param| &param.types);
                    let made = method.returns.iter().chain(params);
                    found.extend(made.filter(|name| surface.has_type(name)).cloned());
                }
            }
            if found.len() == before {
                return found;
            }
        }
    }

    /// Whether a call in a test is a call of this method and not of a namesake.
    fn is_called(&self, case: &TestCase, method: &Method, at_hand: &BTreeSet<String>) -> bool {
        if method.owner.is_empty() {
            return true;
        }
        let owners = self.owners.get(method.name.as_str()).copied().unwrap_or(0);
        if owners <= COMMON && at_hand.contains(&method.owner) {
            return true;
        }
        let owner = naming::plain(&method.owner);
        let makers = self.makers.get(method.owner.as_str());
        case.words.pairs.iter().any(|(before, name)| {
            *name == method.name
                && (naming::plain(before) == owner
                    || makers.is_some_and(|makers| makers.contains(before.as_str())))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parity::evidence::{find_tests, parse_log};
    use crate::parity::surface::{parse_all, read};

    const TYPES: &str = "wire! { pub struct Cache { pub usage: Option<Usage>, pub name: Option<String>, }\n\
         pub struct Usage { pub total_count: Option<i32>, pub text_count: Option<i32>, } }";
    const CLIENT: &str = "impl Client { pub fn caches(&self) -> Caches { x } }\n\
         impl Caches { pub fn get(&self, name: &str) -> GetCache { x } pub fn list(&self) -> Pager { x } }\n\
         impl GetCache { pub async fn send(self) -> Result<Response<Cache>, Error> { x } }\n\
         pub struct Client; pub struct Caches; pub struct GetCache;";
    const TEST: &str = "fn client() -> Client { Client::new() }\n\
         /// Covers: caches.get\n\
         #[test] fn reads() { let cache = client().caches().get(\"a\").send().await?;\n\
         assert_eq!(cache.usage.total_count, 3); }\n";

    fn proofs(log: &str) -> Proofs {
        let files = [
            SourceFile::new("crates/types/src/gemini/a.rs", TYPES),
            SourceFile::new("crates/client/src/gemini/b.rs", CLIENT),
            SourceFile::new("crates/client/tests/c.rs", TEST),
        ];
        let parsed = parse_all(&files).unwrap();
        let surface = read(&files, &parsed);
        let cases = find_tests(&parsed);
        let packages = [("crates/client".to_owned(), vec!["gimmal-client".to_owned()])];
        let log = format!(
            "Running unittests src/lib.rs (target/debug/deps/gimmal_client-0)\n\
             Running tests/c.rs (target/debug/deps/c-0)\n{log}"
        );
        let ledger = Ledger::default().after(&cases, &parse_log(&log, &packages));
        Proofs::gather(&files, &surface, &cases, &ledger, &BTreeMap::new())
    }

    #[test]
    fn a_passing_test_speaks_for_what_it_reaches() {
        let proofs = proofs("test reads ... ok\n");
        assert_eq!(proofs.of_type("Usage").len(), 1);
        assert_eq!(proofs.of_member("Usage", "total_count").len(), 1);
        assert!(proofs.of_member("Usage", "text_count").is_empty());
        assert_eq!(proofs.of_member("Caches", "get").len(), 1);
        assert!(proofs.of_member("Caches", "list").is_empty());
        assert_eq!(proofs.tagged("caches.get")[0].1, State::Passed);
    }

    #[test]
    fn a_failed_or_unknown_test_speaks_for_nothing() {
        for log in ["test reads ... FAILED\n", ""] {
            let proofs = proofs(log);
            assert!(proofs.of_type("Usage").is_empty());
            assert_ne!(proofs.tagged("caches.get")[0].1, State::Passed);
        }
    }
}
