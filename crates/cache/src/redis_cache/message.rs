//! What processes tell each other about invalidations. A message that is not understood means
//! everything, so that nothing is served too long.

use serde_json::{Value, json};

use crate::key::CacheKey;
use crate::selector::{Selector, encoded};

/// The channel of invalidations that concern every namespace; those of one add its name.
pub(super) const CHANNEL: &str = "gimmal:r2inv";

/// The channel of a namespace.
pub(super) fn channel(namespace: &str) -> String {
    format!("{CHANNEL}:{}", encoded(namespace))
}

/// Where to say it, and what.
pub(super) fn write(selector: &Selector, sender: &str) -> (String, String) {
    let namespace = selector.namespace();
    let place = namespace
        .as_ref()
        .map_or_else(|| CHANNEL.to_owned(), |namespace| channel(namespace));
    let mut message = match selector {
        Selector::All | Selector::Namespace(_) => json!({"all": true}),
        Selector::Operation { operation, .. } => json!({"op": operation}),
        Selector::Tag { tag, .. } => json!({"tag": tag}),
        Selector::Glob(pattern) => json!({"glob": pattern.as_str()}),
        Selector::Key(key) => json!({"keys": [key.as_str()]}),
    };
    message["v"] = json!(1);
    message["from"] = json!(sender);
    message["ns"] = json!(namespace);
    (place, message.to_string())
}

/// What a message says; nothing if `own` sent it.
pub(super) fn read(message: &[u8], own: &str) -> Vec<Selector> {
    let Ok(message) = serde_json::from_slice::<Value>(message) else {
        return vec![Selector::All];
    };
    if message["from"] == own {
        return Vec::new();
    }
    understand(&message).unwrap_or_else(|| vec![Selector::All])
}

fn understand(message: &Value) -> Option<Vec<Selector>> {
    if message["v"] != 1 {
        return None;
    }
    if let Some(pattern) = message["glob"].as_str() {
        return Some(vec![Selector::glob(pattern).ok()?]);
    }
    if let Some(keys) = message["keys"].as_array() {
        let key = |key: &Value| CacheKey::parse(key.as_str()?).map(Selector::Key);
        return keys.iter().map(key).collect();
    }
    let Some(namespace) = message["ns"].as_str() else {
        return (message["all"] == true).then(|| vec![Selector::All]);
    };
    let selector = if let Some(operation) = message["op"].as_str() {
        Selector::operation(operation)
    } else if let Some(tag) = message["tag"].as_str() {
        Selector::tag(tag)
    } else {
        Selector::All
    };
    Some(vec![selector.in_namespace(namespace)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::KeyRequest;

    #[test]
    fn what_is_written_is_read_by_all_but_the_sender() {
        for selector in [
            Selector::All,
            Selector::Namespace("a b".into()),
            Selector::operation("qa").in_namespace("t"),
            Selector::tag("x:y"),
            Selector::glob("t*:q?").unwrap(),
            Selector::Key(KeyRequest::new("qa").key()),
        ] {
            let (_, message) = write(&selector, "me");
            assert_eq!(read(message.as_bytes(), "you"), [selector]);
            assert_eq!(read(message.as_bytes(), "me"), []);
        }
        let (place, _) = write(&Selector::Namespace("a b".into()), "me");
        assert_eq!(place, "gimmal:r2inv:a%20b");
    }

    #[test]
    fn what_is_not_understood_means_everything() {
        for message in ["", "{}", r#"{"v":2,"all":true}"#, r#"{"v":1,"keys":["x"]}"#] {
            assert_eq!(read(message.as_bytes(), "me"), [Selector::All]);
        }
    }
}
