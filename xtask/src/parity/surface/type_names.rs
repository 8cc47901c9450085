//! Names of the types that a type is made of.
//!
//! It does not resolve anything: the last part of a path is the name.

use syn::{Type, TypeParamBound};

use crate::parity::shape::types_in;

/// Every name of a type that occurs in `ty`.
pub(super) fn names_of(ty: &Type) -> Vec<String> {
    let mut names = Vec::new();
    collect(ty, &mut names);
    names
}

fn collect(ty: &Type, names: &mut Vec<String>) {
    match ty {
        Type::Reference(inner) => collect(&inner.elem, names),
        Type::Paren(inner) => collect(&inner.elem, names),
        Type::Group(inner) => collect(&inner.elem, names),
        Type::Slice(inner) => collect(&inner.elem, names),
        Type::Array(inner) => collect(&inner.elem, names),
        Type::Tuple(tuple) => tuple.elems.iter().for_each(|ty| collect(ty, names)),
        Type::ImplTrait(bounds) => {
            for bound in &bounds.bounds {
                names_of_bound(bound, names);
            }
        }
        Type::TraitObject(bounds) => {
            for bound in &bounds.bounds {
                names_of_bound(bound, names);
            }
        }
        Type::Path(path) => {
            if let Some(segment) = path.path.segments.last() {
                names.push(segment.ident.to_string());
                for argument in types_in(&segment.arguments) {
                    collect(argument, names);
                }
            }
        }
        _ => {}
    }
}

pub(super) fn names_of_bound(bound: &TypeParamBound, names: &mut Vec<String>) {
    if let TypeParamBound::Trait(bound) = bound
        && let Some(segment) = bound.path.segments.last()
    {
        names.push(segment.ident.to_string());
        for argument in types_in(&segment.arguments) {
            collect(argument, names);
        }
    }
}
