//! Parses the sources of the crates and puts the surface together.

use anyhow::Context;

use super::model::Surface;
use super::templates::Templates;
use super::{commands, items, routes};
use crate::sources::SourceFile;

/// A Rust file and its syntax tree.
#[derive(Debug)]
pub(crate) struct Parsed {
    /// Path from the root of the repository.
    pub(crate) path: String,
    /// The text.
    pub(crate) text: String,
    /// The tree.
    pub(crate) syntax: syn::File,
}

/// Parses every Rust file below `crates/`.
pub(crate) fn parse_all(files: &[SourceFile]) -> anyhow::Result<Vec<Parsed>> {
    files
        .iter()
        .filter(|file| file.is_rust() && file.path.starts_with("crates/"))
        .map(|file| {
            let syntax = syn::parse_file(&file.text)
                .with_context(|| format!("failed to parse {}", file.path))?;
            Ok(Parsed {
                path: file.path.clone(),
                text: file.text.clone(),
                syntax,
            })
        })
        .collect()
}

/// Reads the surface; tests, benches and examples are no part of it.
pub(crate) fn read(files: &[SourceFile], parsed: &[Parsed]) -> Surface {
    let mut surface = Surface::default();
    let sources = || parsed.iter().filter(|file| is_source(&file.path));
    let templates = Templates::of(sources().map(|file| &file.syntax.items[..]));
    for file in sources() {
        let items = &file.syntax.items;
        items::read(&mut surface, &file.path, items);
        templates.write(&mut surface, &file.path, items);
    }
    surface.routes = routes::find(files);
    surface.commands = commands::find(parsed);
    surface.index();
    surface
}

fn is_source(path: &str) -> bool {
    path.split('/').nth(2) == Some("src") && !path.ends_with("/tests.rs")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surface_of(path: &str, text: &str) -> Surface {
        let files = [SourceFile::new(path, text)];
        let parsed = parse_all(&files).unwrap();
        read(&files, &parsed)
    }

    #[test]
    fn macro_types_have_wire_names_and_setters() {
        let surface = surface_of(
            "crates/types/src/gemini/a.rs",
            "wire! { /// A.\n#[derive(Debug)] pub struct Blob { /// B.\n pub mime_type: Option<String>,\n\
             /// C.\n pub kind: Option<Vec<Part>> = \"type\", } }\n\
             open_enum! { pub enum Light { /// D.\n Red = \"RED\", Green = \"GREEN\" } }\n\
             other!(a, b);",
        );
        let (_, blob) = surface.named("Blob").next().unwrap();
        let wires: Vec<_> = blob.fields.iter().map(|f| f.wire.as_deref()).collect();
        assert_eq!(wires, [Some("mimeType"), Some("type")]);
        assert!(blob.is_public);
        assert!(surface.method("Blob", "set_mime_type").is_some());
        let (_, light) = surface.named("Light").next().unwrap();
        assert_eq!(light.variants[1].wire.as_deref(), Some("GREEN"));
    }

    #[test]
    fn serde_attributes_name_fields_and_values() {
        let surface = surface_of(
            "crates/types/src/tinker/a.rs",
            "#[derive(Serialize)] #[serde(rename_all = \"camelCase\")]\n\
             pub struct Datum { pub loss_fn: String, #[serde(rename = \"in\")] pub input: u32 }\n\
             #[derive(Deserialize)] #[serde(rename_all = \"snake_case\")] pub enum Stop { MaxLen }\n\
             pub struct Plain { pub a: bool }\n\
             #[cfg(test)] mod tests { pub struct Hidden; }",
        );
        let (_, datum) = surface.named("Datum").next().unwrap();
        let wires: Vec<_> = datum.fields.iter().map(|f| f.wire.as_deref()).collect();
        assert_eq!(wires, [Some("lossFn"), Some("in")]);
        let (_, stop) = surface.named("Stop").next().unwrap();
        assert_eq!(stop.variants[0].wire.as_deref(), Some("max_len"));
        let (_, plain) = surface.named("Plain").next().unwrap();
        assert_eq!(plain.fields[0].wire, None);
        assert!(!surface.has_type("Hidden"));
    }

    #[test]
    fn methods_know_their_parameters_and_results() {
        let surface = surface_of(
            "crates/client/src/gemini/caches.rs",
            "impl Caches { pub fn create(&self, model: impl Into<String>) -> Result<CreateCache, Error> { x }\n\
             fn hidden(&self) {} }\n\
             pub fn free<C: Into<Content>>(contents: Vec<C>) {}",
        );
        let create = surface.method("Caches", "create").unwrap();
        assert_eq!(create.params[0].name, "model");
        assert_eq!(create.returns, ["Result", "CreateCache", "Error"]);
        assert!(surface.method("Caches", "hidden").is_none());
        let free = surface.method("", "free").unwrap();
        assert!(free.params[0].types.contains(&"Content".to_owned()));
    }

    #[test]
    fn macros_of_ours_write_methods() {
        let surface = surface_of(
            "crates/client/src/gemini/a.rs",
            "paged!(ListCall, config);\n\
             named! { /// A.\n pub struct GetCall(get) -> Reply; pub struct DropCall(drop) -> (); }\n\
             macro_rules! paged { ($call:ident) => { paged!($call, list); };\n\
             ($call:ident, $list:ident) => { impl $call { pub fn size(self, size: i32) -> Self { self.$list } } }; }\n\
             macro_rules! named { ($( $(#[$meta:meta])* pub struct $call:ident($method:ident) -> $reply:ty; )*) => { $(\n\
             $(#[$meta])* pub struct $call { id: String }\n\
             impl $call { fn new() -> Self { x } #[doc = concat!(\"a\", stringify!($method))]\n\
             pub async fn send(self) -> Result<$reply, Error> { self.api.$method() } } )* }; }",
        );
        assert_eq!(surface.method("ListCall", "size").unwrap().params.len(), 1);
        let send = surface.method("GetCall", "send").unwrap();
        assert!(send.returns.contains(&"Error".to_owned()));
        assert!(surface.method("DropCall", "send").is_some());
        assert!(surface.method("GetCall", "new").is_none());
        assert_eq!(surface.methods.len(), 3);
        assert!(surface.has_type("DropCall"));
    }

    #[test]
    fn commands_follow_the_types() {
        let surface = surface_of(
            "crates/cli/src/args.rs",
            "#[derive(Parser)] #[command(name = \"gimmal\")] pub(crate) struct Cli {\n\
             #[arg(long, global = true)] json: bool, #[command(subcommand)] command: Command }\n\
             #[derive(Subcommand)] enum Command { #[command(subcommand)] Cache(Cache), Count(Box<Count>) }\n\
             #[derive(Subcommand)] enum Cache { List, Delete { name: String } }\n\
             #[derive(Args)] struct Count { text: String, #[arg(long = \"as\")] format: String }",
        );
        let short: Vec<_> = surface
            .commands
            .iter()
            .map(|c| (c.path.as_str(), c.options.join(" ")))
            .collect();
        assert_eq!(
            short,
            [
                ("gimmal", "--json".to_owned()),
                ("gimmal cache", String::new()),
                ("gimmal cache list", String::new()),
                ("gimmal cache delete", "NAME".to_owned()),
                ("gimmal count", "TEXT --as".to_owned()),
            ]
        );
    }
}
