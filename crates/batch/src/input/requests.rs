//! Rows as the services' own batch files have them: requests for Gemini (`key` and `request`) and for
//! OpenAI (`custom_id` and `body`). What such a row asks becomes a prompt. A row with settings of its
//! own is refused and not bent: all prompts of a run have the same.

use serde_json::{Map, Value};

/// The same row with the members `id` and `prompt`, if it is a request.
pub(super) fn plain(mut members: Map<String, Value>) -> Result<Map<String, Value>, String> {
    if members.contains_key("prompt") {
        return Ok(members);
    }
    // The rest of a row is the caller's.
    let (id, own, prompt): (_, &[&str], _) = match (members.get("request"), members.get("body")) {
        (Some(Value::Object(request)), _) => ("key", &["request"], of_gemini(request)?),
        (_, Some(Value::Object(body))) => {
            ("custom_id", &["body", "method", "url"], of_openai(body)?)
        }
        _ => return Ok(members),
    };
    if let Some(id) = members.remove(id) {
        members.insert("id".to_owned(), id);
    }
    for name in own {
        members.remove(*name);
    }
    members.insert("prompt".to_owned(), prompt.into());
    Ok(members)
}

fn of_gemini(request: &Map<String, Value>) -> Result<String, String> {
    nothing_but(request, "request", &["contents", "model"])?;
    let contents = request.get("contents");
    let content = match contents.and_then(Value::as_array).map(Vec::as_slice) {
        Some([content]) => content,
        _ => return Err("has a `request` with other than one content".to_owned()),
    };
    if content.get("role").is_some_and(|role| role != "user") {
        return Err("has a `request` whose content is not the user's".to_owned());
    }
    texts(&content["parts"]).ok_or_else(|| "has a `request` that is not text alone".to_owned())
}

fn of_openai(body: &Map<String, Value>) -> Result<String, String> {
    nothing_but(body, "body", &["messages", "input", "model"])?;
    if body.contains_key("input") && body.contains_key("messages") {
        return Err("has a `body` with both `input` and `messages`".to_owned());
    }
    if let Some(Value::String(input)) = body.get("input") {
        return Ok(input.clone());
    }
    let messages = body.get("messages");
    let message = match messages.and_then(Value::as_array).map(Vec::as_slice) {
        Some([message]) if message["role"] == "user" => message,
        _ => return Err("has a `body` with other than one message of the user".to_owned()),
    };
    let content = &message["content"];
    let text = content.as_str().map(str::to_owned);
    text.or_else(|| texts(content))
        .ok_or_else(|| "has a `body` that is not text alone".to_owned())
}

/// The texts of parts, one after the other; `None` when one is something else.
fn texts(parts: &Value) -> Option<String> {
    let text_of = |part: &Value| {
        let mut names = part.as_object()?.keys();
        let is_text = names.all(|name| name == "text" || name == "type");
        part["text"].as_str().filter(|_| is_text).map(str::to_owned)
    };
    let texts = parts.as_array()?.iter().map(text_of);
    let text = texts.collect::<Option<String>>()?;
    (!text.is_empty()).then_some(text)
}

/// The model is the run's, whatever a row names.
fn nothing_but(object: &Map<String, Value>, what: &str, known: &[&str]) -> Result<(), String> {
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        Some(other) => Err(format!(
            "has a `{what}` with `{other}`: settings are the same for all prompts of a run, so give \
             it as an argument"
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(row: Value) -> Result<Value, String> {
        let Value::Object(members) = row else {
            panic!("{row}")
        };
        plain(members).map(Value::Object)
    }

    #[test]
    fn requests_of_services_become_prompts() {
        let wanted = json!({"id": "a", "prompt": "Why?", "note": 1});
        for row in [
            json!({"key": "a", "note": 1, "request": {"contents": [{"parts": [{"text": "Why?"}]}]}}),
            json!({"key": "a", "note": 1, "request": {"model": "m", "contents": [
                {"role": "user", "parts": [{"text": "Wh"}, {"text": "y?"}]}]}}),
            json!({"custom_id": "a", "note": 1, "method": "POST", "url": "/v1/responses",
                "body": {"model": "m", "input": "Why?"}}),
            json!({"custom_id": "a", "note": 1, "url": "/v1/chat/completions",
                "body": {"messages": [{"role": "user", "content": "Why?"}]}}),
            json!({"custom_id": "a", "note": 1, "body": {"messages": [
                {"role": "user", "content": [{"type": "text", "text": "Why?"}]}]}}),
        ] {
            assert_eq!(read(row.clone()), Ok(wanted.clone()), "{row}");
        }
        let row = json!({"key": "a", "method": "by hand", "url": "u", "body": 7,
            "request": {"contents": [{"parts": [{"text": "Why?"}]}]}});
        let wanted =
            json!({"id": "a", "prompt": "Why?", "method": "by hand", "url": "u", "body": 7});
        assert_eq!(read(row), Ok(wanted), "what is not the request's stays");
        let own = json!({"id": "a", "prompt": "Why?", "body": {"x": 1}});
        assert_eq!(read(own.clone()), Ok(own));
        let other = json!({"id": "a", "body": "text"});
        assert_eq!(read(other.clone()), Ok(other));
    }

    #[test]
    fn what_a_prompt_cannot_say_is_refused() {
        let user = json!([{"parts": [{"text": "Why?"}]}]);
        for (row, said) in [
            (
                json!({"request": {"contents": user, "generationConfig": {}}}),
                "with `generationConfig`",
            ),
            (
                json!({"request": {"contents": [user[0], user[0]]}}),
                "one content",
            ),
            (json!({"request": {}}), "one content"),
            (
                json!({"request": {"contents": [{"role": "model", "parts": [{"text": "x"}]}]}}),
                "not the user's",
            ),
            (
                json!({"request": {"contents": [{"parts": [{"inlineData": {}}]}]}}),
                "not text alone",
            ),
            (
                json!({"request": {"contents": [{"parts": [{"text": "x", "inlineData": {}}]}]}}),
                "not text alone",
            ),
            (
                json!({"body": {"input": "x", "messages": [{"role": "user", "content": "y"}]}}),
                "both `input` and `messages`",
            ),
            (
                json!({"body": {"input": "x", "temperature": 1}}),
                "with `temperature`",
            ),
            (
                json!({"body": {"messages": [{"role": "system", "content": "x"}]}}),
                "one message of the user",
            ),
            (
                json!({"body": {"messages": [{"role": "user", "content": 1}]}}),
                "not text alone",
            ),
        ] {
            let refused = read(row.clone()).unwrap_err();
            assert!(refused.contains(said), "{row}: {refused}");
        }
    }
}
