//! The data of a surface, and how to look things up in it.

use std::collections::BTreeMap;

use crate::parity::shape::Shape;
use crate::parity::surface::{Command, Route};

/// A field of a struct.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// Its name in Rust.
    pub(crate) rust: String,
    /// Its name in JSON, where the struct has a JSON form.
    pub(crate) wire: Option<String>,
    /// Its shape.
    pub(crate) shape: Shape,
    /// Names of all types its type is made of.
    pub(crate) types: Vec<String>,
    /// Whether users see it.
    pub(crate) is_public: bool,
}

/// A value of an enum.
#[derive(Clone, Debug)]
pub(crate) struct Variant {
    /// Its name in Rust.
    pub(crate) rust: String,
    /// Its name in JSON, where the enum has a JSON form.
    pub(crate) wire: Option<String>,
    /// Names of the types it holds, where a macro declares it.
    pub(crate) types: Vec<String>,
}

/// A type of ours.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// Its name.
    pub(crate) name: String,
    /// Source file.
    pub(crate) file: String,
    /// Whether users see it.
    pub(crate) is_public: bool,
    /// Fields, if it is a struct.
    pub(crate) fields: Vec<Field>,
    /// Values, if it is an enum.
    pub(crate) variants: Vec<Variant>,
    /// Whether a macro with tests of its own wrote its JSON form.
    pub(crate) macro_name: Option<String>,
}

/// A parameter of a method.
#[derive(Clone, Debug)]
pub(crate) struct Param {
    /// Its name.
    pub(crate) name: String,
    /// Its shape.
    pub(crate) shape: Shape,
    /// Names of all types its type is made of.
    pub(crate) types: Vec<String>,
}

/// A method of a type, or a free function when it has no owner.
#[derive(Clone, Debug)]
pub(crate) struct Method {
    /// Name of the type; empty for a free function.
    pub(crate) owner: String,
    /// Its name.
    pub(crate) name: String,
    /// Source file.
    pub(crate) file: String,
    /// Parameters without `self`.
    pub(crate) params: Vec<Param>,
    /// Names of all types the return type is made of.
    pub(crate) returns: Vec<String>,
}

/// Everything we offer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surface {
    /// Types, in the order of the sources.
    pub(crate) items: Vec<Item>,
    /// Methods and functions, in the order of the sources.
    pub(crate) methods: Vec<Method>,
    /// Routes of the api crate.
    pub(crate) routes: Vec<Route>,
    /// Commands of the command line.
    pub(crate) commands: Vec<Command>,
    items_by_name: BTreeMap<String, Vec<usize>>,
    methods_by_owner: BTreeMap<String, Vec<usize>>,
    methods_by_name: BTreeMap<String, Vec<usize>>,
}

impl Surface {
    /// Builds the indexes; to be called when everything has been read.
    pub(crate) fn index(&mut self) {
        for (index, item) in self.items.iter().enumerate() {
            let entry = self.items_by_name.entry(item.name.clone());
            entry.or_default().push(index);
        }
        for (index, method) in self.methods.iter().enumerate() {
            let owners = &mut self.methods_by_owner;
            owners.entry(method.owner.clone()).or_default().push(index);
            let names = &mut self.methods_by_name;
            names.entry(method.name.clone()).or_default().push(index);
        }
    }

    /// Types of a name.
    pub(crate) fn named(&self, name: &str) -> impl Iterator<Item = (usize, &Item)> {
        let indexes = self.items_by_name.get(name).map_or(&[][..], Vec::as_slice);
        indexes.iter().map(|&index| (index, &self.items[index]))
    }

    /// Whether there is a type of this name.
    pub(crate) fn has_type(&self, name: &str) -> bool {
        self.items_by_name.contains_key(name)
    }

    /// Methods of a type.
    pub(crate) fn methods_of(&self, owner: &str) -> impl Iterator<Item = &Method> {
        let indexes = self
            .methods_by_owner
            .get(owner)
            .map_or(&[][..], Vec::as_slice);
        indexes.iter().map(|&index| &self.methods[index])
    }

    /// One method of a type.
    pub(crate) fn method(&self, owner: &str, name: &str) -> Option<&Method> {
        self.methods_of(owner).find(|method| method.name == name)
    }

    /// Methods and functions of a name, whatever they belong to.
    pub(crate) fn methods_named(&self, name: &str) -> impl Iterator<Item = &Method> {
        let indexes = self
            .methods_by_name
            .get(name)
            .map_or(&[][..], Vec::as_slice);
        indexes.iter().map(|&index| &self.methods[index])
    }
}
