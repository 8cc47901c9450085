//! A schema as the generator sees it: each member read once, however often it is generated from.
//! Chooses no values.

use std::{
    cell::OnceCell,
    collections::{BTreeSet, HashMap, HashSet},
    rc::Rc,
};

use serde_json::{Map, Value};

use crate::engine::{formats, schema::number::Bounds};

/// What a schema asks for.
#[derive(Debug)]
pub(super) enum Shape<'a> {
    Null,
    Boolean,
    Number(Bounds),
    Text(Text),
    Array(Array<'a>),
    Object(Object<'a>),
    Constant(&'a Value),
    Enum(Enum<'a>),
    Union(Union<'a>),
    /// `allOf` with a single schema.
    Only(&'a Value),
    Reference {
        pointer: &'a str,
        target: Option<&'a Value>,
    },
}

/// A string; lengths are in characters.
#[derive(Debug)]
pub(super) struct Text {
    /// What stands for its format, if it has one.
    pub(super) example: Option<&'static str>,
    pub(super) least: usize,
    pub(super) most: usize,
}

#[derive(Debug)]
pub(super) struct Array<'a> {
    pub(super) least: usize,
    pub(super) most: usize,
    pub(super) prefix: &'a [Value],
    /// Without one anything is allowed.
    pub(super) item: Option<&'a Value>,
    /// Whether there are to be as many items as there are strings at hand.
    pub(super) takes_strings: bool,
    pub(super) distinct: bool,
}

#[derive(Debug)]
pub(super) struct Object<'a> {
    /// The properties, in the order the schema asks for.
    pub(super) fields: Vec<Field<'a>>,
    /// The required ones among them.
    pub(super) required: Vec<Field<'a>>,
    /// What is required and has no schema.
    pub(super) free: Vec<&'a str>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    pub(super) schema: &'a Value,
    pub(super) is_required: bool,
}

#[derive(Debug)]
pub(super) struct Enum<'a> {
    /// At least one.
    pub(super) values: &'a [Value],
    /// The value chosen, and whether the choice was invented: the same every time.
    pub(super) chosen: OnceCell<(&'a Value, bool)>,
    different: OnceCell<Vec<&'a Value>>,
}

#[derive(Debug)]
pub(super) struct Union<'a> {
    /// `anyOf` or `oneOf`.
    pub(super) key: &'static str,
    pub(super) branches: &'a [Value],
    pub(super) null: Option<usize>,
    /// The first that is not null, or the first.
    pub(super) usual: Option<usize>,
    /// The first of those that end soonest.
    pub(super) shortest: OnceCell<usize>,
}

/// The shapes of a schema and everything in it.
#[derive(Debug)]
pub(super) struct Shapes<'a> {
    root: &'a Value,
    read: HashMap<*const Value, Rc<Shape<'a>>>,
    heights: HashMap<*const Value, Height>,
}

/// What is known of the levels that the smallest value of a schema takes.
#[derive(Clone, Copy, Debug)]
struct Height {
    /// It takes more than any number below this.
    above: usize,
    /// It takes at most this many.
    most: usize,
}

impl<'a> Shapes<'a> {
    pub(super) fn new(root: &'a Value) -> Self {
        Self {
            root,
            read: HashMap::new(),
            heights: HashMap::new(),
        }
    }

    pub(super) fn of(&mut self, schema: &'a Value) -> Rc<Shape<'a>> {
        let root = self.root;
        let shape = self.read.entry(std::ptr::from_ref(schema));
        Rc::clone(shape.or_insert_with(|| Rc::new(Shape::read(schema, root))))
    }

    /// The shape behind references and single `allOf`, unless they lead nowhere.
    pub(super) fn settled(&mut self, mut schema: &'a Value, hops: usize) -> Rc<Shape<'a>> {
        for _ in 0..hops {
            schema = match *self.of(schema) {
                Shape::Only(next)
                | Shape::Reference {
                    target: Some(next), ..
                } => next,
                _ => break,
            };
        }
        self.of(schema)
    }

    /// The branch whose smallest value takes the fewest levels; the first when none ends.
    pub(super) fn shortest(&mut self, union: &Union<'a>, levels: usize) -> usize {
        *union.shortest.get_or_init(|| {
            (0..=levels)
                .find_map(|n| {
                    let mut branches = union.branches.iter();
                    branches.position(|branch| self.ends_within(branch, n))
                })
                .unwrap_or(0)
        })
    }

    /// Whether a value with nothing but what is required fits into this many levels.
    fn ends_within(&mut self, schema: &'a Value, levels: usize) -> bool {
        let unknown = Height {
            above: 0,
            most: usize::MAX,
        };
        let id = std::ptr::from_ref(schema);
        let known = *self.heights.entry(id).or_insert(unknown);
        if levels >= known.most {
            return true;
        }
        if levels < known.above {
            return false;
        }
        let shape = self.of(schema);
        let ends = match levels.checked_sub(1) {
            None => shape.parts().is_empty(),
            // Any branch of a union will do, of everything else all parts are needed.
            Some(levels) if matches!(&*shape, Shape::Union(_)) => {
                let parts = shape.parts();
                parts.is_empty() || parts.iter().any(|part| self.ends_within(part, levels))
            }
            Some(levels) => {
                let mut parts = shape.parts().into_iter();
                parts.all(|part| self.ends_within(part, levels))
            }
        };
        let height = self.heights.entry(id).or_insert(unknown);
        if ends {
            height.most = height.most.min(levels);
        } else {
            height.above = height.above.max(levels + 1);
        }
        ends
    }
}

impl<'a> Shape<'a> {
    fn read(schema: &'a Value, root: &'a Value) -> Self {
        let reference = schema.get("$ref").or_else(|| schema.get("ref"));
        if let Some(pointer) = reference {
            let pointer = pointer.as_str().unwrap_or_default();
            return Self::Reference {
                pointer,
                target: resolve(root, pointer),
            };
        }
        if let Some(constant) = schema.get("const") {
            return Self::Constant(constant);
        }
        let list = |key: &str| schema.get(key).and_then(Value::as_array);
        if let Some(values) = list("enum").filter(|values| !values.is_empty()) {
            return Self::Enum(Enum {
                values,
                chosen: OnceCell::new(),
                different: OnceCell::new(),
            });
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(branches) = list(key) {
                return Self::Union(Union::read(key, branches));
            }
        }
        if let Some([only]) = list("allOf").map(Vec::as_slice) {
            return Self::Only(only);
        }
        match type_of(schema).as_str() {
            "object" => Self::Object(Object::read(schema)),
            "array" => Self::Array(Array::read(schema)),
            "string" => {
                let format = schema.get("format").and_then(Value::as_str);
                Self::Text(Text {
                    example: format.and_then(formats::example),
                    least: count(schema.get("minLength")).unwrap_or(0),
                    most: count(schema.get("maxLength")).unwrap_or(usize::MAX),
                })
            }
            "integer" => Self::Number(Bounds::read(schema, true)),
            "number" => Self::Number(Bounds::read(schema, false)),
            "boolean" => Self::Boolean,
            _ => Self::Null,
        }
    }

    /// The schemas that the smallest value is made from, or from one of which it is made.
    fn parts(&self) -> Vec<&'a Value> {
        match self {
            Self::Only(part)
            | Self::Reference {
                target: Some(part), ..
            } => vec![part],
            Self::Union(union) => union.branches.iter().collect(),
            Self::Object(object) => object.required.iter().map(|field| field.schema).collect(),
            Self::Array(array) => {
                let least = array.least.min(array.most);
                let prefix = array.prefix.iter().take(least);
                let others = array.item.filter(|_| least > array.prefix.len());
                prefix.chain(others).collect()
            }
            _ => Vec::new(),
        }
    }
}

impl<'a> Enum<'a> {
    /// The values, each once.
    pub(super) fn different(&self) -> &[&'a Value] {
        self.different.get_or_init(|| {
            let mut seen = HashSet::new();
            let values = self.values.iter();
            values
                .filter(|value| seen.insert(value.to_string()))
                .collect()
        })
    }
}

impl<'a> Union<'a> {
    fn read(key: &'static str, branches: &'a [Value]) -> Self {
        let is_null = |schema: &Value| type_of(schema) == "null" && schema.get("$ref").is_none();
        let usual = branches.iter().position(|schema| !is_null(schema));
        Self {
            key,
            branches,
            null: branches.iter().position(is_null),
            usual: usual.or((!branches.is_empty()).then_some(0)),
            shortest: OnceCell::new(),
        }
    }
}

impl<'a> Array<'a> {
    fn read(schema: &'a Value) -> Self {
        let item = schema.get("items").filter(|item| item.is_object());
        let prefix = schema.get("prefixItems").and_then(Value::as_array);
        Self {
            least: count(schema.get("minItems")).unwrap_or(0),
            most: count(schema.get("maxItems")).unwrap_or(usize::MAX),
            prefix: prefix.map_or(&[], Vec::as_slice),
            item,
            takes_strings: item
                .is_some_and(|item| type_of(item) == "string" && item.get("enum").is_none()),
            distinct: schema.get("uniqueItems").and_then(Value::as_bool) == Some(true),
        }
    }
}

impl<'a> Object<'a> {
    fn read(schema: &'a Value) -> Self {
        let names = |key: &str| {
            let list = schema.get(key).and_then(Value::as_array);
            list.into_iter().flatten().filter_map(Value::as_str)
        };
        let needed: BTreeSet<&str> = names("required").collect();
        let properties = schema.get("properties").and_then(Value::as_object);
        let known = properties
            .into_iter()
            .flat_map(Map::keys)
            .map(String::as_str);
        let mut seen = HashSet::new();
        let fields = names("propertyOrdering").chain(known).filter_map(|name| {
            let field = Field {
                name,
                schema: properties?.get(name)?,
                is_required: needed.contains(name),
            };
            seen.insert(name).then_some(field)
        });
        let fields: Vec<Field<'a>> = fields.collect();
        Self {
            required: fields.iter().copied().filter(|f| f.is_required).collect(),
            free: needed
                .iter()
                .copied()
                .filter(|n| !seen.contains(n))
                .collect(),
            fields,
        }
    }
}

/// The enum of a schema that is nothing but a choice.
pub(crate) fn choices(schema: &Value) -> Option<Vec<String>> {
    let values = schema.get("enum")?.as_array()?;
    let texts = values.iter().filter_map(Value::as_str).map(str::to_owned);
    Some(texts.collect::<Vec<_>>()).filter(|texts| !texts.is_empty())
}

/// The type in lower case; of several, the first that is not null; guessed when missing.
pub(super) fn type_of(schema: &Value) -> String {
    let named = match schema.get("type") {
        Some(Value::String(name)) => Some(name.as_str()),
        Some(Value::Array(names)) => {
            let names = || names.iter().filter_map(Value::as_str);
            names()
                .find(|name| !name.eq_ignore_ascii_case("null"))
                .or_else(|| names().next())
        }
        _ => None,
    };
    match named {
        Some(name) if !name.eq_ignore_ascii_case("TYPE_UNSPECIFIED") => name.to_ascii_lowercase(),
        _ if schema.get("properties").is_some() => "object".to_owned(),
        _ if schema.get("items").is_some() => "array".to_owned(),
        _ => "string".to_owned(),
    }
}

/// Follows `#/$defs/Name` and the like.
fn resolve<'a>(root: &'a Value, path: &str) -> Option<&'a Value> {
    let pointer = path.strip_prefix('#')?;
    root.pointer(pointer)
        .or_else(|| root.pointer(&pointer.replacen("/$defs/", "/defs/", 1)))
}

/// A count, which the service's dialect may write as a string.
fn count(value: Option<&Value>) -> Option<usize> {
    number_of(value?).filter(|n| *n >= 0.0).map(|n| n as usize)
}

pub(super) fn number_of(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}
