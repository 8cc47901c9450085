//! Functions of the caller's in a record: `{"$py": "callable", "name": …}`.
//!
//! A record does not hold their code. What they are called with is declared in its resolved form,
//! and what they gave stands in the requests that followed; that is all a call needs.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use gimmal_client::gemini::{Function, ToolSet};
use gimmal_types::gemini::FunctionDeclaration;
use serde_json::{Map, Value, json};

use crate::wire::arguments;
use crate::wire::failure::Failure;

/// What a function gave, call by call.
type Outcomes = Arc<Mutex<VecDeque<Result<Value, String>>>>;

/// The functions of a record.
#[derive(Clone, Default)]
pub(crate) struct Functions {
    names: Vec<String>,
    declarations: Vec<Value>,
    outcomes: BTreeMap<String, Outcomes>,
}

impl Functions {
    pub(crate) fn read(record: &Map<String, Value>) -> Self {
        let mut names = Vec::new();
        for holder in ["parameters", "arguments", "receiver"] {
            let config = record.get(holder).and_then(|holder| holder.get("config"));
            let tools = config.and_then(|config| config.get("tools"));
            let tools = tools.and_then(Value::as_array).into_iter().flatten();
            names.extend(tools.filter_map(callable).map(str::to_owned));
        }
        if names.is_empty() {
            return Self::default();
        }
        let resolved = record
            .get("canonical")
            .and_then(|list| list.pointer("/0/value"));
        let tools = resolved.and_then(|value| value.pointer("/config/tools"));
        let tools = tools.and_then(Value::as_array).into_iter().flatten();
        let declarations = tools
            .filter_map(|tool| tool.get("functionDeclarations")?.as_array())
            .flatten();
        let mut declarations: Vec<Value> = declarations
            .filter(|declaration| is_among(&names, declaration))
            .cloned()
            .collect();
        // A call that was refused has no resolved form, and no request that would show more.
        let exchanges = record.get("exchanges").and_then(Value::as_array);
        if declarations.is_empty() && exchanges.is_some_and(Vec::is_empty) {
            declarations = names.iter().map(|name| json!({"name": name})).collect();
        }
        Self {
            declarations,
            outcomes: outcomes(record),
            names,
        }
    }

    /// Tells these functions apart from the other tools of a call.
    pub(crate) fn split(self, tools: Value) -> Result<(Value, ToolSet), Failure> {
        let tools = match tools {
            Value::Array(tools) => tools,
            tool => return Ok((tool, ToolSet::new())),
        };
        if self.names.is_empty() {
            return Ok((tools.into(), ToolSet::new()));
        }
        // Beside functions that only the caller can run none runs by itself.
        let declared = tools
            .iter()
            .filter_map(|tool| tool.get("functionDeclarations")?.as_array());
        if declared.flatten().any(|one| !is_among(&self.names, one)) {
            return Ok((tools.into(), ToolSet::new()));
        }
        let mut others = Vec::new();
        for mut tool in tools {
            if callable(&tool).is_some() {
                continue;
            }
            // In the resolved form they are declarations like any other.
            let declared = tool
                .get_mut("functionDeclarations")
                .and_then(Value::as_array_mut);
            if let Some(declared) = declared {
                declared.retain(|declaration| !is_among(&self.names, declaration));
                if declared.is_empty() {
                    continue;
                }
            }
            others.push(tool);
        }
        Ok((others.into(), self.tool_set()?))
    }

    fn tool_set(self) -> Result<ToolSet, Failure> {
        let mut set = ToolSet::new();
        for declaration in self.declarations {
            let declaration: FunctionDeclaration =
                arguments::decode_strictly("config.tools", declaration)?;
            let name = declaration.name.clone().unwrap_or_default();
            let outcomes = self.outcomes.get(&name).cloned().unwrap_or_default();
            set = set.with_function(Function::new(declaration, move |_: Map<String, Value>| {
                let mut outcomes = outcomes.lock().unwrap_or_else(PoisonError::into_inner);
                let outcome = outcomes.pop_front();
                let unknown = || Err(format!("the record does not tell what {name} gave"));
                std::future::ready(outcome.unwrap_or_else(unknown))
            }));
        }
        if set.is_empty() {
            return Err(Failure::unimplemented("a function that is not declared"));
        }
        Ok(set)
    }
}

/// The name of a function of the caller's, without the scope that it is defined in.
fn callable(tool: &Value) -> Option<&str> {
    if tool.get("$py")? != "callable" {
        return None;
    }
    tool.get("name")?.as_str()?.rsplit('.').next()
}

fn is_among(names: &[String], declaration: &Value) -> bool {
    let name = declaration.get("name").and_then(Value::as_str);
    name.is_some_and(|name| names.iter().any(|known| known == name))
}

/// The results that were sent with the requests after the first.
fn outcomes(record: &Map<String, Value>) -> BTreeMap<String, Outcomes> {
    let mut outcomes: BTreeMap<String, Outcomes> = BTreeMap::new();
    let exchanges = record.get("exchanges").and_then(Value::as_array);
    for exchange in exchanges.into_iter().flatten().skip(1) {
        let contents = exchange.pointer("/request/body/json/contents");
        let last = contents
            .and_then(Value::as_array)
            .and_then(|list| list.last());
        let parts = last.and_then(|turn| turn.get("parts")?.as_array());
        for part in parts.into_iter().flatten() {
            let given = part
                .get("functionResponse")
                .or(part.get("function_response"));
            let Some(given) = given else { continue };
            let name = given
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let outcome = match (
                given.pointer("/response/result"),
                given.pointer("/response/error"),
            ) {
                (Some(result), _) => Ok(result.clone()),
                (None, Some(Value::String(error))) => Err(error.clone()),
                _ => continue,
            };
            let queue = outcomes.entry(name.to_owned()).or_default();
            queue
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push_back(outcome);
        }
    }
    outcomes
}
