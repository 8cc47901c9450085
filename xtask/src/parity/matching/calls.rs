//! Which call a route of ours is, and which command is a command of ours.
//!
//! A route that fits no call, or more than one, counts for none.

use super::{Match, Matcher, Symbol};
use crate::finding::Finding;
use crate::parity::inventory::{Kind, Row};
use crate::parity::surface::Route;

/// Groups of our command line that belong to Gemini; elsewhere the same word means another thing.
const GEMINI_GROUPS: &[&str] = &["model"];

impl Matcher<'_> {
    pub(super) fn place_routes(&mut self, rows: &[&Row]) {
        let calls: Vec<(&Row, Vec<String>)> = rows
            .iter()
            .filter(|row| row.kind == Kind::Call)
            .map(|row| (*row, row.paths()))
            .collect();
        for (index, route) in self.surface.routes.iter().enumerate() {
            match place(&calls, route).as_slice() {
                [] => self.extra_routes.push(index),
                [call] => {
                    let key = (call.origin, call.id.clone());
                    self.routes.entry(key).or_default().push(index);
                }
                several => {
                    let ids: Vec<&str> = several.iter().map(|call| call.id.as_str()).collect();
                    let message = format!(
                        "route `{} {}` fits several calls ({}): name its file after the module, \
                         or the function after the method",
                        route.verb,
                        route.written,
                        ids.join(", ")
                    );
                    let finding = Finding::error(&route.file, route.line, message);
                    self.findings.push(finding);
                }
            }
        }
    }

    pub(super) fn find_command(&self, row: &Row) -> Match {
        let below = |path: &str| path.split_once(' ').map(|(_, rest)| rest.to_owned());
        let theirs = below(&row.id);
        let of_origin = row.origin.name();
        let find = |fits: &dyn Fn(Option<&str>) -> bool| {
            let mut commands = self.surface.commands.iter();
            commands.find(|command| fits(below(&command.path).as_deref()))
        };
        let fitting = match &theirs {
            // What is the whole of theirs is a group of ours, if there is one of its name.
            None => find(&|ours| ours == Some(of_origin)).or_else(|| find(&|ours| ours.is_none())),
            Some(theirs) => {
                let group = theirs.split(' ').next().unwrap_or_default();
                let named = format!("{of_origin} {theirs}");
                find(&|ours| {
                    ours == Some(named.as_str())
                        || (ours == Some(theirs) && !GEMINI_GROUPS.contains(&group))
                })
            }
        };
        let Some(command) = fitting else {
            return Match::default();
        };
        let lacks = row
            .params
            .iter()
            .filter(|option| option.starts_with("--") && !command.options.contains(option))
            .map(|option| format!("option `{option}`"))
            .collect();
        Match {
            lacks,
            ..Match::one(Symbol::Command(command.path.clone()))
        }
    }
}

/// The calls a route may be; a route that fits more than one counts for none.
fn place<'r>(calls: &[(&'r Row, Vec<String>)], route: &Route) -> Vec<&'r Row> {
    let mut fits: Vec<&Row> = calls
        .iter()
        .filter(|(call, paths)| call.verb == route.verb && paths.contains(&route.path))
        .map(|(call, _)| *call)
        .collect();
    let narrow = |fits: &mut Vec<&'r Row>, keep: &dyn Fn(&Row) -> bool| {
        if fits.len() > 1 && fits.iter().any(|call| keep(call)) {
            fits.retain(|call| keep(call));
        }
    };
    narrow(&mut fits, &|call| route.is_in_module(call.module()));
    narrow(&mut fits, &|call| call.name() == route.item);
    fits
}
