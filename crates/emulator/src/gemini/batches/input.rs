//! The requests of a job: from the message that makes it, from lines of JSON, and from the rows of
//! a table.

use serde_json::{Value, json};

use crate::gemini::{batches::store::Item, errors::ApiError, keys};

/// The requests given in place, each with its metadata.
pub(super) fn inline(requests: &[Value]) -> Vec<Item> {
    let items = requests.iter().map(|item| Item {
        request: required(item, "request"),
        tag: item.get("metadata").filter(|it| !it.is_null()).cloned(),
    });
    items.collect()
}

/// The requests of a file of the developer service: lines of `key` and `request`.
pub(super) fn keyed_lines(text: &str) -> Vec<Item> {
    let items = lines(text).map(|line| match line {
        Ok(line) => Item {
            request: required(&camel(&line), "request"),
            tag: line.get("key").cloned(),
        },
        Err(error) => Item {
            request: Err(error),
            tag: None,
        },
    });
    items.collect()
}

/// The requests of an object on Vertex, where whole lines come back: below `request`, or the lines
/// themselves where they are `instances` for a prediction.
pub(super) fn whole_lines(text: &str, instances: bool) -> Vec<Item> {
    let items = lines(text).map(|line| match line {
        Ok(line) => of_row(line, instances),
        Err(error) => Item {
            request: Err(error),
            tag: None,
        },
    });
    items.collect()
}

/// The requests of a table, in the column `request`, as JSON or as text of JSON.
pub(super) fn rows(rows: Vec<Value>, instances: bool) -> Vec<Item> {
    let items = rows.into_iter().map(|row| {
        let text = row.get("request").and_then(Value::as_str);
        let Some(text) = text else {
            return of_row(row, instances);
        };
        let request = serde_json::from_str::<Value>(text)
            .map(|request| camel(&request))
            .map_err(|error| not_json(&error));
        Item {
            request,
            tag: Some(row),
        }
    });
    items.collect()
}

fn of_row(row: Value, instances: bool) -> Item {
    let normal = camel(&row);
    let request = if instances && normal.get("request").is_none() {
        Ok(normal)
    } else {
        required(&normal, "request")
    };
    Item {
        request,
        tag: Some(row),
    }
}

fn lines(text: &str) -> impl Iterator<Item = Result<Value, ApiError>> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| serde_json::from_str(line).map_err(|error| not_json(&error)))
}

fn required(item: &Value, field: &str) -> Result<Value, ApiError> {
    match item.get(field) {
        Some(request) if request.is_object() => Ok(request.clone()),
        _ => Err(ApiError::invalid_argument(format!(
            "The item has no object `{field}`."
        ))),
    }
}

fn not_json(error: &serde_json::Error) -> ApiError {
    ApiError::invalid_argument(format!("Invalid JSON payload received. {error}"))
}

/// With the names of fields in camelCase. A lone request is no message by itself, so that it is
/// looked at as a part of one.
fn camel(value: &Value) -> Value {
    let whole = json!({ "item": value }).into();
    keys::normalise(&whole)["item"].clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_keys_and_their_mistakes() {
        let text =
            "{\"key\": \"a\", \"request\": {\"system_instruction\": {}}}\n\n{oops\n{\"key\": 7}\n";
        let items = keyed_lines(text);
        assert_eq!(items.len(), 3);
        assert_eq!(items[0].tag, Some(json!("a")));
        assert_eq!(items[0].request, Ok(json!({"systemInstruction": {}})));
        assert!(items[1].request.is_err() && items[1].tag.is_none());
        assert_eq!(items[2].tag, Some(json!(7)));
        assert!(items[2].request.is_err());
    }

    #[test]
    fn rows_are_requests_as_json_or_as_text() {
        let request = json!({"contents": []});
        let given = vec![
            json!({"id": 1, "request": request}),
            json!({"id": 2, "request": request.to_string()}),
            json!({"id": 3, "request": "{"}),
        ];
        let items = rows(given.clone(), false);
        assert_eq!(items[0].request, Ok(request.clone()));
        assert_eq!(items[1].request, Ok(request));
        assert!(items[2].request.is_err());
        assert_eq!(items[1].tag.as_ref(), Some(&given[1]));
        let instance = rows(
            vec![json!({"content": "a", "task_type": "CLUSTERING"})],
            true,
        );
        assert_eq!(
            instance[0].request,
            Ok(json!({"content": "a", "taskType": "CLUSTERING"}))
        );
    }
}
