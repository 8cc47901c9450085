//! The checked-in inventories: what the reference packages and documents have, one row each.
//!
//! It reads JSON and gives every row a key. It knows nothing of our sources.

use std::fmt;
use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

use crate::parity::naming;

/// Folder of the inventories, from the root of the repository.
pub(crate) const FOLDER: &str = "xtask/reference";

/// Where rows come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Origin {
    /// The Python package of the Gemini API.
    Gemini,
    /// The Python package of the Tinker API.
    Tinker,
    /// The Python package for many prompts at once.
    Batch,
    /// The documents the project grew from.
    Documents,
    /// Behaviours that the tests must show.
    Checks,
}

impl Origin {
    /// All of them, in the order of the report.
    pub(crate) const ALL: [Self; 5] = [
        Self::Gemini,
        Self::Tinker,
        Self::Batch,
        Self::Documents,
        Self::Checks,
    ];

    /// The first word of a key; also the name of the inventory file.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gemini => "google-genai",
            Self::Tinker => "tinker",
            Self::Batch => "async-batch-llm",
            Self::Documents => "sources",
            Self::Checks => "checks",
        }
    }

    /// Path of the inventory from the root of the repository.
    pub(crate) fn file(self) -> String {
        format!("{FOLDER}/{}.json", self.name())
    }
}

/// What a row stands for.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// A Python module.
    Module,
    /// A class that is no record: a client, a pager, an error.
    Class,
    /// A record with fields.
    Type,
    /// A name for another type, mostly a union.
    Alias,
    /// A set of values.
    Enum,
    /// A field of a record.
    Field,
    /// A value of an enum.
    Value,
    /// A method or property.
    Method,
    /// A free function.
    Function,
    /// An HTTP call.
    Call,
    /// A command of a command line.
    Command,
    /// A behaviour.
    Check,
    /// A row of a source document.
    Feature,
}

impl Kind {
    /// The word used in keys.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Module => "module",
            Self::Class => "class",
            Self::Type => "type",
            Self::Alias => "alias",
            Self::Enum => "enum",
            Self::Field => "field",
            Self::Value => "value",
            Self::Method => "method",
            Self::Function => "function",
            Self::Call => "call",
            Self::Command => "command",
            Self::Check => "check",
            Self::Feature => "feature",
        }
    }

    /// Whether rows of this kind name a type of the reference.
    pub(crate) fn is_type(self) -> bool {
        matches!(self, Self::Class | Self::Type | Self::Alias | Self::Enum)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}

/// One row of an inventory.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    /// Dotted name, unique among the rows of its kind.
    pub(crate) id: String,
    /// What it stands for.
    pub(crate) kind: Kind,
    /// Parameters of a method as `name?: shape`, options of a command.
    #[serde(default)]
    pub(crate) params: Vec<String>,
    /// What a method of a client gives.
    #[serde(default)]
    pub(crate) returns: String,
    /// Name of a field in JSON, or an enum value as sent.
    #[serde(default)]
    pub(crate) wire: String,
    /// Type of a field or an alias, such as `list[Part]`.
    #[serde(default)]
    pub(crate) shape: String,
    /// HTTP verb of a call.
    #[serde(default)]
    pub(crate) verb: String,
    /// Paths of a call on the developer back end.
    #[serde(default)]
    pub(crate) mldev: Vec<String>,
    /// Paths of a call on Vertex.
    #[serde(default)]
    pub(crate) vertex: Vec<String>,
    /// Whether a method is read like a field.
    #[serde(default)]
    pub(crate) property: bool,
    /// A remark of the introspection: `typed dict`, `deprecated`.
    #[serde(default)]
    pub(crate) note: String,
    /// What a row of a document asks for, as keys or symbols.
    #[serde(default)]
    pub(crate) needs: Vec<String>,
    /// Group of a check.
    #[serde(default)]
    pub(crate) area: String,
    /// Folder whose tests may show a check.
    #[serde(default, rename = "in")]
    pub(crate) scope: String,
    /// What a check demands.
    #[serde(default)]
    pub(crate) text: String,
    /// Where the row comes from; set on loading.
    #[serde(skip, default = "gemini")]
    pub(crate) origin: Origin,
}

fn gemini() -> Origin {
    Origin::Gemini
}

impl Row {
    /// The key by which entries, needs and reports name the row.
    pub(crate) fn key(&self) -> String {
        match self.origin {
            Origin::Checks => format!("check {}", self.id),
            Origin::Documents => format!("sources {}", self.id),
            origin => format!("{} {} {}", origin.name(), self.kind, self.id),
        }
    }

    /// The module, which is the first part of the id.
    pub(crate) fn module(&self) -> &str {
        match self.kind {
            Kind::Command => "cli",
            Kind::Call => {
                let id = self.id.strip_prefix("tinker.").unwrap_or(&self.id);
                id.split('.').next().unwrap_or(id)
            }
            _ => self.id.split('.').next().unwrap_or(&self.id),
        }
    }

    /// The number of the document a feature stands in.
    pub(crate) fn module_of_document(&self) -> &str {
        self.id.split('/').next().unwrap_or(&self.id)
    }

    /// The id of what holds the row: a class, a type, an enum.
    pub(crate) fn parent(&self) -> &str {
        let cut = match self.kind {
            Kind::Value => self.id.len().saturating_sub(self.wire.len() + 1),
            _ => self.id.rfind('.').unwrap_or(0),
        };
        &self.id[..cut]
    }

    /// The last part of the id.
    pub(crate) fn name(&self) -> &str {
        let parent = self.parent();
        if parent.is_empty() {
            &self.id
        } else {
            &self.id[parent.len() + 1..]
        }
    }

    /// Every normal form a route of ours may have for this call.
    pub(crate) fn paths(&self) -> Vec<String> {
        let mut all = Vec::new();
        for path in self.mldev.iter().chain(&self.vertex) {
            for spelling in naming::path_spellings(path, self.module()) {
                if !all.contains(&spelling) {
                    all.push(spelling);
                }
            }
        }
        all
    }
}

/// All rows of one origin.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Inventory {
    /// Package and version, or what the list is.
    pub(crate) reference: String,
    /// The rows, sorted.
    pub(crate) rows: Vec<Row>,
}

/// Reads one inventory from its JSON.
pub(crate) fn parse(origin: Origin, json: &str) -> anyhow::Result<Inventory> {
    let mut inventory: Inventory = serde_json::from_str(json)
        .with_context(|| format!("{} is not an inventory", origin.file()))?;
    for row in &mut inventory.rows {
        row.origin = origin;
    }
    Ok(inventory)
}

/// Reads all inventories below `root`.
pub(crate) fn load(root: &Path) -> anyhow::Result<Vec<Inventory>> {
    Origin::ALL
        .into_iter()
        .map(|origin| {
            let file = origin.file();
            let json = std::fs::read_to_string(root.join(&file))
                .with_context(|| format!("failed to read {file}"))?;
            parse(origin, &json)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_fall_apart_into_module_parent_and_name() {
        let json = r#"{"reference": "r", "rows": [
            {"id": "types.ImageSize.1.5K", "kind": "value", "wire": "1.5K"},
            {"id": "caches.Caches.create", "kind": "method"},
            {"id": "tinker.sessions.create", "kind": "call"}
        ]}"#;
        let inventory = parse(Origin::Tinker, json).unwrap();
        let parts: Vec<_> = inventory
            .rows
            .iter()
            .map(|row| (row.module(), row.parent(), row.name()))
            .collect();
        assert_eq!(
            parts,
            [
                ("types", "types.ImageSize", "1.5K"),
                ("caches", "caches.Caches", "create"),
                ("sessions", "tinker.sessions", "create"),
            ]
        );
        assert_eq!(
            inventory.rows[1].key(),
            "tinker method caches.Caches.create"
        );
    }
}
