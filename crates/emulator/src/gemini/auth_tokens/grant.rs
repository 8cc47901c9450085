//! What a token holds its bearer to: the setup of a session, whole or in some of its fields.

use serde_json::{Map, Value};

/// The setup a token was made with.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Grant {
    pub(crate) setup: Option<Map<String, Value>>,
    /// Paths into the setup, in camelCase; empty means all of it.
    pub(crate) mask: Vec<String>,
}

impl Grant {
    /// The setup that is in force for a session that was asked for with `asked`, both in camelCase:
    /// - without a setup in the token, what was asked for;
    /// - with one and no mask, that of the token;
    /// - with a mask, what was asked for with the fields of the mask as the token has them.
    pub(crate) fn setup(&self, asked: &Map<String, Value>) -> Map<String, Value> {
        let Some(own) = &self.setup else {
            return asked.clone();
        };
        if self.mask.is_empty() {
            return own.clone();
        }
        let mut out = asked.clone();
        for path in &self.mask {
            let path: Vec<&str> = path.split('.').collect();
            overwrite(&mut out, Some(own), &path);
        }
        out
    }
}

/// Makes the field at `path` of `out` what it is in `own`; what is absent there is taken away.
fn overwrite(out: &mut Map<String, Value>, own: Option<&Map<String, Value>>, path: &[&str]) {
    let [field, rest @ ..] = path else { return };
    let value = own.and_then(|own| own.get(*field));
    if rest.is_empty() {
        match value {
            Some(value) => out.insert((*field).to_owned(), value.clone()),
            None => out.remove(*field),
        };
        return;
    }
    let inner = out
        .entry(*field)
        .or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(inner) = inner {
        overwrite(inner, value.and_then(Value::as_object), rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().expect("an object")
    }

    #[test]
    fn a_token_holds_to_all_to_some_or_to_nothing() {
        let own = map(json!({
            "model": "models/a",
            "generationConfig": { "temperature": 0.5 },
        }));
        let asked = map(json!({
            "model": "models/b",
            "generationConfig": { "temperature": 1, "topK": 3 },
            "tools": [],
        }));
        assert_eq!(Grant::default().setup(&asked), asked);
        let mut grant = Grant {
            setup: Some(own.clone()),
            mask: Vec::new(),
        };
        assert_eq!(grant.setup(&asked), own);
        let paths = ["generationConfig.temperature", "tools", "systemInstruction"];
        grant.mask = paths.map(str::to_owned).to_vec();
        let expected = json!({
            "model": "models/b",
            "generationConfig": { "temperature": 0.5, "topK": 3 },
        });
        assert_eq!(grant.setup(&asked), map(expected));
        let expected = json!({ "generationConfig": { "temperature": 0.5 } });
        assert_eq!(grant.setup(&Map::new()), map(expected));
    }
}
