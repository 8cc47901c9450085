//! Gives every row its status from what was found and what speaks for it.
//!
//! Nothing here is set by hand: without a symbol a row is missing, without passing evidence it is
//! never complete.

mod aggregate;
mod leaves;

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::Finding;
use crate::parity::evidence::{
    FuzzRuns, Ledger, Proofs, Quality, SdkCases, State, TestCase, Vectors, find_tests,
};
use crate::parity::inventory::{Inventory, Kind, Origin, Row};
use crate::parity::matching::{Matcher, Symbol};
use crate::parity::review::{self, Decision, Keys, Review, Verdict};
use crate::parity::surface::{Parsed, Surface, parse_all, read};
use crate::sources::SourceFile;

/// How far a row is covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    /// It is there, whole, and passing evidence speaks for it.
    Complete,
    /// It is there, but something lacks.
    Partial,
    /// It is not there.
    Missing,
    /// It is not for us.
    NotCounted,
}

impl Status {
    /// The word of the report.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Complete => "Complete",
            Self::Partial => "Partial",
            Self::Missing => "Missing",
            Self::NotCounted => "Not counted",
        }
    }
}

/// A row with everything that was found out about it.
#[derive(Clone, Debug)]
pub(crate) struct Assessed {
    /// The row.
    pub(crate) row: Row,
    /// Its key.
    pub(crate) key: String,
    /// Its status.
    pub(crate) status: Status,
    /// What of ours it stands for, as text.
    pub(crate) ours: Vec<String>,
    /// Passing tests that speak for it.
    pub(crate) tests: Vec<String>,
    /// What lacks, or why it is not counted.
    pub(crate) note: String,
}

/// Everything the report is made of.
#[derive(Debug)]
pub(crate) struct Assessment {
    /// Package and version of each inventory.
    pub(crate) references: Vec<(Origin, String)>,
    /// All rows, in the order of the inventories.
    pub(crate) rows: Vec<Assessed>,
    /// Routes of ours that no reference has: verb and path, file.
    pub(crate) extra_routes: Vec<(String, String)>,
    /// Commands of ours that no reference has.
    pub(crate) extra_commands: Vec<String>,
    /// Public types of ours that no row stands for, by crate; with whether a test reaches them.
    pub(crate) extra_types: BTreeMap<String, Vec<(String, bool)>>,
    /// Results of recorded runs.
    pub(crate) quality: Quality,
    /// What the record of fuzzing says.
    pub(crate) fuzz: String,
    /// Results of the wire vectors.
    pub(crate) vectors: Vectors,
    /// Calls made side by side with an official SDK.
    pub(crate) sdk: SdkCases,
    /// All tests.
    pub(crate) cases: Vec<TestCase>,
    /// How many tests are in which state.
    pub(crate) tests: BTreeMap<&'static str, usize>,
    /// What somebody must correct.
    pub(crate) findings: Vec<Finding>,
}

/// What the assessment reads.
pub(crate) struct Input<'a> {
    /// Files of the repository.
    pub(crate) files: &'a [SourceFile],
    /// Reference rows.
    pub(crate) inventories: &'a [Inventory],
    /// Decisions.
    pub(crate) review: &'a Review,
    /// Outcomes of tests.
    pub(crate) ledger: &'a Ledger,
    /// Results of the wire vectors.
    pub(crate) vectors: Vectors,
    /// Calls made side by side with an official SDK.
    pub(crate) sdk: SdkCases,
    /// Results of other runs.
    pub(crate) quality: Quality,
    /// Runs of fuzz targets.
    pub(crate) fuzz: FuzzRuns,
}

/// What all steps look things up in.
struct Context<'a> {
    matcher: Matcher<'a>,
    /// The same without the review's names, to see what would match by rule.
    by_rule: Matcher<'a>,
    surface: &'a Surface,
    review: &'a Review,
    keys: &'a Keys,
    proofs: Proofs,
    cases: &'a [TestCase],
    ledger: &'a Ledger,
    vectors: &'a Vectors,
    sdk: &'a SdkCases,
    quality: &'a Quality,
    files: BTreeSet<&'a str>,
    /// Files in which macros are declared, by macro.
    macros: BTreeMap<String, String>,
}

/// Assesses all rows.
pub(crate) fn assess(input: Input<'_>) -> anyhow::Result<Assessment> {
    let parsed = parse_all(input.files)?;
    let surface = read(input.files, &parsed);
    let cases = find_tests(&parsed);
    let rows: Vec<&Row> = input.inventories.iter().flat_map(|i| &i.rows).collect();
    let keys = Keys::of(&rows);

    let matcher = Matcher::new(&surface, &rows, renamed_types(input.review, &rows));
    let types_of_calls = matcher.types_of_calls(&rows);
    let proofs = Proofs::gather(input.files, &surface, &cases, input.ledger, &types_of_calls);
    let context = Context {
        by_rule: Matcher::new(&surface, &rows, BTreeMap::new()),
        matcher,
        surface: &surface,
        review: input.review,
        keys: &keys,
        proofs,
        cases: &cases,
        ledger: input.ledger,
        vectors: &input.vectors,
        sdk: &input.sdk,
        quality: &input.quality,
        files: input.files.iter().map(|file| file.path.as_str()).collect(),
        macros: declared_macros(&parsed),
    };

    let mut findings = context.matcher.findings.clone();
    findings.extend(context.review.outdated(&rows, &keys));
    findings.extend(context.outdated_entries(&rows));
    findings.extend(context.unknown_tags(&rows));

    let mut assessed: Vec<Assessed> = rows.iter().map(|row| context.leaf(row)).collect();
    aggregate::types(&context, &mut assessed);
    aggregate::features(&context, &mut assessed);
    aggregate::modules(&mut assessed);

    let mut tests = BTreeMap::new();
    for case in &cases {
        let word = match input.ledger.state(case) {
            State::Passed => "passed",
            State::Failed => "failed",
            State::Ignored => "ignored",
            State::Changed => "changed since they ran",
            State::Unrecorded => "not recorded yet",
        };
        *tests.entry(word).or_default() += 1;
    }
    let used = used_names(&assessed);
    Ok(Assessment {
        references: input
            .inventories
            .iter()
            .zip(Origin::ALL)
            .map(|(inventory, origin)| (origin, inventory.reference.clone()))
            .collect(),
        extra_routes: context
            .matcher
            .extra_routes
            .iter()
            .map(|&index| {
                let route = &surface.routes[index];
                (
                    format!("{} {}", route.verb, route.written),
                    route.file.clone(),
                )
            })
            .collect(),
        extra_commands: surface
            .commands
            .iter()
            .map(|command| command.path.clone())
            .filter(|path| !used.contains(path))
            .collect(),
        extra_types: context.extra_types(&used),
        rows: assessed,
        cases: cases.clone(),
        tests,
        findings,
        quality: input.quality.clone(),
        fuzz: input
            .fuzz
            .summary(input.files.iter().map(|file| file.path.as_str())),
        vectors: input.vectors.clone(),
        sdk: input.sdk.clone(),
    })
}

/// New names of types in the review, for looking up what lies below them.
fn renamed_types(review: &Review, rows: &[&Row]) -> BTreeMap<(Origin, String), String> {
    let mut names = BTreeMap::new();
    for entry in review.entries() {
        if entry.verdict != Verdict::Renamed {
            continue;
        }
        if let Some(row) = rows.iter().find(|row| row.key() == entry.row)
            && row.kind.is_type()
        {
            names.insert((row.origin, row.id.clone()), entry.to.clone());
        }
    }
    names
}

fn declared_macros(parsed: &[Parsed]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for file in parsed {
        for item in &file.syntax.items {
            if let syn::Item::Macro(item) = item
                && let Some(name) = &item.ident
            {
                found.insert(name.to_string(), file.path.clone());
            }
        }
    }
    found
}

/// Names of ours that some row stands for.
fn used_names(rows: &[Assessed]) -> BTreeSet<String> {
    rows.iter()
        .flat_map(|row| &row.ours)
        .map(|ours| {
            let name = ours.strip_prefix("command ").unwrap_or(ours);
            name.split("::").next().unwrap_or(name).to_owned()
        })
        .collect()
}

impl Context<'_> {
    fn decision(&self, row: &Row) -> Option<Decision<'_>> {
        self.review.decision(row, self.keys)
    }

    /// How a symbol is written in the report.
    fn text_of(&self, symbol: &Symbol) -> String {
        match symbol {
            Symbol::Type(name) => name.clone(),
            Symbol::Member(owner, name) if owner.is_empty() => name.clone(),
            Symbol::Member(owner, name) => format!("{owner}::{name}"),
            Symbol::Route(index) => self.surface.routes[*index].file.clone(),
            Symbol::Command(path) => format!("command {path}"),
            Symbol::File(path) => path.clone(),
        }
    }

    /// Entries of the review that name nothing of ours, or that nothing needs any more.
    fn outdated_entries(&self, rows: &[&Row]) -> Vec<Finding> {
        let mut findings = Vec::new();
        for entry in self.review.entries() {
            let Some(row) = rows.iter().find(|row| row.key() == entry.row) else {
                continue;
            };
            let by_rule = self.by_rule.find(row).symbols;
            let named = self.matcher.named(&entry.to, &self.files);
            let why = match (entry.verdict, named) {
                (Verdict::OutOfScope, _) if !by_rule.is_empty() => {
                    "is out of scope no more: we have it"
                }
                (Verdict::OutOfScope, _) => continue,
                (_, None) => "names nothing of ours",
                (Verdict::Renamed, Some(named)) if named.symbols == by_rule => {
                    "matches by rule: the entry is not needed"
                }
                _ => continue,
            };
            let message = format!("`{}` ({}) {why}", entry.row, entry.to);
            findings.push(Finding::error(review::FILE, 1, message));
        }
        findings
    }

    /// Tags of tests that name no row.
    fn unknown_tags(&self, rows: &[&Row]) -> Vec<Finding> {
        let mut known: BTreeSet<String> = BTreeSet::new();
        for row in rows {
            match row.kind {
                Kind::Call | Kind::Function => {
                    known.insert(row.id.clone());
                }
                Kind::Check => {
                    let id = row.id.rsplit(' ').next().unwrap_or(&row.id);
                    known.insert(id.to_owned());
                    known.extend(id.strip_prefix("CHK-").map(str::to_owned));
                    known.extend(id.strip_prefix("AC-").map(str::to_owned));
                }
                Kind::Method => {
                    let class = row.parent().rsplit('.').next().unwrap_or_default();
                    known.insert(format!("{class}.{}", row.name()));
                }
                _ => {}
            }
        }
        let mut findings = Vec::new();
        for tag in self.proofs.tags().filter(|tag| !known.contains(*tag)) {
            for case in self
                .cases
                .iter()
                .filter(|c| c.tags.iter().any(|t| t == tag))
            {
                let message = format!("`Covers: {tag}` names no call, method, function or check");
                findings.push(Finding::error(&case.file, case.line, message));
            }
        }
        findings
    }

    fn extra_types(&self, used: &BTreeSet<String>) -> BTreeMap<String, Vec<(String, bool)>> {
        let mut found: BTreeMap<String, Vec<(String, bool)>> = BTreeMap::new();
        for item in self.surface.items.iter().filter(|item| item.is_public) {
            if used.contains(&item.name) {
                continue;
            }
            let package = item.file.split('/').nth(1).unwrap_or_default();
            let reached = !self.proofs.of_type(&item.name).is_empty();
            let types = found.entry(package.to_owned()).or_default();
            types.push((item.name.clone(), reached));
        }
        for types in found.values_mut() {
            types.sort();
            types.dedup();
        }
        found
    }
}
