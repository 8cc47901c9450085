//! The functions of a call, and answers to what the model calls.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::{join_all, try_join_all};
use gimmal_transport::Error;
use gimmal_types::gemini::{
    Content, FunctionCall, FunctionDeclaration, FunctionResponse, Part, Role, Tool,
};
use serde_json::Map;

use super::function::{Given, Outcome};
use super::{Function, FunctionSource};

/// What is done when the model calls a function that does not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnknownFunction {
    /// The call fails with an error that names the function.
    #[default]
    Fail,
    /// The model is told, so that it can try again.
    Answer,
}

/// Functions of yours that the model may call, by name.
#[derive(Clone, Debug, Default)]
pub struct ToolSet {
    functions: Vec<Function>,
    sources: Vec<Arc<dyn FunctionSource>>,
    unknown: UnknownFunction,
}

impl ToolSet {
    /// No functions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a function.
    #[must_use]
    pub fn with_function(mut self, function: Function) -> Self {
        self.functions.push(function);
        self
    }

    /// Adds functions that are looked up each time the model is asked something, such as the tools
    /// of an MCP server. A live session looks them up when it begins.
    #[must_use]
    pub fn with_source(mut self, source: impl FunctionSource + 'static) -> Self {
        self.sources.push(Arc::new(source));
        self
    }

    /// What is done when the model calls a function that does not exist.
    #[must_use]
    pub fn with_unknown_function(mut self, unknown: UnknownFunction) -> Self {
        self.unknown = unknown;
        self
    }

    /// The functions, in the order in which they were added; not those that are looked up.
    pub fn functions(&self) -> &[Function] {
        &self.functions
    }

    /// True when there is no function, and none to be looked up.
    pub fn is_empty(&self) -> bool {
        self.functions.is_empty() && self.sources.is_empty()
    }

    /// What the model is told of them; not of those that are looked up.
    pub fn declarations(&self) -> impl Iterator<Item = &FunctionDeclaration> {
        self.functions.iter().map(Function::declaration)
    }

    /// Runs the functions that the model calls, all at once, and puts their results into one turn
    /// in the order of the calls: `{"result": …}`, or `{"error": …}` with the text of the error.
    ///
    /// Chats and generation do this by themselves; it is here for loops of your own.
    ///
    /// # Errors
    ///
    /// Fails when the model calls a function that does not exist, unless
    /// [`UnknownFunction::Answer`] was chosen, and when functions cannot be looked up. Then no
    /// function has run.
    pub async fn answer<'a>(
        &self,
        calls: impl IntoIterator<Item = &'a FunctionCall>,
    ) -> Result<Content, Error> {
        let all = self.resolved().await?;
        let mut running = Vec::new();
        for call in calls {
            let function = all.find(call)?;
            running.push(async move {
                let arguments = call.args.clone().unwrap_or_default();
                let outcome = match function {
                    Some(function) => function.call(arguments).await,
                    None => Err(unknown(call)),
                };
                let mut response = response(outcome);
                response.id.clone_from(&call.id);
                response.name.clone_from(&call.name);
                Part::new().set_function_response(response)
            });
        }
        let parts = join_all(running).await;
        Ok(Content::new().set_role(Role::User).set_parts(parts))
    }

    /// The same with the functions that had to be looked up.
    pub(in crate::gemini) async fn resolved(&self) -> Result<Cow<'_, Self>, Error> {
        if self.sources.is_empty() {
            return Ok(Cow::Borrowed(self));
        }
        let mut functions = self.functions.clone();
        for found in try_join_all(self.sources.iter().map(|source| source.functions())).await? {
            functions.extend(found);
        }
        Ok(Cow::Owned(Self {
            functions,
            sources: Vec::new(),
            unknown: self.unknown,
        }))
    }

    fn find(&self, call: &FunctionCall) -> Result<Option<&Function>, Error> {
        let name = call.name.as_deref().unwrap_or_default();
        let function = self.functions.iter().find(|one| one.name() == name);
        if function.is_none() && self.unknown == UnknownFunction::Fail {
            let call_json = serde_json::to_vec(call).unwrap_or_default();
            return Err(Error::decode(unknown(call), Bytes::from(call_json))
                .with_field("functionCall.name"));
        }
        Ok(function)
    }

    /// The tools of a request with these functions among them.
    ///
    /// # Errors
    ///
    /// Fails when a function has no name, or two have the same.
    pub(in crate::gemini) fn join(&self, mut tools: Vec<Tool>) -> Result<Vec<Tool>, Error> {
        let declared = tools.iter().flat_map(|tool| &tool.function_declarations);
        let mut names: Vec<&str> = declared.filter_map(|one| one.name.as_deref()).collect();
        for function in &self.functions {
            let name = function.name();
            if name.is_empty() {
                return Err(Error::invalid(
                    "tools",
                    "a function has no name; give it one",
                ));
            }
            if names.contains(&name) {
                let message = format!("two functions are called `{name}`; rename one of them");
                return Err(Error::invalid("tools", message));
            }
            names.push(name);
        }
        if !self.functions.is_empty() {
            let declarations = self.declarations().cloned();
            tools.push(Tool::new().set_function_declarations(declarations));
        }
        Ok(tools)
    }
}

impl<I: IntoIterator<Item = Function>> From<I> for ToolSet {
    fn from(functions: I) -> Self {
        Self {
            functions: functions.into_iter().collect(),
            ..Self::default()
        }
    }
}

/// The form in which the model gets what a function gave.
fn response(outcome: Outcome) -> FunctionResponse {
    let (key, given) = match outcome {
        Ok(given) => ("result", given),
        Err(text) => (
            "error",
            Given {
                value: text.into(),
                ..Given::default()
            },
        ),
    };
    let members = Map::from_iter([(key.to_owned(), given.value)]);
    FunctionResponse::new()
        .set_response(members)
        .set_parts(given.parts)
}

fn unknown(call: &FunctionCall) -> String {
    let name = call.name.as_deref().unwrap_or_default();
    format!("the model called the function `{name}`, which does not exist")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn echo(name: &str) -> Function {
        let declaration = FunctionDeclaration::new().set_name(name);
        Function::new(declaration, |given: Map<String, Value>| async {
            Ok::<_, String>(given)
        })
    }

    fn call(name: &str, id: Option<&str>) -> FunctionCall {
        serde_json::from_value(json!({"name": name, "id": id, "args": {"n": 1}})).unwrap()
    }

    #[tokio::test]
    async fn calls_are_answered_in_order_and_by_identifier() {
        let tools = ToolSet::from([echo("a"), echo("b")]);
        let calls = [call("b", Some("7")), call("a", None)];
        let turn = tools.answer(&calls).await.unwrap();
        assert_eq!(
            serde_json::to_value(turn).unwrap(),
            json!({"role": "user", "parts": [
                {"functionResponse": {"id": "7", "name": "b", "response": {"result": {"n": 1}}}},
                {"functionResponse": {"name": "a", "response": {"result": {"n": 1}}}}]})
        );
    }

    #[tokio::test]
    async fn an_unknown_function_is_an_error_or_an_answer() {
        let tools = ToolSet::from([echo("a")]);
        let calls = [call("a", None), call("nope", None)];
        let error = tools.answer(&calls).await.unwrap_err();
        assert_eq!(error.field(), Some("functionCall.name"));
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(
            cause,
            "the model called the function `nope`, which does not exist"
        );

        let tools = tools.with_unknown_function(UnknownFunction::Answer);
        let turn = tools.answer(&calls).await.unwrap();
        let answer = turn.parts[1].function_response.as_ref().unwrap();
        assert_eq!(answer.response.as_ref().unwrap()["error"], cause);
    }

    #[test]
    fn names_must_be_there_and_differ() {
        let join = |functions: &[Function]| ToolSet::from(functions.to_vec()).join(Vec::new());
        assert!(join(&[]).unwrap().is_empty());
        assert_eq!(join(&[echo("a"), echo("b")]).unwrap().len(), 1);
        let message = |functions: &[Function]| join(functions).unwrap_err().to_string();
        assert!(message(&[echo("")]).contains("a function has no name; give it one"));
        assert!(message(&[echo("a"), echo("a")]).contains("two functions are called `a`"));
    }
}
