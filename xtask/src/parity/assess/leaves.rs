//! Status of rows that hold no others: fields, values, methods, calls, commands, checks.

use super::{Assessed, Context, Status};
use crate::parity::evidence::State;
use crate::parity::inventory::{Kind, Origin, Row};
use crate::parity::matching::{Match, Symbol};
use crate::parity::naming;
use crate::parity::review::Verdict;

/// What speaks for and against a row.
#[derive(Default)]
struct Case {
    tests: Vec<String>,
    is_proven: bool,
    against: Option<String>,
}

impl Context<'_> {
    /// The row with its status as far as it depends on nothing below it.
    pub(super) fn leaf(&self, row: &Row) -> Assessed {
        let mut assessed = Assessed {
            key: row.key(),
            status: Status::Missing,
            ours: Vec::new(),
            tests: Vec::new(),
            note: String::new(),
            row: row.clone(),
        };
        let mut found = self.matcher.find(row);
        if let Some(decision) = self.decision(row) {
            if decision.verdict == Verdict::OutOfScope {
                assessed.status = Status::NotCounted;
                decision.reason.clone_into(&mut assessed.note);
                return assessed;
            }
            // A renamed type is found under its new name; what matches needs no rule.
            if decision.is_own || found.symbols.is_empty() {
                found = self
                    .matcher
                    .named(decision.to, &self.files)
                    .unwrap_or_default();
                assessed.note = format!("{}: {}", decision.to, decision.reason);
            }
        }
        if row.kind == Kind::Check {
            self.check(row, &mut assessed);
            return assessed;
        }
        assessed.ours = found.symbols.iter().map(|s| self.text_of(s)).collect();
        assessed.ours.dedup();
        if found.symbols.is_empty() {
            return assessed;
        }

        let case = self.case_for(row, &found);
        assessed.tests = case.tests;
        let mut lacks = found.lacks;
        lacks.extend(case.against);
        if !case.is_proven && lacks.is_empty() {
            lacks.push("no passing test or vector speaks for it".to_owned());
        }
        if lacks.is_empty() {
            assessed.status = Status::Complete;
        } else {
            assessed.status = Status::Partial;
            assessed.note = lacks.join("; ");
        }
        assessed
    }

    /// Evidence for a row with a symbol.
    fn case_for(&self, row: &Row, found: &Match) -> Case {
        let mut case = Case::default();
        for symbol in &found.symbols {
            let tests = match symbol {
                Symbol::Type(name) => self.proofs.of_type(name),
                Symbol::Member(owner, name) => self.proofs.of_member(owner, name),
                Symbol::Command(path) => self.proofs.of_command(path),
                Symbol::Route(_) => Vec::new(),
                Symbol::File(_) => {
                    case.is_proven = true;
                    Vec::new()
                }
            };
            case.tests.extend(tests.into_iter().map(str::to_owned));
        }
        // A macro that writes all values alike is shown once, by its own tests.
        if let Some(file) = found
            .macro_name
            .as_ref()
            .and_then(|name| self.macros.get(name))
        {
            let tests = self.proofs.in_file(file);
            case.tests.extend(tests.into_iter().map(str::to_owned));
        }
        for name in names_in_tags(row) {
            self.tags_and_vectors(&name, &mut case);
        }
        if matches!(row.kind, Kind::Call | Kind::Method) {
            self.side_by_side(row, &mut case);
        }
        if row.kind == Kind::Field {
            match self.vectors.of_field(&row.id) {
                Some(true) => case.is_proven = true,
                Some(false) => case.against = Some("vectors that fill it differ".to_owned()),
                None => {}
            }
        }
        case.tests.sort();
        case.tests.dedup();
        case.is_proven |= !case.tests.is_empty();
        case
    }

    fn tags_and_vectors(&self, name: &str, case: &mut Case) {
        let mut failed = Vec::new();
        for (key, state) in self.proofs.tagged(name) {
            match state {
                State::Passed => case.tests.push(key.to_owned()),
                State::Failed | State::Changed => failed.push(key),
                State::Ignored | State::Unrecorded => {}
            }
        }
        if !failed.is_empty() {
            case.against = Some(format!("not passed as they stand: {}", failed.join(", ")));
        }
        if let Some(tally) = self.vectors.of_method(name) {
            if tally.is_clean() {
                case.is_proven = true;
            } else {
                let (open, total) = (tally.total - tally.equal, tally.total);
                case.against = Some(format!("{open} of {total} vectors are not equal"));
            }
        }
    }

    /// Calls that our client made beside the official SDK.
    fn side_by_side(&self, row: &Row, case: &mut Case) {
        let tally = match row.origin {
            Origin::Gemini => self
                .sdk
                .of_method(&format!("{}.{}", row.module(), row.name())),
            Origin::Tinker => {
                let class = row.parent().rsplit('.').next().unwrap_or_default();
                self.sdk.of_class(class, row.name())
            }
            _ => None,
        };
        if let Some(tally) = tally {
            if tally.is_clean() {
                case.is_proven = true;
            } else if tally.failed > 0 {
                let (failed, all) = (tally.failed, tally.cases);
                case.against = Some(format!("{failed} of {all} calls beside the SDK failed"));
            }
        }
    }

    fn check(&self, row: &Row, assessed: &mut Assessed) {
        let carrying = self
            .cases
            .iter()
            .filter(|case| naming::fits(&row.scope, &case.file) && case.carries(&row.id));
        let (mut open, mut unknown) = (Vec::new(), Vec::new());
        for case in carrying {
            assessed.ours.push(case.key.clone());
            match self.ledger.state(case) {
                State::Passed => assessed.tests.push(case.key.clone()),
                State::Failed | State::Changed => open.push(case.key.as_str()),
                State::Ignored | State::Unrecorded => unknown.push(case.key.as_str()),
            }
        }
        if assessed.ours.is_empty() {
            return;
        }
        if !open.is_empty() {
            assessed.status = Status::Partial;
            assessed.note = format!("not passed as they stand: {}", open.join(", "));
        } else if assessed.tests.is_empty() {
            assessed.status = Status::Partial;
            assessed.note = format!("no recorded run: {}", unknown.join(", "));
        } else {
            assessed.status = Status::Complete;
        }
    }
}

/// Names under which tests and vectors speak for a row.
fn names_in_tags(row: &Row) -> Vec<String> {
    match row.kind {
        Kind::Call | Kind::Function => vec![row.id.clone()],
        Kind::Method => {
            let class = row.parent().rsplit('.').next().unwrap_or_default();
            let own = format!("{class}.{}", row.name());
            // `caches.Caches.create` is the call `caches.create`.
            if naming::plain(class) == naming::plain(row.module()) {
                vec![own, format!("{}.{}", row.module(), row.name())]
            } else {
                vec![own]
            }
        }
        _ => Vec::new(),
    }
}
