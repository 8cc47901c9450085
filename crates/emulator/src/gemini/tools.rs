//! `tools` and `toolConfig`: which functions may be called, and whether they must be.

use serde_json::{Map, Value};

use crate::{
    engine::calls::{Function, Mode},
    gemini::{
        errors::ApiError,
        fields::{list, object, string},
        schemas::Dialect,
    },
};

/// The functions declared in `tools`.
pub(crate) fn functions<'a>(
    tools: Option<&'a Value>,
    message: &str,
) -> Result<Vec<Function<'a>>, ApiError> {
    let tools: &[Value] = match tools {
        None | Some(Value::Null) => &[],
        Some(Value::Array(items)) => items,
        Some(single) => std::slice::from_ref(single),
    };
    let mut out = Vec::new();
    for (t, tool) in tools.iter().enumerate() {
        let at = format!("tools[{t}]");
        let Some(tool) = tool.as_object() else {
            return Err(ApiError::invalid_value(&at, "an object", tool));
        };
        for (f, declaration) in list(tool, "functionDeclarations").iter().enumerate() {
            let at = format!("{at}.function_declarations[{f}]");
            let Some(declaration) = declaration.as_object() else {
                return Err(ApiError::invalid_value(&at, "an object", declaration));
            };
            out.push(function(declaration, message, &at)?);
        }
    }
    Ok(out)
}

fn function<'a>(
    declaration: &'a Map<String, Value>,
    message: &str,
    at: &str,
) -> Result<Function<'a>, ApiError> {
    let name = string(declaration, "name", at)?.unwrap_or_default();
    if !is_function_name(name) {
        return Err(ApiError::invalid_argument(format!(
            "* {message}.{at}.name: Invalid function name. Must start with a letter or an \
             underscore. Must be alphanumeric (a-z, A-Z, 0-9), underscores (_), dots (.), colons \
             (:), or dashes (-), with a maximum length of 128.\n"
        )));
    }
    let present = |key: &str| declaration.get(key).filter(|value| !value.is_null());
    Ok(Function {
        name,
        description: string(declaration, "description", at)?.unwrap_or_default(),
        parameters: present("parameters").or_else(|| present("parametersJsonSchema")),
    })
}

/// Where in `tools` the parameters of the named function are, and what they are written in.
pub(crate) fn parameters_of(tools: Option<&Value>, name: &str) -> (String, Dialect) {
    let tools = match tools {
        Some(Value::Array(items)) => items,
        Some(single) => std::slice::from_ref(single),
        None => &[],
    };
    for (t, tool) in tools.iter().enumerate() {
        let declarations = tool
            .as_object()
            .map_or(&[][..], |tool| list(tool, "functionDeclarations"));
        for (f, declaration) in declarations.iter().enumerate() {
            if declaration["name"] == name {
                let at = format!("tools[{t}].function_declarations[{f}]");
                return if declaration["parameters"].is_null() {
                    (format!("{at}.parameters_json_schema"), Dialect::JsonSchema)
                } else {
                    (format!("{at}.parameters"), Dialect::Own)
                };
            }
        }
    }
    ("tools".to_owned(), Dialect::Own)
}

fn is_function_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_.:-".contains(c))
        && name.len() <= 128
}

/// The calling mode, and the functions it leaves to choose from.
pub(crate) fn choice<'a>(
    tool_config: Option<&Value>,
    functions: Vec<Function<'a>>,
) -> Result<(Mode, Vec<Function<'a>>), ApiError> {
    const AT: &str = "tool_config.function_calling_config";
    let Some(tool_config) = tool_config.filter(|value| !value.is_null()) else {
        return Ok((Mode::Auto, functions));
    };
    let Some(tool_config) = tool_config.as_object() else {
        return Err(ApiError::invalid_value(
            "tool_config",
            "an object",
            tool_config,
        ));
    };
    let Some(config) = object(tool_config, "functionCallingConfig", "tool_config")? else {
        return Ok((Mode::Auto, functions));
    };
    let (mode, restricts) = match string(config, "mode", AT)?.unwrap_or_default() {
        "" | "MODE_UNSPECIFIED" | "AUTO" => (Mode::Auto, false),
        "VALIDATED" => (Mode::Auto, true),
        "ANY" => (Mode::Any, true),
        "NONE" => (Mode::None, false),
        other => {
            let at = format!("{AT}.mode");
            return Err(ApiError::invalid_value(
                &at,
                "enum Mode",
                &Value::from(other),
            ));
        }
    };
    let allowed = list(config, "allowedFunctionNames");
    if allowed.is_empty() {
        return Ok((mode, functions));
    }
    if !restricts {
        return Err(ApiError::invalid_argument(
            "allowed_function_names can only be set when the function calling mode is ANY or \
             VALIDATED.",
        ));
    }
    let known = |name: &Value| {
        functions
            .iter()
            .any(|function| Some(function.name) == name.as_str())
    };
    if let Some(unknown) = allowed.iter().find(|name| !known(name)) {
        return Err(ApiError::invalid_argument(format!(
            "allowed_function_names has {unknown}, which no function declaration has as its name."
        )));
    }
    let left = functions.into_iter();
    let left = left.filter(|f| allowed.iter().any(|name| name.as_str() == Some(f.name)));
    Ok((mode, left.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn names(config: Value) -> Result<(Mode, Vec<String>), String> {
        let tools = json!([{"functionDeclarations": [{"name": "a"}, {"name": "b"}]}]);
        let functions = functions(Some(&tools), "M").expect("functions");
        choice(Some(&config), functions)
            .map(|(mode, left)| (mode, left.iter().map(|f| f.name.to_owned()).collect()))
            .map_err(|error| error.message().to_owned())
    }

    #[test]
    fn modes_and_allowed_names() {
        let config = |mode: &str, allowed: Value| json!({"functionCallingConfig": {"mode": mode, "allowedFunctionNames": allowed}});
        let both = || vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(names(json!({})), Ok((Mode::Auto, both())));
        assert_eq!(names(config("NONE", json!([]))), Ok((Mode::None, both())));
        assert_eq!(
            names(config("ANY", json!(["b"]))),
            Ok((Mode::Any, vec!["b".to_owned()]))
        );
        assert!(names(config("AUTO", json!(["b"]))).is_err());
        assert!(
            names(config("ANY", json!(["c"])))
                .expect_err("unknown")
                .contains("\"c\"")
        );
        assert!(names(config("OFTEN", json!([]))).is_err());
    }

    #[test]
    fn function_names_are_checked() {
        for name in ["", "1a", "a b", &"x".repeat(129)] {
            let tools = json!([{"functionDeclarations": [{ "name": name }]}]);
            let error = functions(Some(&tools), "M").expect_err("refused");
            assert!(
                error
                    .message()
                    .contains("tools[0].function_declarations[0].name")
            );
        }
    }
}
