//! Where in a schema a generator is, kept cheaply while it works and written out only for a
//! refusal.

/// The most characters of one name shown in a path.
const SHOWN: usize = 64;
/// Members whose own members are named by the caller, or numbered.
const MAPS: [&str; 9] = [
    "properties",
    "$defs",
    "defs",
    "definitions",
    "patternProperties",
    "anyOf",
    "oneOf",
    "allOf",
    "prefixItems",
];

/// One step into a schema.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step<'a> {
    /// A member the dialect defines, such as `items`.
    Member(&'a str),
    /// A name of the caller's, such as that of a property.
    Name(&'a str),
    /// A place in a list.
    Place(usize),
    /// A jump to what a `$ref` points at, such as `#/$defs/Node`.
    Jump(&'a str),
}

/// A part of a written path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Member(String),
    Name(String),
}

/// The place of one member of a schema.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Path {
    segments: Vec<Segment>,
}

impl Path {
    /// The place the steps lead to from the root of the schema.
    pub(super) fn of(steps: &[Step<'_>]) -> Self {
        let mut segments = Vec::new();
        for step in steps {
            match step {
                Step::Member(name) => segments.push(Segment::Member(clipped(name))),
                Step::Name(name) => segments.push(Segment::Name(clipped(name))),
                Step::Place(at) => segments.push(Segment::Name(at.to_string())),
                Step::Jump(pointer) => segments = jump(pointer),
            }
        }
        Self { segments }
    }

    /// `properties[tags].items`, after `at`, with the dialect's own members as `spell` writes them.
    pub(crate) fn write(&self, at: &str, spell: impl Fn(&str) -> String) -> String {
        let mut out = at.to_owned();
        for segment in &self.segments {
            match segment {
                Segment::Member(name) => {
                    if !out.is_empty() {
                        out.push('.');
                    }
                    out.push_str(&spell(name));
                }
                Segment::Name(name) => {
                    out.push('[');
                    out.push_str(name);
                    out.push(']');
                }
            }
        }
        out
    }
}

/// The segments of a JSON pointer. Which of them are names follows from what they stand in.
fn jump(pointer: &str) -> Vec<Segment> {
    let mut named = false;
    let tokens = pointer.split('/').skip(1).map(|token| {
        let token = clipped(token).replace("~1", "/").replace("~0", "~");
        if std::mem::take(&mut named) {
            return Segment::Name(token);
        }
        named = MAPS.contains(&token.as_str());
        Segment::Member(token)
    });
    tokens.collect()
}

fn clipped(name: &str) -> String {
    name.chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_spelt_as_the_dialect_has_it() {
        let steps = [
            Step::Member("items"),
            Step::Jump("#/$defs/a~1b/properties/anyOf"),
            Step::Member("anyOf"),
            Step::Place(2),
            Step::Member("minItems"),
        ];
        let path = Path::of(&steps);
        assert_eq!(
            path.write("s", str::to_owned),
            "s.$defs[a/b].properties[anyOf].anyOf[2].minItems"
        );
        assert_eq!(
            path.write("", str::to_lowercase),
            "$defs[a/b].properties[anyOf].anyof[2].minitems"
        );
        assert_eq!(Path::of(&[Step::Jump("#")]).write("s", str::to_owned), "s");
    }
}
