//! Function calling: whether a prompt asks for a function, which one, and with what arguments; and
//! the words for what a function answered.

use serde_json::{Value, json};

use crate::engine::{
    material::Material,
    schema::{self, Excess, Optional},
    words,
};

/// What the caller allows, decoded from `toolConfig`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    #[default]
    Auto,
    Any,
    None,
}

/// A function the model may call, as far as calling it goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Function<'a> {
    pub(crate) name: &'a str,
    pub(crate) description: &'a str,
    /// The schema of its arguments, in either dialect.
    pub(crate) parameters: Option<&'a Value>,
}

/// A call to be made.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) args: Value,
}

/// A call that asks for more arguments than a call may have.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Overlong<'a> {
    pub(crate) function: &'a str,
    pub(crate) excess: Excess,
}

/// Words of function names that say nothing about the subject.
const GENERIC: &[&str] = &[
    "get", "set", "list", "fetch", "find", "lookup", "search", "create", "make", "run", "do",
    "add", "current", "function", "tool", "api", "data", "info",
];

/// The call the prompt asks for, if it asks for one.
pub(crate) fn decide<'a>(
    prompt: &str,
    functions: &[Function<'a>],
    mode: Mode,
) -> Result<Option<Call>, Overlong<'a>> {
    if mode == Mode::None {
        return Ok(None);
    }
    let terms = words::terms(prompt);
    let scored = functions
        .iter()
        .map(|function| (score(prompt, &terms, function), function));
    // The first of the best, so that the order of declaration decides ties.
    let Some((best, function)) = scored.reduce(|a, b| if b.0 > a.0 { b } else { a }) else {
        return Ok(None);
    };
    if mode != Mode::Any && best < NAMED && !asks_for_a_tool(prompt) {
        return Ok(None);
    }
    match arguments(prompt, function.parameters) {
        Ok(args) => Ok(Some(Call {
            name: function.name.to_owned(),
            args,
        })),
        Err(excess) => Err(Overlong {
            function: function.name,
            excess,
        }),
    }
}

/// A score from here on means that the prompt names the function.
const NAMED: usize = 1000;

fn score(prompt: &str, terms: &[String], function: &Function<'_>) -> usize {
    let parts = name_parts(function.name);
    let subject: Vec<&String> = parts
        .iter()
        .filter(|p| !GENERIC.contains(&p.as_str()))
        .collect();
    let by_name = prompt.contains(function.name)
        || (!subject.is_empty()
            && subject
                .iter()
                .all(|part| terms.contains(&words::stem(part))));
    let described = words::terms(function.description);
    let overlap = terms.iter().filter(|term| described.contains(term)).count();
    usize::from(by_name) * NAMED + overlap
}

/// `getCurrent_weather` is get, current, weather.
fn name_parts(name: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut new = true;
    let mut lower_before = false;
    for c in name.chars() {
        if !c.is_alphanumeric() {
            new = true;
            continue;
        }
        if new || (c.is_uppercase() && lower_before) {
            out.push(String::new());
            new = false;
        }
        lower_before = c.is_lowercase();
        if let Some(last) = out.last_mut() {
            last.extend(c.to_lowercase());
        }
    }
    out
}

fn asks_for_a_tool(prompt: &str) -> bool {
    let lower: Vec<String> = words::compounds(prompt)
        .iter()
        .map(|w| w.to_lowercase())
        .collect();
    let has = |set: &[&str]| lower.iter().any(|word| set.contains(&word.as_str()));
    has(&["call", "use", "invoke", "using", "calling"])
        && has(&["function", "functions", "tool", "tools"])
}

fn arguments(prompt: &str, parameters: Option<&Value>) -> Result<Value, Excess> {
    let Some(parameters) = parameters else {
        return Ok(json!({}));
    };
    let material = Material::from_prompt(prompt);
    let value = schema::generate(parameters, material, Optional::WhenKnown)?;
    Ok(if value.is_object() { value } else { json!({}) })
}

/// The answer in words to what functions have returned.
pub(crate) fn report(responses: &[(&str, &Value)]) -> String {
    let told = responses.iter().map(|(name, response)| {
        // The convention is to wrap a single value as `result` or `output`.
        let inner = match response.as_object() {
            Some(fields) if fields.len() == 1 => fields
                .get("result")
                .or_else(|| fields.get("output"))
                .unwrap_or(response),
            _ => response,
        };
        match inner {
            Value::Object(fields) if !fields.is_empty() => {
                let fields: Vec<String> = fields
                    .iter()
                    .map(|(key, value)| format!("{key}: {}", plain(value)))
                    .collect();
                format!("{name} returned {}.", fields.join(", "))
            }
            other => format!("{name} returned {}.", plain(other)),
        }
    });
    told.collect::<Vec<_>>().join("\n")
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weather(parameters: &Value) -> Function<'_> {
        Function {
            name: "get_current_weather",
            description: "Reports temperature and rain for a city",
            parameters: Some(parameters),
        }
    }

    fn parameters() -> Value {
        json!({"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]})
    }

    #[test]
    fn a_named_subject_or_an_explicit_wish_leads_to_a_call() {
        let parameters = parameters();
        let functions = [weather(&parameters)];
        let call = |prompt| decide(prompt, &functions, Mode::Auto).expect("arguments");
        let expected = Call {
            name: "get_current_weather".into(),
            args: json!({"city": "Boston"}),
        };
        assert_eq!(call("What is the weather in Boston?"), Some(expected));
        assert!(call("Please use the tool for \"Rome\".").is_some());
        assert!(call("get_current_weather now").is_some());
        assert_eq!(call("How high is Mont Blanc?"), None);
    }

    #[test]
    fn the_mode_has_the_last_word() {
        let parameters = parameters();
        let functions = [weather(&parameters)];
        let call = |prompt, functions, mode| decide(prompt, functions, mode).expect("arguments");
        assert_eq!(call("get_current_weather", &functions, Mode::None), None);
        assert!(call("hello", &functions, Mode::Any).is_some());
        assert_eq!(call("hello", &[], Mode::Any), None);
    }

    #[test]
    fn of_several_functions_the_best_match_is_called() {
        let of = |name, description| Function {
            name,
            description,
            parameters: None,
        };
        let functions = [
            of("play_music", "Plays a song"),
            of("dimLights", "Makes a room darker"),
        ];
        let call = |prompt| decide(prompt, &functions, Mode::Any).expect("arguments");
        let name = |prompt| call(prompt).expect("a call").name;
        assert_eq!(name("make it darker"), "dimLights");
        assert_eq!(name("dim the lights"), "dimLights");
        assert_eq!(name("something else"), "play_music");
    }

    #[test]
    fn responses_are_told_in_words() {
        let (a, b) = (json!({"result": "sunny"}), json!({"temp": 20, "unit": "C"}));
        assert_eq!(
            report(&[("weather", &a), ("sensor", &b)]),
            "weather returned sunny.\nsensor returned temp: 20, unit: C."
        );
    }
}
