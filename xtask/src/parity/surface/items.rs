//! Reads the items of one file: structs, enums, traits, aliases, methods and functions.

use syn::{Fields, FnArg, ImplItem, Item as Syntax, Pat, ReturnType, Signature, TraitItem, Type};

use super::attributes::{derives, is_test_only, setting};
use super::macros::{Declaration, Declarations};
use super::model::{Field, Item, Method, Param, Surface, Variant};
use super::type_names::{names_of, names_of_bound};
use crate::parity::naming;
use crate::parity::shape::Shape;

/// The macro whose fields have camelCase names in JSON unless they say otherwise.
const CAMEL_MACRO: &str = "wire";

/// Adds everything declared in the items.
pub(super) fn read(surface: &mut Surface, file: &str, items: &[Syntax]) {
    for item in items {
        read_one(surface, file, item);
    }
}

fn read_one(surface: &mut Surface, file: &str, item: &Syntax) {
    match item {
        Syntax::Mod(module) if !is_test_only(&module.attrs) => {
            if let Some((_, items)) = &module.content {
                read(surface, file, items);
            }
        }
        Syntax::Struct(item) => surface.items.push(Item {
            fields: struct_fields(&item.fields, &item.attrs),
            ..type_of(file, &item.ident, &item.vis)
        }),
        Syntax::Enum(item) => surface.items.push(Item {
            variants: enum_variants(item),
            ..type_of(file, &item.ident, &item.vis)
        }),
        Syntax::Type(item) => {
            surface.items.push(type_of(file, &item.ident, &item.vis));
        }
        Syntax::Trait(item) => {
            let owner = item.ident.to_string();
            surface.items.push(type_of(file, &item.ident, &item.vis));
            for member in &item.items {
                if let TraitItem::Fn(function) = member {
                    surface.methods.push(method(&owner, file, &function.sig));
                }
            }
        }
        Syntax::Impl(block) if !is_test_only(&block.attrs) => {
            let owner = match &*block.self_ty {
                Type::Path(path) => path.path.segments.last().map(|s| s.ident.to_string()),
                _ => None,
            };
            let Some(owner) = owner else { return };
            for member in &block.items {
                if let ImplItem::Fn(function) = member
                    && (block.trait_.is_some() || is_public(&function.vis))
                {
                    surface.methods.push(method(&owner, file, &function.sig));
                }
            }
        }
        Syntax::Fn(function) if is_public(&function.vis) && !is_test_only(&function.attrs) => {
            surface.methods.push(method("", file, &function.sig));
        }
        Syntax::Macro(call) => {
            let name = call
                .mac
                .path
                .segments
                .last()
                .map(|segment| segment.ident.to_string())
                .unwrap_or_default();
            if name == "macro_rules" {
                return;
            }
            if let Ok(Declarations(all)) = call.mac.parse_body() {
                for declaration in all {
                    declared(surface, file, &name, declaration);
                }
            }
        }
        _ => {}
    }
}

fn declared(surface: &mut Surface, file: &str, macro_name: &str, declaration: Declaration) {
    let name = declaration.name.to_string();
    let fields: Vec<Field> = declaration
        .fields
        .iter()
        .map(|field| {
            let rust = field.name.to_string();
            let rust = rust.trim_start_matches("r#").to_owned();
            let given = field.wire.clone();
            let renamed = given.or_else(|| setting(&field.attributes, "serde", "rename"));
            let wire = renamed.unwrap_or_else(|| match macro_name {
                CAMEL_MACRO => naming::lower_camel(&rust),
                _ => rust.clone(),
            });
            Field {
                shape: Shape::of_type(&field.ty),
                types: names_of(&field.ty),
                is_public: field.is_public,
                wire: Some(wire),
                rust,
            }
        })
        .collect();
    for field in &fields {
        surface.methods.push(Method {
            owner: name.clone(),
            name: format!("set_{}", field.rust),
            file: file.to_owned(),
            params: vec![Param {
                name: "value".to_owned(),
                shape: field.shape.clone(),
                types: field.types.clone(),
            }],
            returns: vec!["Self".to_owned()],
        });
    }
    let variants = declaration
        .variants
        .iter()
        .map(|variant| Variant {
            rust: variant.name.to_string(),
            wire: variant
                .wire
                .clone()
                .or_else(|| setting(&variant.attributes, "serde", "rename")),
            types: variant.payload.iter().flat_map(names_of).collect(),
        })
        .collect();
    surface.items.push(Item {
        name,
        file: file.to_owned(),
        is_public: declaration.is_public,
        fields,
        variants,
        macro_name: Some(macro_name.to_owned()),
    });
}

fn type_of(file: &str, name: &syn::Ident, visibility: &syn::Visibility) -> Item {
    Item {
        name: name.to_string(),
        file: file.to_owned(),
        is_public: is_public(visibility),
        fields: Vec::new(),
        variants: Vec::new(),
        macro_name: None,
    }
}

fn has_json(attributes: &[syn::Attribute]) -> bool {
    derives(attributes, "Serialize") || derives(attributes, "Deserialize")
}

fn struct_fields(fields: &Fields, attributes: &[syn::Attribute]) -> Vec<Field> {
    let rule = setting(attributes, "serde", "rename_all").unwrap_or_default();
    let json = has_json(attributes);
    fields
        .iter()
        .filter_map(|field| {
            let rust = field.ident.as_ref()?.to_string();
            let rust = rust.trim_start_matches("r#").to_owned();
            let renamed = setting(&field.attrs, "serde", "rename");
            let wire = renamed.unwrap_or_else(|| naming::renamed_all(&rule, &rust));
            Some(Field {
                wire: json.then_some(wire),
                shape: Shape::of_type(&field.ty),
                types: names_of(&field.ty),
                is_public: is_public(&field.vis),
                rust,
            })
        })
        .collect()
}

fn enum_variants(item: &syn::ItemEnum) -> Vec<Variant> {
    let rule = setting(&item.attrs, "serde", "rename_all").unwrap_or_default();
    let json = has_json(&item.attrs);
    item.variants
        .iter()
        .map(|variant| {
            let rust = variant.ident.to_string();
            let renamed = setting(&variant.attrs, "serde", "rename");
            let wire = renamed.unwrap_or_else(|| naming::renamed_all(&rule, &rust));
            Variant {
                wire: json.then_some(wire),
                types: Vec::new(),
                rust,
            }
        })
        .collect()
}

fn method(owner: &str, file: &str, signature: &Signature) -> Method {
    let bounds = generic_bounds(signature);
    let params = signature
        .inputs
        .iter()
        .filter_map(|input| match input {
            FnArg::Typed(typed) => {
                let name = match &*typed.pat {
                    Pat::Ident(ident) => ident.ident.to_string(),
                    _ => String::new(),
                };
                let mut types = names_of(&typed.ty);
                for (parameter, bound) in &bounds {
                    if types.contains(parameter) {
                        types.extend(bound.iter().cloned());
                    }
                }
                Some(Param {
                    name: name.trim_start_matches('_').to_owned(),
                    shape: Shape::of_type(&typed.ty),
                    types,
                })
            }
            FnArg::Receiver(_) => None,
        })
        .collect();
    Method {
        owner: owner.to_owned(),
        name: signature
            .ident
            .to_string()
            .trim_start_matches("r#")
            .to_owned(),
        file: file.to_owned(),
        params,
        returns: match &signature.output {
            ReturnType::Default => Vec::new(),
            ReturnType::Type(_, ty) => names_of(ty),
        },
    }
}

/// For each type parameter, the names its bounds are made of.
fn generic_bounds(signature: &Signature) -> Vec<(String, Vec<String>)> {
    signature
        .generics
        .type_params()
        .map(|parameter| {
            let mut names = Vec::new();
            for bound in &parameter.bounds {
                names_of_bound(bound, &mut names);
            }
            (parameter.ident.to_string(), names)
        })
        .collect()
}

fn is_public(visibility: &syn::Visibility) -> bool {
    matches!(visibility, syn::Visibility::Public(_))
}
