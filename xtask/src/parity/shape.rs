//! The rough shape of a value: one, many or keyed, and of which family.
//!
//! Shapes of Python annotations and of Rust types are compared here; names of records are not.

use syn::{GenericArgument, PathArguments, Type, TypeParamBound};

/// A shape without optionality, boxes and references.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Any JSON, or nothing is known.
    Any,
    /// Several of one shape.
    List(Box<Self>),
    /// Several of one shape by name.
    Map(Box<Self>),
    /// Yes or no.
    Bool,
    /// A number, whole or not.
    Number,
    /// Text, bytes or a moment: what JSON writes as a string.
    Text,
    /// A record or enum by its name.
    Named(String),
    /// One of several.
    OneOf(Vec<Self>),
}

/// Types that only hold another one, which is their first parameter.
const HOLDERS: &[&str] = &[
    "Option",
    "Box",
    "Arc",
    "Rc",
    "Cow",
    "Result",
    "Response",
    "Pin",
    "Into",
    "IntoField",
    "AsRef",
    "Borrow",
    "Redacted",
    "Given",
    "Mutex",
    "Lazy",
];
const LISTS: &[&str] = &[
    "Vec",
    "VecDeque",
    "HashSet",
    "BTreeSet",
    "IndexSet",
    "Iterator",
    "IntoIterator",
];
const MAPS: &[&str] = &["BTreeMap", "HashMap", "IndexMap", "Map"];
const TEXTS: &[&str] = &[
    "String",
    "str",
    "SecretString",
    "PathBuf",
    "Path",
    "OsStr",
    "Bytes",
    "Bytes64",
    "char",
];
const ANYS: &[&str] = &["Value", "RawValue", "JsonValue"];

impl Shape {
    /// The shape of an annotation as the inventories write it.
    pub(crate) fn of_annotation(text: &str) -> Self {
        let text = text.trim();
        let parts = split(text, '|');
        if parts.len() > 1 {
            return Self::OneOf(parts.into_iter().map(Self::of_annotation).collect());
        }
        let inner = |prefix: &str| text.strip_prefix(prefix)?.strip_suffix(']');
        if let Some(item) = inner("list[") {
            return Self::List(Box::new(Self::of_annotation(item)));
        }
        if let Some(item) = inner("map[") {
            return Self::Map(Box::new(Self::of_annotation(item)));
        }
        match text {
            "" | "any" | "object" => Self::Any,
            "bool" => Self::Bool,
            "int" | "float" => Self::Number,
            "str" | "bytes" | "datetime" => Self::Text,
            name => Self::Named(name.to_owned()),
        }
    }

    /// The shape of a Rust type.
    pub(crate) fn of_type(ty: &Type) -> Self {
        match ty {
            Type::Reference(reference) => Self::of_type(&reference.elem),
            Type::Paren(paren) => Self::of_type(&paren.elem),
            Type::Group(group) => Self::of_type(&group.elem),
            Type::Slice(slice) => Self::list_of(Self::of_type(&slice.elem), &slice.elem),
            Type::Array(array) => Self::list_of(Self::of_type(&array.elem), &array.elem),
            Type::ImplTrait(bounds) => Self::of_bounds(bounds.bounds.iter()),
            Type::TraitObject(bounds) => Self::of_bounds(bounds.bounds.iter()),
            Type::Path(path) => path
                .path
                .segments
                .last()
                .map_or(Self::Any, Self::of_segment),
            _ => Self::Any,
        }
    }

    fn of_bounds<'a>(mut bounds: impl Iterator<Item = &'a TypeParamBound>) -> Self {
        bounds
            .find_map(|bound| match bound {
                TypeParamBound::Trait(bound) => bound.path.segments.last(),
                _ => None,
            })
            .map_or(Self::Any, Self::of_segment)
    }

    fn of_segment(segment: &syn::PathSegment) -> Self {
        let name = segment.ident.to_string();
        let arguments = types_in(&segment.arguments);
        let nth = |index: usize| {
            arguments
                .get(index)
                .map_or(Self::Any, |ty| Self::of_type(ty))
        };
        match name.as_str() {
            holder if HOLDERS.contains(&holder) => nth(0),
            list if LISTS.contains(&list) => match arguments.first() {
                Some(item) => Self::list_of(nth(0), item),
                None => Self::List(Box::new(Self::Any)),
            },
            map if MAPS.contains(&map) => Self::Map(Box::new(nth(1))),
            text if TEXTS.contains(&text) => Self::Text,
            any if ANYS.contains(&any) => Self::Any,
            "bool" => Self::Bool,
            "f32" | "f64" => Self::Number,
            number if is_integer(number) || name.starts_with("NonZero") => Self::Number,
            _ => Self::Named(name),
        }
    }

    fn list_of(item: Self, ty: &Type) -> Self {
        // Bytes are a string in JSON.
        let is_byte = matches!(ty, Type::Path(path) if path.path.is_ident("u8"));
        if is_byte {
            Self::Text
        } else {
            Self::List(Box::new(item))
        }
    }

    /// Whether a value of this shape of ours can hold what the reference holds; else why not.
    pub(crate) fn holds(&self, reference: &Self) -> Result<(), String> {
        match (reference, self) {
            (Self::OneOf(several), ours) => {
                if several.iter().any(|one| ours.holds(one).is_ok()) {
                    Ok(())
                } else {
                    Err(format!("none of its {} forms fits", several.len()))
                }
            }
            (Self::Any, _) | (Self::Named(_) | Self::Number, Self::Named(_)) => Ok(()),
            (Self::List(theirs), Self::List(ours)) | (Self::Map(theirs), Self::Map(ours)) => {
                ours.holds(theirs)
            }
            // Free-form objects may be typed here, and may stay JSON.
            (Self::Map(theirs), Self::Any | Self::Named(_)) if **theirs == Self::Any => Ok(()),
            (Self::Bool, Self::Bool) | (Self::Number, Self::Number) => Ok(()),
            (Self::Text, Self::Text | Self::Named(_)) => Ok(()),
            // An enum that stays text can still hold every value.
            (Self::Named(_), Self::Text) => Ok(()),
            (theirs, Self::Any) => Err(format!("{} there, open JSON here", theirs.word())),
            (theirs, ours) => Err(format!("{} there, {} here", theirs.word(), ours.word())),
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Any => "anything",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
            Self::Bool => "a bool",
            Self::Number => "a number",
            Self::Text => "text",
            Self::Named(_) => "a record",
            Self::OneOf(_) => "a union",
        }
    }
}

fn is_integer(name: &str) -> bool {
    let digits = name.trim_start_matches(['i', 'u']);
    name.len() > digits.len() && (digits == "size" || digits.parse::<u32>().is_ok())
}

/// Types among the arguments; the item of `Iterator<Item = T>` and the output of a function too.
pub(crate) fn types_in(arguments: &PathArguments) -> Vec<&Type> {
    match arguments {
        PathArguments::AngleBracketed(list) => list
            .args
            .iter()
            .filter_map(|argument| match argument {
                GenericArgument::Type(ty) => Some(ty),
                GenericArgument::AssocType(assoc) => Some(&assoc.ty),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// Splits at `separator` outside of brackets.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0_i32, 0, Vec::new());
    for (index, character) in text.char_indices() {
        match character {
            '[' | '(' => depth += 1,
            ']' | ')' => depth -= 1,
            c if c == separator && depth == 0 => {
                parts.push(&text[start..index]);
                start = index + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rust(text: &str) -> Shape {
        Shape::of_type(&syn::parse_str(text).unwrap())
    }

    #[test]
    fn rust_types_lose_their_wrapping() {
        assert_eq!(
            rust("Option<Box<Content>>"),
            Shape::Named("Content".to_owned())
        );
        assert_eq!(rust("Vec<u8>"), Shape::Text);
        assert_eq!(
            rust("impl IntoIterator<Item = Tool>"),
            Shape::List(Box::new(Shape::Named("Tool".to_owned())))
        );
        assert_eq!(rust("Option<NonZeroU32>"), Shape::Number);
        assert_eq!(rust("impl Into<String>"), Shape::Text);
        assert_eq!(
            rust("Option<BTreeMap<String, f64>>"),
            Shape::Map(Box::new(Shape::Number))
        );
    }

    #[test]
    fn a_list_is_no_record_and_a_number_no_text() {
        for (reference, ours, fits) in [
            ("list[Part]", "Vec<Part>", true),
            ("list[Part]", "Option<Part>", false),
            ("Part", "Vec<Part>", false),
            ("int", "Option<String>", false),
            ("int", "Option<i32>", true),
            ("float", "i64", true),
            ("bool", "Option<bool>", true),
            ("bool", "String", false),
            ("datetime", "Option<Timestamp>", true),
            ("map[any]", "Option<Value>", true),
            ("map[str]", "Option<Value>", false),
            ("Schema", "Option<Value>", false),
            ("any", "Option<Value>", true),
            ("Content|list[Part|str]|str", "Vec<Content>", true),
            ("HarmCategory", "Option<HarmCategory>", true),
        ] {
            let outcome = rust(ours).holds(&Shape::of_annotation(reference));
            assert_eq!(outcome.is_ok(), fits, "{reference} {ours} {outcome:?}");
        }
    }
}
