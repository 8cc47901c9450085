//! The generator: walks a schema and makes one value of it, within a budget. When much of the
//! budget is gone, or far down, it goes on with only what the schema demands.

use serde_json::Value;

use crate::engine::{
    material::Material,
    schema::{
        budget::{Budget, Excess, Limit},
        distinct::Distinct,
        node::Node,
        path::{Path, Step},
        shape::{Array, Enum, Object, Shape, Shapes, Text, Union},
    },
};

/// Below this depth only what is required is generated, so that recursive schemas end.
const DEEP: usize = 8;
/// Below this depth nothing more is generated.
const DEEPEST: usize = 24;
/// The bytes a string may always have, whatever is left.
const SHORT: usize = 32;
/// Failed attempts in a row after which an array has all the distinct items it will get.
const MOST_MISSES: usize = 8;

/// Which properties of an object are generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Optional {
    /// All of them.
    Always,
    /// The required ones, and those the material has a value for.
    WhenKnown,
}

/// Generates one value for `schema` as JSON text, with properties in the order the schema asks for.
pub(crate) fn generate_text(schema: &Value, material: Material) -> Result<String, Excess> {
    let mut generator = Generator::new(schema, material, Optional::Always);
    Ok(generator.value(schema, 0)?.to_text())
}

/// Generates one value for `schema`.
pub(crate) fn generate(
    schema: &Value,
    material: Material,
    optional: Optional,
) -> Result<Value, Excess> {
    let mut generator = Generator::new(schema, material, optional);
    Ok(generator.value(schema, 0)?.into_value())
}

struct Generator<'a> {
    shapes: Shapes<'a>,
    material: Material,
    optional: Optional,
    budget: Budget,
    /// Where in the schema the generator is.
    steps: Vec<Step<'a>>,
}

impl<'a> Generator<'a> {
    fn new(root: &'a Value, material: Material, optional: Optional) -> Self {
        Self {
            shapes: Shapes::new(root),
            material,
            optional,
            budget: Budget::new(),
            steps: Vec::new(),
        }
    }

    fn value(&mut self, schema: &'a Value, depth: usize) -> Result<Node, Excess> {
        if depth > DEEPEST {
            return self.leaf(Value::Null);
        }
        let shape = self.shapes.of(schema);
        match &*shape {
            Shape::Null | Shape::Reference { target: None, .. } => self.leaf(Value::Null),
            Shape::Boolean => {
                let truth = self.material.boolean();
                self.leaf(truth.into())
            }
            Shape::Number(bounds) => {
                let number = bounds.choose(&mut self.material);
                self.leaf(number)
            }
            Shape::Text(text) => self.text(text),
            Shape::Array(array) => self.array(array, depth),
            Shape::Object(object) => self.object(object, depth),
            Shape::Constant(value) => self.given(value, "const"),
            Shape::Enum(choice) => {
                let value = self.pick(choice);
                self.given(value, "enum")
            }
            Shape::Union(union) => self.branch(union, depth),
            Shape::Only(only) => {
                let steps = [Step::Member("allOf"), Step::Place(0)];
                self.inside(steps, |this| this.value(only, depth + 1))
            }
            Shape::Reference {
                pointer,
                target: Some(target),
            } => self.inside([Step::Jump(pointer)], |this| this.value(target, depth + 1)),
        }
    }

    /// Whether only what is required is to be generated.
    fn is_sparing(&self, depth: usize) -> bool {
        depth > DEEP || self.budget.is_low()
    }

    /// Works further in, so that a refusal names the place. After one the steps stay as they are.
    fn inside<T, const N: usize>(
        &mut self,
        steps: [Step<'a>; N],
        work: impl FnOnce(&mut Self) -> Result<T, Excess>,
    ) -> Result<T, Excess> {
        self.steps.extend(steps);
        let out = work(self)?;
        self.steps.truncate(self.steps.len() - N);
        Ok(out)
    }

    fn excess(&self, limit: Limit) -> Excess {
        Excess {
            member: Path::of(&self.steps),
            limit,
        }
    }

    fn spend(&mut self, nodes: usize, bytes: usize) -> Result<(), Excess> {
        let spent = self.budget.spend(nodes, bytes);
        spent.map_err(|limit| self.excess(limit))
    }

    /// A value without text.
    fn leaf(&mut self, value: Value) -> Result<Node, Excess> {
        self.spend(1, 0)?;
        Ok(Node::Leaf(value))
    }

    /// A value that `member` of the schema spells out.
    fn given(&mut self, value: &Value, member: &'static str) -> Result<Node, Excess> {
        self.inside([Step::Member(member)], |this| {
            let spent = this.budget.spend_on(value);
            spent.map_err(|limit| this.excess(limit))
        })?;
        Ok(Node::Leaf(value.clone()))
    }

    /// A branch of `anyOf`: the first that is not null and, when sparing, the null one or the one
    /// that ends soonest.
    fn branch(&mut self, union: &Union<'a>, depth: usize) -> Result<Node, Excess> {
        let at = match (union.usual, union.null) {
            (Some(_), Some(null)) if self.is_sparing(depth) => null,
            (Some(_), None) if self.is_sparing(depth) => self.shapes.shortest(union, DEEPEST),
            (Some(usual), _) => usual,
            (None, _) => return self.leaf(Value::Null),
        };
        let steps = [Step::Member(union.key), Step::Place(at)];
        self.inside(steps, |this| this.value(&union.branches[at], depth + 1))
    }

    /// The choice the material mentions. Strings and fallback stay what they are, so one search
    /// serves every use of the enum.
    fn pick(&mut self, choice: &Enum<'a>) -> &'a Value {
        let material = &mut self.material;
        let &(value, invented) = choice.chosen.get_or_init(|| {
            let texts: Vec<String> = choice
                .values
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect();
            if texts.len() == choice.values.len() {
                let outer = material.start_watch();
                let chosen = material.choice(&texts);
                let at = chosen.and_then(|chosen| texts.iter().position(|text| text == chosen));
                let invented = material.end_watch(outer);
                return (&choice.values[at.unwrap_or(0)], invented);
            }
            // The schema is not null, so null is only chosen when nothing else is offered.
            let value = choice.values.iter().find(|value| !value.is_null());
            (value.unwrap_or(&choice.values[0]), false)
        });
        if invented {
            material.note_invented();
        }
        value
    }

    fn object(&mut self, object: &Object<'a>, depth: usize) -> Result<Node, Excess> {
        self.spend(1, 0)?;
        let fields = if self.is_sparing(depth) {
            &object.required
        } else {
            &object.fields
        };
        let mut out = Vec::new();
        for field in fields {
            if !field.is_required && self.is_sparing(depth) {
                continue;
            }
            let tentative = !field.is_required && self.optional == Optional::WhenKnown;
            let before = tentative.then(|| self.material.clone());
            let outer = self.material.start_watch();
            let steps = [Step::Member("properties"), Step::Name(field.name)];
            let value = self.inside(steps, |this| {
                this.spend(0, field.name.len())?;
                this.value(field.schema, depth + 1)
            })?;
            let invented = self.material.end_watch(outer);
            if let Some(before) = before.filter(|_| invented) {
                self.material = before;
                continue;
            }
            out.push((field.name.to_owned(), value));
        }
        for name in &object.free {
            let value = self.inside([Step::Member("required")], |this| {
                this.spend(0, name.len())?;
                this.plain_string()
            })?;
            out.push(((*name).to_owned(), value));
        }
        Ok(Node::Object(out))
    }

    fn array(&mut self, array: &Array<'a>, depth: usize) -> Result<Node, Excess> {
        self.spend(1, 0)?;
        let least = array.least.min(array.most);
        if least > self.budget.nodes_left() {
            return self.inside([Step::Member("minItems")], |this| {
                Err(this.excess(Limit::Nodes))
            });
        }
        let mut items = Vec::new();
        for (at, item) in array.prefix.iter().take(array.most).enumerate() {
            if at >= least && self.is_sparing(depth) {
                break;
            }
            let steps = [Step::Member("prefixItems"), Step::Place(at)];
            items.push(self.inside(steps, |this| this.value(item, depth + 1))?);
        }
        let Some(item) = array.item else {
            // Without an item schema anything is allowed; strings are the plainest anything.
            while items.len() < least {
                items.push(self.plain_string()?);
            }
            return Ok(Node::List(items));
        };
        let natural = if array.takes_strings {
            self.material.string_count().max(1)
        } else {
            1
        };
        let shape = self.shapes.settled(item, DEEPEST);
        let mut distinct = Distinct::default();
        if array.distinct {
            items.iter().for_each(|item| distinct.note(item));
        }
        let mut misses = 0;
        while misses < MOST_MISSES {
            let wanted = if self.is_sparing(depth) { 0 } else { natural };
            if items.len() >= wanted.max(least).min(array.most) {
                break;
            }
            let node = self.inside([Step::Member("items")], |this| this.value(item, depth + 1))?;
            let node = if array.distinct {
                distinct.admit(node, &shape)
            } else {
                Some(node)
            };
            misses = if node.is_some() { 0 } else { misses + 1 };
            items.extend(node);
        }
        Ok(Node::List(items))
    }

    /// A string of the material as long as is sensible, for what may be anything.
    fn plain_string(&mut self) -> Result<Node, Excess> {
        let anything = Text {
            example: None,
            least: 0,
            most: usize::MAX,
        };
        self.text(&anything)
    }

    fn text(&mut self, shape: &Text) -> Result<Node, Excess> {
        let affordable = self.budget.spare_bytes().max(SHORT);
        let text = match shape.example {
            Some(example) => example,
            None => prefix(self.material.string(), affordable),
        };
        let mut text: String = text.chars().take(shape.most).collect();
        self.spend(1, text.len())?;
        let missing = shape.least.saturating_sub(text.chars().count());
        if missing > 0 {
            self.inside([Step::Member("minLength")], |this| this.spend(0, missing))?;
            text.push_str(&".".repeat(missing));
        }
        Ok(Node::Leaf(text.into()))
    }
}

/// The start of `text`, of at most this many bytes.
fn prefix(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
