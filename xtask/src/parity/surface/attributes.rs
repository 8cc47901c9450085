//! What attributes say: test-only code, names in JSON, values of `#[arg(…)]`.

use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, ExprLit, Lit, Meta, Token};

/// Whether the code is compiled for tests only.
pub(crate) fn is_test_only(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && matches!(&attribute.meta, Meta::List(list) if list.tokens.to_string() == "test")
    })
}

/// The settings of every `#[name(…)]`: `(key, value)`, the value empty for a bare word.
pub(crate) fn settings(attributes: &[Attribute], name: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for attribute in attributes.iter().filter(|a| a.path().is_ident(name)) {
        let Ok(metas) = attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
        else {
            continue;
        };
        for meta in metas {
            let key = meta
                .path()
                .segments
                .last()
                .map(|segment| segment.ident.to_string())
                .unwrap_or_default();
            let value = match &meta {
                Meta::NameValue(pair) => text(&pair.value).unwrap_or_default(),
                _ => String::new(),
            };
            found.push((key, value));
        }
    }
    found
}

/// The value of one setting.
pub(crate) fn setting(attributes: &[Attribute], name: &str, key: &str) -> Option<String> {
    settings(attributes, name)
        .into_iter()
        .find(|(found, _)| found == key)
        .map(|(_, value)| value)
}

/// Whether a derive of this name stands there.
pub(crate) fn derives(attributes: &[Attribute], name: &str) -> bool {
    settings(attributes, "derive")
        .iter()
        .any(|(derived, _)| derived == name)
}

fn text(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) => Some(text.value()),
        _ => None,
    }
}
