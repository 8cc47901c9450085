//! Finds what of ours a row of a reference stands for, by name, by JSON name and by path.
//!
//! It decides nothing about tests. What it cannot find is looked up in the review by `rows`.

mod calls;
mod tags;

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::Finding;
use crate::parity::inventory::{Kind, Origin, Row};
use crate::parity::naming;
use crate::parity::shape::Shape;
use crate::parity::surface::{Item, Method, Surface};

/// A thing of ours.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Symbol {
    /// A type.
    Type(String),
    /// A field, value or method of a type; of no type for a free function.
    Member(String, String),
    /// A route, by its place in the surface.
    Route(usize),
    /// A command.
    Command(String),
    /// A file of the repository.
    File(String),
}

/// What was found for a row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Match {
    /// Things of ours; none when there is nothing.
    pub(crate) symbols: Vec<Symbol>,
    /// What they lack beside the row.
    pub(crate) lacks: Vec<String>,
    /// The macro that wrote the JSON form of the enum a value belongs to.
    pub(crate) macro_name: Option<String>,
}

impl Match {
    fn one(symbol: Symbol) -> Self {
        Self {
            symbols: vec![symbol],
            ..Self::default()
        }
    }
}

/// Modules of the Gemini package with types of their own beside the core.
const NEXT: &[&str] = &[
    "agents",
    "credentials",
    "decisions",
    "environments",
    "interactions",
    "triggers",
    "voices",
    "webhooks",
];

/// Parameters that Python repeats on every call; here they are set with `with_options`.
const OPTIONS_OF_CALLS: &[&str] = &["extra_headers", "timeout"];

/// How many records deep the field of a config may lie.
const CONFIG_DEPTH: usize = 3;

/// Looks rows up in the surface.
#[derive(Debug)]
pub(crate) struct Matcher<'a> {
    surface: &'a Surface,
    items: BTreeMap<String, Vec<usize>>,
    /// Names of ours for classes and types of the references, from the review.
    renamed: BTreeMap<(Origin, String), String>,
    /// Types that take what a `…Config` of the reference takes.
    containers: BTreeMap<String, BTreeSet<String>>,
    /// Routes by call.
    routes: BTreeMap<(Origin, String), Vec<usize>>,
    /// Python and JSON names of the fields of a type.
    fields: BTreeMap<(Origin, String), Vec<(String, String)>>,
    /// Routes that belong to no call.
    pub(crate) extra_routes: Vec<usize>,
    /// Routes somebody must correct.
    pub(crate) findings: Vec<Finding>,
}

impl<'a> Matcher<'a> {
    /// Prepares the look-ups. `renamed` are new names of types, by origin and id.
    pub(crate) fn new(
        surface: &'a Surface,
        rows: &[&Row],
        renamed: BTreeMap<(Origin, String), String>,
    ) -> Self {
        let mut items: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, item) in surface.items.iter().enumerate() {
            if item.is_public {
                let named = items.entry(naming::plain(&item.name)).or_default();
                named.push(index);
            }
        }
        let mut matcher = Self {
            surface,
            items,
            renamed,
            containers: BTreeMap::new(),
            routes: BTreeMap::new(),
            fields: BTreeMap::new(),
            extra_routes: Vec::new(),
            findings: Vec::new(),
        };
        for row in rows.iter().filter(|row| row.kind == Kind::Field) {
            let key = (row.origin, row.parent().to_owned());
            let names = (row.name().to_owned(), row.wire.clone());
            matcher.fields.entry(key).or_default().push(names);
        }
        matcher.place_routes(rows);
        matcher.find_containers(rows);
        matcher
    }

    /// What a row stands for.
    pub(crate) fn find(&self, row: &Row) -> Match {
        match row.kind {
            Kind::Class | Kind::Type | Kind::Alias | Kind::Enum => self.find_type(row),
            Kind::Field => self.find_field(row),
            Kind::Value => self.find_value(row),
            Kind::Method => self.find_method(row),
            Kind::Function => self.find_function(row),
            Kind::Call => Match {
                symbols: self
                    .routes_of(row)
                    .iter()
                    .map(|&r| Symbol::Route(r))
                    .collect(),
                ..Match::default()
            },
            Kind::Command => self.find_command(row),
            Kind::Module | Kind::Check | Kind::Feature => Match::default(),
        }
    }

    /// The things a symbol of the review names; nothing when they do not exist.
    pub(crate) fn named(&self, symbol: &str, files: &BTreeSet<&str>) -> Option<Match> {
        if let Some(path) = symbol.strip_prefix("file ") {
            let exists = files.contains(path);
            return exists.then(|| Match::one(Symbol::File(path.to_owned())));
        }
        if let Some(path) = symbol.strip_prefix("command ") {
            let exists = self.surface.commands.iter().any(|c| c.path == path);
            return exists.then(|| Match::one(Symbol::Command(path.to_owned())));
        }
        if let Some((owner, name)) = symbol.split_once("::").or_else(|| symbol.split_once('.')) {
            let has = self.surface.method(owner, name).is_some()
                || self.surface.named(owner).any(|(_, item)| {
                    item.fields.iter().any(|field| field.rust == name)
                        || item.variants.iter().any(|variant| variant.rust == name)
                });
            let member = Symbol::Member(owner.to_owned(), name.to_owned());
            return has.then(|| Match::one(member));
        }
        let is_public = self.surface.named(symbol).any(|(_, item)| item.is_public);
        is_public.then(|| Match::one(Symbol::Type(symbol.to_owned())))
    }

    /// For each call, the types its route takes and returns.
    pub(crate) fn types_of_calls(&self, rows: &[&Row]) -> BTreeMap<String, BTreeSet<String>> {
        let calls = rows.iter().filter(|row| row.kind == Kind::Call);
        calls
            .map(|row| (row.id.clone(), self.types_of_call(row)))
            .collect()
    }

    fn types_of_call(&self, row: &Row) -> BTreeSet<String> {
        let mut types = BTreeSet::new();
        for &route in self.routes_of(row) {
            let route = &self.surface.routes[route];
            for method in self.surface.methods_named(&route.item) {
                if method.file == route.file {
                    types.extend(self.own_types(method));
                }
            }
        }
        types
    }

    /// Types of ours, but not of the transport, that a method takes and returns.
    fn own_types(&self, method: &Method) -> BTreeSet<String> {
        let params = method.params.iter().flat_map(|param| &param.types);
        method
            .returns
            .iter()
            .chain(params)
            .filter(|name| {
                self.surface
                    .named(name)
                    .any(|(_, item)| !item.file.starts_with("crates/transport/"))
            })
            .cloned()
            .collect()
    }

    fn routes_of(&self, row: &Row) -> &[usize] {
        let key = (row.origin, row.id.clone());
        self.routes.get(&key).map_or(&[], Vec::as_slice)
    }

    // Types --------------------------------------------------------------------------------

    /// Public types of ours with the name of a class or type of the reference.
    fn items_for(&self, origin: Origin, id: &str) -> Vec<&'a Item> {
        let name = id.rsplit('.').next().unwrap_or(id);
        let module = id.split('.').next().unwrap_or_default();
        let key = (origin, id.to_owned());
        let given = self.renamed.get(&key).map(String::as_str);
        let names = match given {
            Some(given) => vec![given],
            // An async class without a twin is the only one there is.
            None => vec![name, name.strip_prefix("Async").unwrap_or(name)],
        };
        for name in names {
            let all = self.items.get(&naming::plain(name));
            let mut found: Vec<&Item> = all
                .into_iter()
                .flatten()
                .map(|&index| &self.surface.items[index])
                .filter(|item| {
                    given.is_some()
                        || (is_ours_for(origin, module, &item.file) && self.is_alike(&key, item))
                })
                .collect();
            // Of namesakes the wire type is meant.
            if found.len() > 1
                && found
                    .iter()
                    .any(|item| item.file.starts_with("crates/types/"))
            {
                found.retain(|item| item.file.starts_with("crates/types/"));
            }
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }

    /// Whether a namesake is more than that: outside of the wire types, records share a field.
    fn is_alike(&self, key: &(Origin, String), item: &Item) -> bool {
        let Some(theirs) = self.fields.get(key) else {
            return true;
        };
        item.file.starts_with("crates/types/")
            || theirs.iter().any(|(name, wire)| {
                let has_field = item
                    .fields
                    .iter()
                    .any(|field| field.rust == *name || field.wire.as_ref() == Some(wire));
                has_field || self.takes(&item.name, name)
            })
    }

    fn find_type(&self, row: &Row) -> Match {
        let mut names: BTreeSet<String> = self
            .items_for(row.origin, &row.id)
            .iter()
            .map(|item| item.name.clone())
            .collect();
        if names.is_empty()
            && row.origin == Origin::Gemini
            && let Some(containers) = self.containers.get(row.name())
        {
            names.extend(containers.iter().cloned());
        }
        Match {
            symbols: names.into_iter().map(Symbol::Type).collect(),
            ..Match::default()
        }
    }

    fn find_field(&self, row: &Row) -> Match {
        let reference = Shape::of_annotation(&row.shape);
        for item in self.items_for(row.origin, row.parent()) {
            if let Some(found) = field_of(item, row, &reference) {
                return found;
            }
        }
        let tag = self.tag_of(row);
        tag.unwrap_or_else(|| self.find_in_containers(row, &reference))
    }

    /// A field of a `…Config`: of all that take it, those with the shortest way to it.
    fn find_in_containers(&self, row: &Row, reference: &Shape) -> Match {
        let holder = row.parent().rsplit('.').next().unwrap_or_default();
        let containers = self.containers.get(holder).into_iter().flatten();
        let mut names: BTreeSet<String> = containers.cloned().collect();
        // A config of the reference is often one record of a request of ours.
        for _ in 0..CONFIG_DEPTH {
            let found: Vec<Match> = names
                .iter()
                .flat_map(|name| {
                    let items = self.surface.named(name);
                    let fields = items.filter_map(|(_, item)| field_of(item, row, reference));
                    fields.chain(self.setter_of(name, row, reference))
                })
                .collect();
            if let Some(best) = found.iter().min_by_key(|found| found.lacks.len()) {
                return Match {
                    symbols: found
                        .iter()
                        .flat_map(|found| found.symbols.clone())
                        .collect(),
                    ..best.clone()
                };
            }
            names = names
                .iter()
                .flat_map(|name| self.surface.named(name))
                .flat_map(|(_, item)| &item.fields)
                .filter_map(|field| match &field.shape {
                    Shape::Named(inner) => Some(inner.clone()),
                    _ => None,
                })
                .collect();
        }
        Match::default()
    }

    fn setter_of(&self, owner: &str, row: &Row, reference: &Shape) -> Option<Match> {
        ["set_", "with_"].iter().find_map(|prefix| {
            let method = self
                .surface
                .method(owner, &format!("{prefix}{}", row.name()))?;
            let shape = method
                .params
                .first()
                .map_or(&Shape::Any, |param| &param.shape);
            let mut found = Match::one(Symbol::Member(owner.to_owned(), method.name.clone()));
            // What a setter takes may be a trait, of which the shape says nothing.
            if *shape != Shape::Any {
                found.lacks.extend(shape.holds(reference).err());
            }
            Some(found)
        })
    }

    fn find_value(&self, row: &Row) -> Match {
        for item in self.items_for(row.origin, row.parent()) {
            let variant = item.variants.iter().find(|variant| match &variant.wire {
                Some(wire) => *wire == row.wire,
                None => naming::plain(&variant.rust) == naming::plain(&row.wire),
            });
            if let Some(variant) = variant {
                let symbol = Symbol::Member(item.name.clone(), variant.rust.clone());
                return Match {
                    macro_name: item.macro_name.clone(),
                    ..Match::one(symbol)
                };
            }
        }
        Match::default()
    }

    // Methods ------------------------------------------------------------------------------

    /// The method of ours for a method of the reference.
    fn method_for(&self, row: &Row) -> Option<&'a Method> {
        self.items_for(row.origin, row.parent())
            .into_iter()
            .find_map(|item| self.surface.method(&item.name, row.name()))
    }

    fn find_method(&self, row: &Row) -> Match {
        if let Some(method) = self.method_for(row) {
            return Match {
                lacks: self.missing_parameters(row, method),
                ..Match::one(Symbol::Member(method.owner.clone(), method.name.clone()))
            };
        }
        for item in self.items_for(row.origin, row.parent()) {
            let field = item
                .fields
                .iter()
                .find(|f| f.is_public && f.rust == row.name());
            if let Some(field) = field.filter(|_| row.property) {
                return Match::one(Symbol::Member(item.name.clone(), field.rust.clone()));
            }
        }
        Match::default()
    }

    fn missing_parameters(&self, row: &Row, method: &Method) -> Vec<String> {
        let containers = self.own_types(method);
        // As many as there, in the same order: the names do not matter.
        let required = row
            .params
            .iter()
            .filter(|p| !p.starts_with('*') && !is_optional(p));
        let shapes: Vec<Shape> = required.map(|p| shape_of_parameter(p)).collect();
        let by_place = shapes.len() == method.params.len()
            && shapes
                .iter()
                .zip(&method.params)
                .all(|(theirs, ours)| ours.shape.holds(theirs).is_ok());
        row.params
            .iter()
            .filter(|param| !by_place || is_optional(param))
            .filter_map(|param| {
                let name = param.split([':', '?']).next().unwrap_or(param);
                let is_config = name == "config" && !containers.is_empty();
                let is_option = OPTIONS_OF_CALLS.contains(&name)
                    && containers.iter().any(|owner| self.takes(owner, "options"));
                let known = name.starts_with('*')
                    || is_config
                    || is_option
                    || method.params.iter().any(|param| param.name == name)
                    || containers.iter().any(|owner| self.takes(owner, name));
                (!known).then(|| format!("parameter `{name}`"))
            })
            .collect()
    }

    fn takes(&self, owner: &str, name: &str) -> bool {
        let setters = [format!("set_{name}"), format!("with_{name}")];
        setters
            .iter()
            .any(|setter| self.surface.method(owner, setter).is_some())
            || self.surface.named(owner).any(|(_, item)| {
                let is_data = item.fields.iter().any(|field| field.is_public);
                is_data && item.fields.iter().any(|field| field.rust == name)
            })
    }

    fn find_function(&self, row: &Row) -> Match {
        self.surface
            .methods_named(row.name())
            .find(|method| is_ours_for(row.origin, row.module(), &method.file))
            .map_or_else(Match::default, |method| {
                Match::one(Symbol::Member(method.owner.clone(), method.name.clone()))
            })
    }

    /// Reads from the methods which types of ours take what a `…Config` takes.
    fn find_containers(&mut self, rows: &[&Row]) {
        let mut containers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for row in rows {
            if row.kind != Kind::Method || row.origin != Origin::Gemini {
                continue;
            }
            let Some(config) = row.params.iter().find_map(|p| p.strip_prefix("config?: ")) else {
                continue;
            };
            let mut types = self
                .method_for(row)
                .map(|method| self.own_types(method))
                .unwrap_or_default();
            let call = format!("{}.{}", row.module(), row.name());
            if let Some(row) = rows.iter().find(|r| r.kind == Kind::Call && r.id == call) {
                types.extend(self.types_of_call(row));
            }
            for config in config.split('|') {
                let known = containers.entry(config.to_owned()).or_default();
                known.extend(types.iter().cloned());
            }
        }
        containers.retain(|_, types| !types.is_empty());
        self.containers = containers;
    }
}

fn is_optional(param: &str) -> bool {
    param
        .split(':')
        .next()
        .is_some_and(|name| name.ends_with('?'))
}

fn shape_of_parameter(param: &str) -> Shape {
    let (_, shape) = param.split_once(':').unwrap_or((param, ""));
    Shape::of_annotation(shape)
}

/// The field of a type that has the row's name in JSON, or in Rust where it has no JSON form.
fn field_of(item: &Item, row: &Row, reference: &Shape) -> Option<Match> {
    let field = item.fields.iter().find(|field| {
        let name = match &field.wire {
            Some(wire) => *wire == row.wire,
            None => field.rust == row.name(),
        };
        name && field.is_public
    })?;
    let mut found = Match::one(Symbol::Member(item.name.clone(), field.rust.clone()));
    found.lacks.extend(field.shape.holds(reference).err());
    Some(found)
}

/// Whether a source file may hold what an origin's module has.
fn is_ours_for(origin: Origin, module: &str, file: &str) -> bool {
    let in_crate = |names: &[&str]| {
        names
            .iter()
            .any(|name| file.starts_with(&format!("crates/{name}/")))
    };
    let is_under = |name: &str| {
        let stem = file.trim_end_matches(".rs");
        stem.split('/').any(|part| part == name)
    };
    match origin {
        Origin::Gemini => {
            let next = NEXT.iter().find(|name| is_under(name));
            let fits_module = match next {
                Some(next) => *next == module,
                None => !NEXT.contains(&module) || !in_crate(&["types"]),
            };
            in_crate(&["types", "api", "client"]) && !is_under("tinker") && fits_module
        }
        Origin::Tinker => {
            in_crate(&["types", "transport", "api", "client", "training"]) && !is_under("gemini")
        }
        Origin::Batch => in_crate(&["batch", "transport", "client"]),
        Origin::Documents | Origin::Checks => false,
    }
}

#[cfg(test)]
mod tests;
