//! Types and methods that a macro of ours writes: `macro_rules! paged { … impl $call { … } }`.
//!
//! A macro is read as what it writes for a type named `$call`, whatever its other variables stand
//! for: `paged!(ListFilesCall);` gives the methods of `$call` to `ListFilesCall`. Types that come
//! in by a variable stay unknown, and so do methods that a macro has another macro write.

use std::collections::BTreeMap;

use proc_macro2::{Group, Ident, TokenStream, TokenTree};

use super::items;
use super::model::{Item, Method, Surface};

/// What `$call` is read as.
const PLACEHOLDER: &str = "__call";

/// Macros of ours that write a type or methods, by name.
#[derive(Debug, Default)]
pub(super) struct Templates(BTreeMap<String, Template>);

#[derive(Debug, Default)]
struct Template {
    items: Vec<Item>,
    methods: Vec<Method>,
}

impl Templates {
    /// The macros that files declare.
    pub(super) fn of<'a>(files: impl Iterator<Item = &'a [syn::Item]>) -> Self {
        let mut templates = Self::default();
        for call in files.flat_map(macros) {
            if let Some(name) = &call.ident {
                let template = templates.0.entry(name.to_string()).or_default();
                arms(&call.mac.tokens).for_each(|arm| template.read(arm));
            }
        }
        templates
    }

    /// Adds what the macro calls of a file write.
    pub(super) fn write(&self, surface: &mut Surface, file: &str, items: &[syn::Item]) {
        for call in macros(items).filter(|call| call.ident.is_none()) {
            let name = call.mac.path.segments.last();
            let Some(template) = name.and_then(|name| self.0.get(&name.ident.to_string())) else {
                continue;
            };
            for name in named_types(&call.mac.tokens) {
                surface.items.extend(template.items.iter().map(|item| Item {
                    name: name.clone(),
                    file: file.to_owned(),
                    ..item.clone()
                }));
                surface
                    .methods
                    .extend(template.methods.iter().map(|method| Method {
                        owner: name.clone(),
                        file: file.to_owned(),
                        ..method.clone()
                    }));
            }
        }
    }
}

impl Template {
    fn read(&mut self, arm: TokenStream) {
        let Ok(file) = syn::parse2::<syn::File>(without_variables(arm)) else {
            return;
        };
        let mut surface = Surface::default();
        items::read(&mut surface, "", &file.items);
        let items = surface.items.into_iter();
        self.items
            .extend(items.filter(|item| item.name == PLACEHOLDER));
        let methods = surface.methods.into_iter();
        self.methods
            .extend(methods.filter(|method| method.owner == PLACEHOLDER));
    }
}

fn macros(items: &[syn::Item]) -> impl Iterator<Item = &syn::ItemMacro> {
    items.iter().filter_map(|item| match item {
        syn::Item::Macro(call) => Some(call),
        _ => None,
    })
}

/// What the arms of a macro write: every second block of `(…) => {…};`.
fn arms(body: &TokenStream) -> impl Iterator<Item = TokenStream> {
    let groups = body.clone().into_iter().filter_map(|token| match token {
        TokenTree::Group(group) => Some(group.stream()),
        _ => None,
    });
    groups.skip(1).step_by(2)
}

/// `$name` becomes `__name`; `$( … ) sep *` becomes what is inside, once.
fn without_variables(tokens: TokenStream) -> TokenStream {
    let mut plain = TokenStream::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(dollar) if dollar.as_char() == '$' => match tokens.next() {
                Some(TokenTree::Ident(name)) => {
                    let name = Ident::new(&format!("__{name}"), name.span());
                    plain.extend([TokenTree::Ident(name)]);
                }
                Some(TokenTree::Group(repeated)) => {
                    plain.extend(without_variables(repeated.stream()));
                    let ends = |token: &TokenTree| matches!(token, TokenTree::Punct(p) if "*+?".contains(p.as_char()));
                    while tokens.next().is_some_and(|token| !ends(&token)) {}
                }
                _ => {}
            },
            TokenTree::Group(group) => {
                let inside = without_variables(group.stream());
                plain.extend([TokenTree::Group(Group::new(group.delimiter(), inside))]);
            }
            other => plain.extend([other]),
        }
    }
    plain
}

/// The types that a macro call declares with `struct`; its first word if it declares none.
fn named_types(body: &TokenStream) -> Vec<String> {
    let words: Vec<String> = body
        .clone()
        .into_iter()
        .filter_map(|token| match token {
            TokenTree::Ident(word) => Some(word.to_string()),
            _ => None,
        })
        .collect();
    let declared: Vec<String> = words
        .iter()
        .zip(words.iter().skip(1))
        .filter(|(keyword, _)| *keyword == "struct")
        .map(|(_, name)| name.clone())
        .collect();
    match declared.is_empty() {
        true => words.into_iter().take(1).collect(),
        false => declared,
    }
}
