//! Bodies from argument records by tables: which argument goes where, for which service.
//!
//! A table is what a reviewer reads and what a test compares with the recorded routing of the
//! reference. A body holds references into the arguments until it is written, once, straight to
//! bytes, so that a large picture in an argument is never copied before it goes out.

use bytes::Bytes;
use gimmal_transport::Error;
use gimmal_types::wire::Erased;

/// Where the fields of one type go, for one service.
#[derive(Debug)]
pub(crate) struct Table {
    /// The type, as the reference calls it.
    #[cfg_attr(
        not(test),
        expect(
            dead_code,
            reason = "read by the tests that compare tables with the reference"
        )
    )]
    pub(crate) owner: &'static str,
    /// Its fields; one that stands in no rule is not sent.
    pub(crate) rules: &'static [Rule],
}

/// Where one field goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    /// The field, as in `display_name`; `a.b` is a member of a member.
    pub(crate) from: &'static str,
    /// Its place, as in `parameters.sampleCount`; `instances[0].prompt` is in the first element,
    /// and `requests[].title` in every element that the list has by then.
    pub(crate) to: &'static str,
    /// What happens to it on the way.
    pub(crate) how: How,
}

/// What happens to a field on its way into the body.
#[derive(Clone, Copy, Debug)]
pub(crate) enum How {
    /// It is written as it is.
    AsIs,
    /// It is bytes, and they are written in the standard alphabet of base64.
    Standard,
    /// Its own fields are routed by a table; an empty place means beside its siblings.
    By(&'static Table),
    /// It is a list, and the fields of each element are routed by a table.
    EachBy(&'static Table),
}

/// Declares a [`Table`]: `from => to`, with `by TABLE`, `each by TABLE` or `standard` after it.
macro_rules! table {
    ($(#[$meta:meta])* $name:ident of $owner:literal { $($from:literal => $to:literal $($how:ident)* $(($table:expr))?),* $(,)? }) => {
        $(#[$meta])*
        pub(crate) static $name: $crate::gemini::mapping::Table = $crate::gemini::mapping::Table {
            owner: $owner,
            rules: &[$($crate::gemini::mapping::Rule {
                from: $from,
                to: $to,
                how: table!(@how $($how)* $(($table))?),
            }),*],
        };
    };
    (@how) => { $crate::gemini::mapping::How::AsIs };
    (@how standard) => { $crate::gemini::mapping::How::Standard };
    (@how by ($table:expr)) => { $crate::gemini::mapping::How::By(&$table) };
    (@how each by ($table:expr)) => { $crate::gemini::mapping::How::EachBy(&$table) };
}

/// A JSON body in the making.
#[derive(Clone, Default)]
pub(crate) struct Body<'a>(Vec<(&'static str, Node<'a>)>);

#[derive(Clone)]
enum Node<'a> {
    Object(Body<'a>),
    List(Vec<Node<'a>>),
    Value(&'a dyn Erased),
    Standard(&'a dyn Erased),
    Json(serde_json::Value),
}

impl<'a> Body<'a> {
    /// Routes the fields of a record by a table.
    pub(crate) fn of(table: &'static Table, record: &'a dyn Erased) -> Self {
        let mut body = Self::default();
        body.route(table, record);
        body
    }

    /// Adds the fields of a record, routed by a table.
    pub(crate) fn route(&mut self, table: &'static Table, record: &'a dyn Erased) {
        for rule in table.rules {
            let Some(value) = find(record, rule.from) else {
                continue;
            };
            match rule.how {
                How::AsIs => self.put(rule.to, Node::Value(value)),
                How::Standard => self.put(rule.to, Node::Standard(value)),
                How::By(inner) if rule.to.is_empty() => self.route(inner, value),
                How::By(inner) => self.put(rule.to, Node::Object(Self::of(inner, value))),
                How::EachBy(inner) => {
                    let elements = value.elements().unwrap_or_default().into_iter();
                    let elements = elements.map(|element| Node::Object(Self::of(inner, element)));
                    self.put(rule.to, Node::List(elements.collect()));
                }
            }
        }
    }

    /// Adds a value that is no argument, such as the full form of a name.
    pub(crate) fn set(&mut self, to: &'static str, value: impl Into<serde_json::Value>) {
        self.put(to, Node::Json(value.into()));
    }

    /// Adds another body as an object.
    pub(crate) fn put_object(&mut self, to: &'static str, object: Self) {
        self.put(to, Node::Object(object));
    }

    /// True when nothing was added.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names of its members.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|(name, _)| *name)
    }

    /// The names of the members of a member that was put together here; none for a value that
    /// was put in as a whole.
    pub(crate) fn members(&self, name: &str) -> impl Iterator<Item = &'static str> {
        let member = self.0.iter().find(|(have, _)| *have == name);
        let object = member.and_then(|(_, node)| match node {
            Node::Object(body) => Some(body),
            _ => None,
        });
        object.into_iter().flat_map(Self::names)
    }

    /// Adds a value that stands in no record.
    pub(crate) fn add(&mut self, to: &'static str, value: &'a dyn Erased) {
        self.put(to, Node::Value(value));
    }

    /// Adds a value that stands in no record, routed by a table.
    pub(crate) fn add_by(
        &mut self,
        to: &'static str,
        table: &'static Table,
        record: &'a dyn Erased,
    ) {
        self.put(to, Node::Object(Self::of(table, record)));
    }

    /// Adds a list of objects.
    pub(crate) fn add_list(&mut self, to: &'static str, list: impl IntoIterator<Item = Self>) {
        self.put(to, Node::List(list.into_iter().map(Node::Object).collect()));
    }

    fn put(&mut self, to: &'static str, node: Node<'a>) {
        let (first, rest) = match to.split_once('.') {
            Some((first, rest)) => (first, Some(rest)),
            None => (to, None),
        };
        if let (Some(name), Some(rest)) = (first.strip_suffix("[]"), rest) {
            let list = self.0.iter_mut().find(|(have, _)| *have == name);
            if let Some((_, Node::List(elements))) = list {
                for element in elements.iter_mut().filter_map(Node::object) {
                    element.put(rest, node.clone());
                }
            }
            return;
        }
        let (name, in_list) = match first.strip_suffix("[0]") {
            Some(name) => (name, true),
            None => (first, false),
        };
        let Some(rest) = rest else {
            let node = if in_list {
                Node::List(vec![node])
            } else {
                node
            };
            match self.0.iter_mut().find(|(have, _)| *have == name) {
                Some((_, have)) => have.merge(node),
                None => self.0.push((name, node)),
            }
            return;
        };
        let place = match self.0.iter().position(|(have, _)| *have == name) {
            Some(place) => place,
            None => {
                let empty = Node::Object(Self::default());
                let node = if in_list {
                    Node::List(vec![empty])
                } else {
                    empty
                };
                self.0.push((name, node));
                self.0.len() - 1
            }
        };
        if let Some(inner) = self.0[place].1.object() {
            inner.put(rest, node);
        }
    }

    /// The body as JSON.
    ///
    /// # Errors
    ///
    /// Fails only for values that JSON cannot hold.
    pub(crate) fn into_bytes(self) -> Result<Bytes, Error> {
        let mut out = Vec::new();
        self.write(&mut out)
            .map_err(|error| Error::invalid("body", format!("cannot be written: {error}")))?;
        Ok(Bytes::from(out))
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        out.push(b'{');
        for (index, (name, node)) in self.0.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            serde_json::to_writer(&mut *out, name)?;
            out.push(b':');
            node.write(out)?;
        }
        out.push(b'}');
        Ok(())
    }
}

impl<'a> Node<'a> {
    /// The object that this node is, or that is the first element of it.
    fn object(&mut self) -> Option<&mut Body<'a>> {
        match self {
            Self::Object(body) => Some(body),
            Self::List(nodes) => nodes.first_mut()?.object(),
            Self::Value(_) | Self::Standard(_) | Self::Json(_) => None,
        }
    }

    /// Two objects become one; anything else is replaced.
    fn merge(&mut self, other: Self) {
        match (self, other) {
            (Self::Object(have), Self::Object(more)) => {
                for (name, node) in more.0 {
                    have.put(name, node);
                }
            }
            (have, other) => *have = other,
        }
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        match self {
            Self::Object(body) => body.write(out),
            Self::Value(value) => value.write_json(out),
            Self::Standard(value) => {
                let start = out.len();
                value.write_json(out)?;
                for letter in &mut out[start..] {
                    *letter = match *letter {
                        b'-' => b'+',
                        b'_' => b'/',
                        other => other,
                    };
                }
                Ok(())
            }
            Self::Json(value) => serde_json::to_writer(out, value),
            Self::List(nodes) => {
                out.push(b'[');
                for (index, node) in nodes.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    node.write(out)?;
                }
                out.push(b']');
                Ok(())
            }
        }
    }
}

/// The member at a path of names.
fn find<'a>(record: &'a dyn Erased, path: &str) -> Option<&'a dyn Erased> {
    path.split('.').try_fold(record, Erased::member)
}

#[cfg(test)]
mod tests {
    use gimmal_types::gemini::{
        Blob, Content, CreateCachedContentRequest, EncryptionSpec, GenerateContentConfig, Tool,
        ToolCodeExecution,
    };
    use serde_json::{Value, json};

    use super::*;

    table! {
        /// Tools, renamed.
        TOOL of "Tool" { "code_execution" => "run.code" }
    }
    table! {
        CONFIG of "GenerateContentConfig" {
            "system_instruction" => "instances[0].system",
            "temperature" => "parameters.heat",
            "top_p" => "instances[0].p",
            "tools" => "tools" each by (TOOL),
        }
    }
    table! {
        CACHE of "CreateCachedContentRequest" {
            "encryption_spec.kms_key_name" => "key",
            "encryption_spec" => "" by (SPEC),
            "display_name" => "name",
        }
    }
    table! { SPEC of "EncryptionSpec" { "kmsKeyName" => "spec.key" } }

    fn json_of(body: Body<'_>) -> Value {
        serde_json::from_slice(&body.into_bytes().unwrap()).unwrap()
    }

    #[test]
    fn fields_go_where_the_table_says() {
        let config = GenerateContentConfig::new()
            .set_temperature(0.5)
            .set_top_p(0.25)
            .set_system_instruction(Content::user("s"))
            .set_tools([Tool::new().set_code_execution(ToolCodeExecution::new())]);
        let mut body = Body::of(&CONFIG, &config);
        body.set("parameters.model", "models/m");
        assert_eq!(
            json_of(body),
            json!({
                "instances": [{"system": {"parts": [{"text": "s"}], "role": "user"}, "p": 0.25}],
                "parameters": {"heat": 0.5, "model": "models/m"},
                "tools": [{"run": {"code": {}}}],
            })
        );
    }

    #[test]
    fn members_of_members_and_flat_objects() {
        let spec = EncryptionSpec::new().set_kms_key_name("k");
        let request = CreateCachedContentRequest::new().set_encryption_spec(spec);
        assert_eq!(
            json_of(Body::of(&CACHE, &request)),
            json!({"key": "k", "spec": {"key": "k"}})
        );
        let empty = CreateCachedContentRequest::new();
        assert_eq!(json_of(Body::of(&CACHE, &empty)), json!({}));
    }

    table! {
        BLOB of "Blob" { "data" => "items[].bytes" standard, "mime_type" => "items[].type" }
    }

    #[test]
    fn every_element_of_a_list_gets_the_field() {
        let blob = Blob::new()
            .set_data(vec![0xfb, 0xff])
            .set_mime_type("a-b_c");
        let names = ["1", "2"].map(str::to_owned);
        let mut body = Body::default();
        body.add_list(
            "items",
            names.iter().map(|name| {
                let mut item = Body::default();
                item.add("name", name);
                item
            }),
        );
        body.route(&BLOB, &blob);
        let item = |name| json!({"name": name, "bytes": "+/8=", "type": "a-b_c"});
        assert_eq!(json_of(body), json!({"items": [item("1"), item("2")]}));

        let mut without = Body::default();
        without.route(&BLOB, &blob);
        assert_eq!(
            json_of(without),
            json!({}),
            "a list that is not there stays away"
        );
    }
}
