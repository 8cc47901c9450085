//! The conditions of lists on Vertex: `state="JOB_STATE_RUNNING" AND labels.team:*` and the like.
//! A condition is looked up in the wire form of each resource.

use serde_json::Value;

use crate::gemini::{errors::ApiError, keys::to_camel};

/// Conditions that must all hold.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Filter {
    conditions: Vec<Condition>,
}

#[derive(Debug, PartialEq)]
struct Condition {
    path: Vec<String>,
    relation: Relation,
    value: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Is,
    IsNot,
    Has,
    AtLeast,
    AtMost,
    More,
    Less,
}

const RELATIONS: [(&str, Relation); 7] = [
    ("!=", Relation::IsNot),
    (">=", Relation::AtLeast),
    ("<=", Relation::AtMost),
    ("=", Relation::Is),
    (":", Relation::Has),
    (">", Relation::More),
    ("<", Relation::Less),
];

impl Filter {
    /// The conditions of all `filter` pairs of a query.
    pub(crate) fn read(query: &[(String, String)]) -> Result<Self, ApiError> {
        let texts = query.iter().filter(|(name, _)| name == "filter");
        let mut out = Self::default();
        for (_, text) in texts {
            for part in text.split(" AND ").map(str::trim) {
                if !part.is_empty() {
                    out.conditions.push(condition(part).ok_or_else(|| {
                        ApiError::invalid_argument(format!("Invalid filter: {part}"))
                    })?);
                }
            }
        }
        Ok(out)
    }

    /// Whether all conditions hold of `resource`.
    pub(crate) fn holds(&self, resource: &Value) -> bool {
        self.conditions
            .iter()
            .all(|condition| condition.holds(resource))
    }
}

impl Condition {
    fn holds(&self, resource: &Value) -> bool {
        let found = self
            .path
            .iter()
            .try_fold(resource, |value, field| value.get(field));
        let text = match found {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Null) | None => None,
            Some(other) => Some(other.to_string()),
        };
        let Some(text) = text else {
            return self.relation == Relation::IsNot;
        };
        let value = self.value.as_str();
        match self.relation {
            // What a field has is compared by whole words or by a beginning.
            Relation::Is | Relation::Has => match value.strip_suffix('*') {
                Some(prefix) => text.starts_with(prefix),
                None if self.relation == Relation::Has => text.contains(value),
                None => text == value,
            },
            Relation::IsNot => text != value,
            Relation::AtLeast => text.as_str() >= value,
            Relation::AtMost => text.as_str() <= value,
            Relation::More => text.as_str() > value,
            Relation::Less => text.as_str() < value,
        }
    }
}

fn condition(text: &str) -> Option<Condition> {
    let at = text.find(['!', '=', ':', '<', '>'])?;
    let (path, rest) = text.split_at(at);
    let (sign, relation) = *RELATIONS.iter().find(|(sign, _)| rest.starts_with(sign))?;
    let value = rest[sign.len()..].trim();
    let value = value.trim_matches(['"', '\'']);
    let mut fields = path.trim().split('.');
    // Only the first part is a field of a message; what follows may be the caller's own name.
    let first = to_camel(fields.next().filter(|field| !field.is_empty())?);
    let path = std::iter::once(first).chain(fields.map(str::to_owned));
    Some(Condition {
        path: path.collect(),
        relation,
        value: value.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn holds(filter: &str) -> bool {
        let query = [("filter".to_owned(), filter.to_owned())];
        let resource = json!({
            "displayName": "first try",
            "state": "JOB_STATE_RUNNING",
            "labels": { "tune-type": "sft", "my_team": "a" },
            "createTime": "2026-01-01T00:00:00Z",
        });
        Filter::read(&query).expect("a filter").holds(&resource)
    }

    #[test]
    fn conditions_are_looked_up_in_the_wire_form() {
        for yes in [
            "",
            "state=\"JOB_STATE_RUNNING\"",
            "state = JOB_STATE_RUNNING AND display_name:\"first\"",
            "displayName=\"first*\"",
            "labels.tune-type:*",
            "labels.my_team=a",
            "state!=JOB_STATE_FAILED",
            "labels.other!=x",
            "create_time>\"2025-12-31T00:00:00Z\"",
        ] {
            assert!(holds(yes), "{yes}");
        }
        for no in [
            "state=JOB_STATE_FAILED",
            "labels.none:*",
            "displayName=first",
            "create_time<=\"2025-12-31T00:00:00Z\"",
        ] {
            assert!(!holds(no), "{no}");
        }
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        let query = [("filter".to_owned(), "nonsense".to_owned())];
        assert_eq!(Filter::read(&query).expect_err("refused").code(), 400);
    }
}
