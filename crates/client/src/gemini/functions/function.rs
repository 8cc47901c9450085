//! One function: what the model is told of it, and the code that runs.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use gimmal_types::gemini::{FunctionDeclaration, FunctionResponsePart};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// What a function gave: its result, or the text of its error.
pub(in crate::gemini) type Outcome = Result<Given, String>;

/// The result of a function.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::gemini) struct Given {
    pub(in crate::gemini) value: Value,
    /// Media that belong to it.
    pub(in crate::gemini) parts: Vec<FunctionResponsePart>,
}

type Run = dyn Fn(Map<String, Value>) -> BoxFuture<'static, Outcome> + Send + Sync;

/// A function of yours that the model may call: a declaration and an async closure.
///
/// The closure returns a `Result`. What it returns is sent to the model, the error as its text,
/// so that the model can go on either way. Calls that the model makes at once run concurrently on
/// the task that waits for the reply; a closure that blocks belongs on a thread of its own
/// (`tokio::task::spawn_blocking`).
///
/// ```
/// use gimmal_client::gemini::Function;
/// use gimmal_client::types::gemini::FunctionDeclaration;
/// use serde_json::json;
///
/// let declaration = FunctionDeclaration::new()
///     .set_name("add")
///     .set_description("Adds two whole numbers.")
///     .set_parameters_json_schema(json!({
///         "type": "object",
///         "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
///         "required": ["a", "b"],
///     }));
///
/// #[derive(serde::Deserialize)]
/// struct Terms {
///     a: i64,
///     b: i64,
/// }
///
/// let add = Function::new(declaration, |terms: Terms| async move {
///     terms.a.checked_add(terms.b).ok_or("the sum is too large")
/// });
/// assert_eq!(add.name(), "add");
/// ```
#[derive(Clone)]
pub struct Function {
    declaration: FunctionDeclaration,
    run: Arc<Run>,
}

impl Function {
    /// A function from its declaration and the code that runs. The arguments are decoded into
    /// `A`; take a `serde_json::Map<String, Value>` to have them as they came.
    pub fn new<A, F, Fut, R, E>(declaration: FunctionDeclaration, run: F) -> Self
    where
        A: DeserializeOwned,
        F: Fn(A) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, E>> + Send + 'static,
        R: Serialize + 'static,
        E: fmt::Display + 'static,
    {
        let run = move |arguments: Map<String, Value>| {
            let arguments = serde_json::from_value::<A>(whole_numbers(arguments.into()));
            match arguments {
                Ok(arguments) => run(arguments).map(outcome).boxed(),
                Err(error) => {
                    let text = format!("the arguments cannot be read: {error}");
                    std::future::ready(Err(text)).boxed()
                }
            }
        };
        Self::raw(declaration, run)
    }

    /// A function that takes its arguments as they came, and may give media.
    pub(in crate::gemini) fn raw(
        declaration: FunctionDeclaration,
        run: impl Fn(Map<String, Value>) -> BoxFuture<'static, Outcome> + Send + Sync + 'static,
    ) -> Self {
        Self {
            declaration,
            run: Arc::new(run),
        }
    }

    /// A function whose declaration follows from the type of its arguments, a struct: its fields
    /// are the parameters, their doc comments tell the model what they mean.
    ///
    /// ```
    /// use gimmal_client::gemini::Function;
    /// use schemars::JsonSchema;
    /// use serde::Deserialize;
    ///
    /// #[derive(Deserialize, JsonSchema)]
    /// struct Query {
    ///     /// Name of the city.
    ///     city: String,
    /// }
    ///
    /// let weather = Function::typed("weather", "Tells the weather.", |query: Query| async move {
    ///     Ok::<_, String>(format!("sunny in {}", query.city))
    /// });
    /// let parameters = weather.declaration().parameters_json_schema.as_ref().unwrap();
    /// assert_eq!(parameters["properties"]["city"]["description"], "Name of the city.");
    /// ```
    #[cfg(feature = "schemars")]
    pub fn typed<A, F, Fut, R, E>(
        name: impl Into<String>,
        description: impl Into<String>,
        run: F,
    ) -> Self
    where
        A: DeserializeOwned + schemars::JsonSchema,
        F: Fn(A) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, E>> + Send + 'static,
        R: Serialize + 'static,
        E: fmt::Display + 'static,
    {
        let declaration = FunctionDeclaration::new()
            .set_name(name)
            .set_description(description)
            .set_parameters_json_schema(gimmal_types::gemini::json_schema_of::<A>());
        Self::new(declaration, run)
    }

    /// Tells the model what the function returns.
    #[cfg(feature = "schemars")]
    #[must_use]
    pub fn with_response<R: schemars::JsonSchema>(mut self) -> Self {
        let schema = gimmal_types::gemini::json_schema_of::<R>();
        self.declaration = self.declaration.set_response_json_schema(schema);
        self
    }

    /// The name by which the model calls it.
    pub fn name(&self) -> &str {
        self.declaration.name.as_deref().unwrap_or_default()
    }

    /// What the model is told of it.
    pub fn declaration(&self) -> &FunctionDeclaration {
        &self.declaration
    }

    pub(super) async fn call(&self, arguments: Map<String, Value>) -> Outcome {
        (self.run)(arguments).await
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Function")
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}

fn outcome<R: Serialize, E: fmt::Display>(result: Result<R, E>) -> Outcome {
    let value = result.map_err(|error| error.to_string())?;
    let value = serde_json::to_value(value)
        .map_err(|error| format!("the result cannot be sent: {error}"))?;
    Ok(Given {
        value,
        parts: Vec::new(),
    })
}

/// Numbers come as floats; those without a fraction are meant as whole numbers.
pub(in crate::gemini) fn whole_numbers(value: Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            // Beyond 2^53 a float no longer names one whole number.
            Some(float) if float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_992.0 => {
                format!("{float:.0}")
                    .parse::<i64>()
                    .map_or(Value::Number(number), Value::from)
            }
            _ => Value::Number(number),
        },
        Value::Array(items) => items.into_iter().map(whole_numbers).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(key, value)| (key, whole_numbers(value)))
            .collect::<Map<_, _>>()
            .into(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    async fn called(function: &Function, arguments: Value) -> Result<Value, String> {
        let Value::Object(arguments) = arguments else {
            panic!("arguments are an object");
        };
        function.call(arguments).await.map(|given| given.value)
    }

    #[tokio::test]
    async fn whole_floats_are_whole_numbers() {
        #[derive(serde::Deserialize)]
        struct Terms {
            a: i64,
            list: Vec<u8>,
        }
        let sum = Function::new(FunctionDeclaration::new(), |terms: Terms| async move {
            Ok::<_, String>(terms.a + terms.list.iter().map(|&n| i64::from(n)).sum::<i64>())
        });
        let given = json!({"a": -1.0, "list": [2.0, 3]});
        assert_eq!(called(&sum, given).await, Ok(json!(4)));
        let error = called(&sum, json!({"a": 0.5, "list": []})).await;
        assert!(
            error
                .unwrap_err()
                .starts_with("the arguments cannot be read: ")
        );
        assert_eq!(
            whole_numbers(json!([1e300, 0.5, -0.0])),
            json!([1e300, 0.5, 0])
        );
    }

    #[tokio::test]
    async fn errors_are_texts() {
        let fail = Function::new(FunctionDeclaration::new(), |_: Map<String, Value>| async {
            Err::<(), _>("no luck")
        });
        assert_eq!(called(&fail, json!({})).await, Err("no luck".to_owned()));
        // The code itself is not shown.
        assert_eq!(format!("{fail:?}"), r#"Function { name: "", .. }"#);
    }
}
