//! The tree of commands, from the structs and enums that clap derives it from.
//!
//! It follows `#[command(subcommand)]` and `#[command(flatten)]` by type name within the crate.

use std::collections::BTreeMap;

use syn::{Attribute, Fields, Item as Syntax};

use super::attributes::{derives, is_test_only, setting, settings};
use super::read::Parsed;
use super::type_names::names_of;
use crate::parity::naming;

const FOLDER: &str = "crates/cli/src/";

/// One command of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    /// All words of it, such as `gimmal cache create`.
    pub(crate) path: String,
    /// Options as `--name`, arguments in capitals.
    pub(crate) options: Vec<String>,
    /// Source file.
    pub(crate) file: String,
}

#[derive(Clone, Copy)]
enum Part<'a> {
    Struct(&'a str, &'a [Attribute], &'a Fields),
    Enum(&'a str, &'a syn::ItemEnum),
}

type Parts<'a> = BTreeMap<String, Part<'a>>;

/// Every command, the root first.
pub(super) fn find(files: &[Parsed]) -> Vec<Command> {
    let mut parts = Parts::new();
    for file in files.iter().filter(|file| file.path.starts_with(FOLDER)) {
        gather(&mut parts, &file.path, &file.syntax.items);
    }
    let mut commands = Vec::new();
    for part in parts.values() {
        if let Part::Struct(file, attributes, fields) = part
            && derives(attributes, "Parser")
        {
            let name = setting(attributes, "command", "name").unwrap_or_default();
            from_fields(&parts, &mut commands, file, &name, fields);
        }
    }
    commands
}

fn gather<'a>(parts: &mut Parts<'a>, file: &'a str, items: &'a [Syntax]) {
    for item in items {
        match item {
            Syntax::Struct(item) => {
                let part = Part::Struct(file, &item.attrs, &item.fields);
                parts.insert(item.ident.to_string(), part);
            }
            Syntax::Enum(item) if derives(&item.attrs, "Subcommand") => {
                parts.insert(item.ident.to_string(), Part::Enum(file, item));
            }
            Syntax::Mod(module) if !is_test_only(&module.attrs) => {
                if let Some((_, items)) = &module.content {
                    gather(parts, file, items);
                }
            }
            _ => {}
        }
    }
}

fn from_fields(
    parts: &Parts<'_>,
    commands: &mut Vec<Command>,
    file: &str,
    path: &str,
    fields: &Fields,
) {
    let mut options = Vec::new();
    let mut below = Vec::new();
    options_of(parts, fields, &mut options, &mut below);
    commands.push(Command {
        path: path.to_owned(),
        options,
        file: file.to_owned(),
    });
    for name in below {
        from_enum(parts, commands, path, &name);
    }
}

fn options_of(
    parts: &Parts<'_>,
    fields: &Fields,
    options: &mut Vec<String>,
    below: &mut Vec<String>,
) {
    for field in fields {
        let kinds = settings(&field.attrs, "command");
        let is = |kind: &str| kinds.iter().any(|(found, _)| found == kind);
        let inner = names_of(&field.ty).pop().unwrap_or_default();
        if is("subcommand") {
            below.push(inner);
        } else if is("flatten") {
            if let Some(Part::Struct(_, _, fields)) = parts.get(&inner) {
                options_of(parts, fields, options, below);
            }
        } else if let Some(name) = &field.ident {
            let name = name.to_string();
            let kebab = name.replace('_', "-");
            options.push(match setting(&field.attrs, "arg", "long") {
                Some(long) if long.is_empty() => format!("--{kebab}"),
                Some(long) => format!("--{long}"),
                None => name.to_uppercase(),
            });
        }
    }
}

fn from_enum(parts: &Parts<'_>, commands: &mut Vec<Command>, path: &str, name: &str) {
    let Some(Part::Enum(file, item)) = parts.get(name) else {
        return;
    };
    for variant in &item.variants {
        let given = setting(&variant.attrs, "command", "name");
        let word = given.unwrap_or_else(|| naming::split_words(&variant.ident.to_string(), '-'));
        let path = format!("{path} {word}");
        let inner = match &variant.fields {
            Fields::Unnamed(fields) => fields
                .unnamed
                .first()
                .and_then(|field| names_of(&field.ty).pop()),
            _ => None,
        };
        match inner.as_deref().and_then(|inner| parts.get(inner)) {
            Some(Part::Struct(file, _, fields)) => {
                from_fields(parts, commands, file, &path, fields);
            }
            Some(Part::Enum(..)) => {
                commands.push(Command {
                    path: path.clone(),
                    options: Vec::new(),
                    file: (*file).to_owned(),
                });
                from_enum(parts, commands, &path, inner.as_deref().unwrap_or_default());
            }
            None => from_fields(parts, commands, file, &path, &variant.fields),
        }
    }
}
