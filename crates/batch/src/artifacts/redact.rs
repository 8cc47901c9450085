//! Secrets stay out of what is kept: values of keys that name one, and what stands behind such a
//! name in a message. Outputs are left as they are, or a replay would differ from the run.

use serde_json::Value;

const REDACTED: &str = "[REDACTED]";
/// Names of secrets.
const NAMES: [&str; 7] = [
    "api_key",
    "api-key",
    "apikey",
    "access_token",
    "access-token",
    "accesstoken",
    "secret",
];
const HEADER: &str = "authorization";

fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    key == HEADER || key == "proxy-authorization" || NAMES.contains(&key.as_str())
}

/// The value without what its keys call a secret.
pub(super) fn value(value: &Value) -> Value {
    match value {
        Value::Array(values) => values.iter().map(self::value).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| {
                let kept = if is_secret(key) {
                    Value::from(REDACTED)
                } else {
                    self::value(value)
                };
                (key.clone(), kept)
            })
            .collect(),
        other => other.clone(),
    }
}

/// The message without what follows the name of a secret.
pub(super) fn text(message: &str) -> String {
    let (mut kept, mut rest, mut in_word) = (String::new(), message, false);
    while let Some(first) = rest.chars().next() {
        let found = (!in_word).then(|| secret_in(rest)).flatten();
        if let Some((name, value)) = found {
            kept.push_str(&rest[..name]);
            kept.push_str(REDACTED);
            rest = &rest[name + value..];
            in_word = true;
            continue;
        }
        in_word = first.is_alphanumeric() || first == '_';
        kept.push(first);
        rest = &rest[first.len_utf8()..];
    }
    kept
}

/// How long the name of a secret at the start of a text is, and the secret behind it.
fn secret_in(text: &str) -> Option<(usize, usize)> {
    let starts = |name: &str| {
        let start = text.get(..name.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(name))
    };
    let is_header = starts(HEADER);
    let name = if is_header {
        HEADER
    } else {
        NAMES.into_iter().find(|name| starts(name))?
    };
    let after = text[name.len()..].trim_start().strip_prefix([':', '='])?;
    let mut secret = after.trim_start();
    let is_end = |c: char| c.is_whitespace() || matches!(c, ',' | ';');
    if is_header {
        let bearer = secret
            .get(..6)
            .filter(|word| word.eq_ignore_ascii_case("bearer"));
        let rest = bearer.map(|bearer| &secret[bearer.len()..]);
        let rest = rest.filter(|rest| rest.starts_with(char::is_whitespace));
        secret = rest.map_or(secret, str::trim_start);
        let length = secret.find(is_end).unwrap_or(secret.len());
        return (length > 0).then_some((text.len() - secret.len(), length));
    }
    let quoted = secret.strip_prefix(['\'', '"']).unwrap_or(secret);
    let end = quoted.find(|c| is_end(c) || matches!(c, '\'' | '"'));
    let end = end.unwrap_or(quoted.len());
    let closing = usize::from(quoted[end..].starts_with(['\'', '"']));
    let length = secret.len() - quoted.len() + end + closing;
    (end > 0).then_some((text.len() - secret.len(), length))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Covers: AC-RS-3
    #[test]
    fn what_is_called_a_secret_is_not_kept() {
        for (message, expected) in [
            ("bad input api_key=sk-1", "bad input api_key=[REDACTED]"),
            ("API-Key : 'sk 1', more", "API-Key : [REDACTED] 1', more"),
            ("secret=\"x\";", "secret=[REDACTED];"),
            (
                "Authorization: Bearer abc.def, next",
                "Authorization: Bearer [REDACTED], next",
            ),
            ("authorization=abc", "authorization=[REDACTED]"),
            ("no secrets here: none", "no secrets here: none"),
            ("mysecret=1 apikey=", "mysecret=1 apikey="),
            ("accesstoken=é ok", "accesstoken=[REDACTED] ok"),
        ] {
            assert_eq!(text(message), expected);
        }
        let kept = value(&json!({
            "Api_Key": "sk-1", "list": [{"proxy-authorization": 1}], "secrets": "kept", "secret": {"a": 1},
        }));
        let expected = json!({
            "Api_Key": "[REDACTED]", "list": [{"proxy-authorization": "[REDACTED]"}],
            "secrets": "kept", "secret": "[REDACTED]",
        });
        assert_eq!(kept, expected);
    }
}
