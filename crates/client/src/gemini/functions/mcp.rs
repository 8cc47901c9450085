//! Tools of servers of the Model Context Protocol, as functions that the model may call. The
//! session with a server is the caller's: nothing here connects, logs in or ends it.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use gimmal_transport::{Error, TimeoutKind};
use gimmal_types::gemini::{
    FunctionDeclaration, FunctionResponseBlob, FunctionResponsePart, Schema,
};
use gimmal_types::rpc::Status;
use rmcp::model::{
    CallToolRequestParams, CallToolResult, ContentBlock, PaginatedRequestParams, ResourceContents,
    Tool,
};
use rmcp::service::{Peer, RoleClient, ServiceError};
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use super::function::{Given, Outcome, whole_numbers};
use super::{Function, FunctionSource};

/// The tools of one MCP server, as functions.
///
/// The list is asked for each time the model is asked something, so that tools may come and go;
/// a server that says how long its list holds is not asked again before. What a tool gives goes to
/// the model: its structured content if there is some, else its text, with images and sounds
/// beside it. A tool that fails, and a server that is gone, are told to the model as an error, so
/// that it can go on.
///
/// ```no_run
/// use std::time::Duration;
/// use gimmal_client::gemini::{GeminiClient, McpTools, ToolSet};
/// use rmcp::ServiceExt as _;
///
/// # async fn run(
/// #     client: GeminiClient,
/// #     stream: tokio::io::DuplexStream,
/// # ) -> Result<(), Box<dyn std::error::Error>> {
/// // A process, an HTTP connection or any stream of bytes: see the transports of `rmcp`.
/// let session = ().serve(stream).await?;
/// let tools = McpTools::new(&session).with_timeout(Duration::from_secs(30));
///
/// let mut chat = client
///     .chats()
///     .create("gemini-2.5-flash")
///     .with_functions(ToolSet::new().with_source(tools))
///     .start()?;
/// let reply = chat.send_message("Which files have changed today?").send().await?;
/// println!("{}", reply.body().text().unwrap_or_default());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct McpTools {
    peer: Peer<RoleClient>,
    prefix: String,
    only: Option<BTreeSet<String>>,
    timeout: Option<Duration>,
}

impl McpTools {
    /// The tools of the server at the other end of a session. Keep the session for as long as they
    /// are used: it ends when it is dropped.
    pub fn new(session: &Peer<RoleClient>) -> Self {
        Self {
            peer: session.clone(),
            prefix: String::new(),
            only: None,
            timeout: None,
        }
    }

    /// Puts a text before the name of each tool, so that two servers may have tools of one name.
    #[must_use]
    pub fn with_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Lets the model call these tools only, by the server's names.
    #[must_use]
    pub fn with_only<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.only = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// How long the server may take for a list or a tool; without it there is no limit. The model
    /// is told when a tool takes longer, and the server that nobody waits any more.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    async fn list(&self) -> Result<Vec<Tool>, Error> {
        let mut tools = Vec::new();
        let mut asked = HashSet::new();
        let mut cursor = None;
        loop {
            let page = PaginatedRequestParams::default().with_cursor(cursor);
            let page = self.peer.list_tools(Some(page)).await.map_err(listing)?;
            tools.extend(page.tools);
            match page.next_cursor {
                None => return Ok(tools),
                // A server that goes in circles would be asked for ever.
                Some(next) if !asked.insert(next.clone()) => {
                    let message = "the MCP server names a page of its tools twice";
                    return Err(Error::decode(message, next.into()).with_field("nextCursor"));
                }
                next => cursor = next,
            }
        }
    }

    fn function(&self, tool: &Tool) -> Function {
        let name = format!("{}{}", self.prefix, tool.name);
        let (session, tool_name) = (self.clone(), Arc::<str>::from(&*tool.name));
        Function::raw(declaration(name, tool), move |arguments| {
            let (session, tool_name) = (session.clone(), Arc::clone(&tool_name));
            async move { session.call(&tool_name, arguments).await }.boxed()
        })
    }

    async fn call(&self, tool: &str, arguments: Map<String, Value>) -> Outcome {
        let Value::Object(arguments) = whole_numbers(arguments.into()) else {
            return Err("the arguments are no object".to_owned());
        };
        let params = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        let calling = self.peer.call_tool(params);
        let result = match self.timeout {
            None => calling.await,
            Some(limit) => timeout(limit, calling)
                .await
                .map_err(|_| format!("the tool did not answer within {limit:?}"))?,
        };
        result.map_err(failure).and_then(|result| outcome(&result))
    }
}

impl FunctionSource for McpTools {
    fn functions(&self) -> BoxFuture<'_, Result<Vec<Function>, Error>> {
        async {
            let tools = match self.timeout {
                None => self.list().await?,
                Some(limit) => timeout(limit, self.list())
                    .await
                    .map_err(|_| Error::timeout(TimeoutKind::Attempt, limit))??,
            };
            let wanted = |tool: &&Tool| {
                let only = self.only.as_ref();
                only.is_none_or(|names| names.contains(&*tool.name))
            };
            let wanted = tools.iter().filter(wanted);
            Ok(wanted.map(|tool| self.function(tool)).collect())
        }
        .boxed()
    }
}

impl fmt::Debug for McpTools {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("McpTools")
            .field("prefix", &self.prefix)
            .field("only", &self.only)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// What the model is told of a tool. Arguments that the service's subset of schemas cannot express
/// are described in JSON Schema, so that nothing is lost.
fn declaration(name: String, tool: &Tool) -> FunctionDeclaration {
    let description = tool.description.as_deref().or(tool.title.as_deref());
    let description = description.unwrap_or_default();
    let schema = Value::Object((*tool.input_schema).clone());
    let plain = FunctionDeclaration::new()
        .set_name(name.clone())
        .set_description(description);
    // An object without members is refused by the service.
    if is_empty(&tool.input_schema) {
        return plain;
    }
    let exact = Schema::from_json_schema_strictly(&schema).ok();
    exact
        .and_then(|_| FunctionDeclaration::from_mcp_tool(name, description, &schema).ok())
        .unwrap_or_else(|| plain.set_parameters_json_schema(schema))
}

/// Whether a tool takes nothing.
fn is_empty(schema: &Map<String, Value>) -> bool {
    let says_nothing = |key: &str| {
        matches!(
            key,
            "type" | "properties" | "required" | "additionalProperties" | "title" | "$schema"
        )
    };
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.is_none_or(Map::is_empty) && schema.keys().all(|key| says_nothing(key))
}

fn outcome(result: &CallToolResult) -> Outcome {
    let mut texts = Vec::new();
    let mut others = Vec::new();
    let mut parts = Vec::new();
    for block in &result.content {
        match block {
            ContentBlock::Text(text) => texts.push(text.text.as_str()),
            ContentBlock::Image(image) => parts.push(medium(&image.data, &image.mime_type)?),
            ContentBlock::Audio(audio) => parts.push(medium(&audio.data, &audio.mime_type)?),
            ContentBlock::Resource(resource) => match &resource.resource {
                ResourceContents::BlobResourceContents {
                    blob, mime_type, ..
                } => {
                    let mime_type = mime_type.as_deref().unwrap_or("application/octet-stream");
                    parts.push(medium(blob, mime_type)?);
                }
                text => others.push(json!(text)),
            },
            other => others.push(json!(other)),
        }
    }
    let text = texts.join("\n");
    if result.is_error == Some(true) {
        let unsaid = "the tool failed and did not say why";
        return Err(if text.is_empty() { unsaid.into() } else { text });
    }
    let value = match (&result.structured_content, others.is_empty()) {
        (Some(structured), _) => structured.clone(),
        (None, true) => Value::String(text),
        (None, false) => {
            let texts = texts.into_iter().map(Value::from);
            texts.chain(others).collect()
        }
    };
    Ok(Given { value, parts })
}

fn medium(data: &str, mime_type: &str) -> Result<FunctionResponsePart, String> {
    let data = STANDARD
        .decode(data)
        .map_err(|error| format!("the tool gave {mime_type} that is not base64: {error}"))?;
    let blob = FunctionResponseBlob::new()
        .set_data(data)
        .set_mime_type(mime_type);
    Ok(FunctionResponsePart::new().set_inline_data(blob))
}

/// Why there is no list of tools.
fn listing(error: ServiceError) -> Error {
    let error = match error {
        ServiceError::McpError(said) => {
            let mut status = Status::default();
            status.message = Some(format!("the MCP server said: {}", said.message));
            Error::operation_failed(status)
        }
        other => Error::io(other),
    };
    error.with_context("mcp", "tools/list")
}

/// Why a tool gave nothing, for the model.
fn failure(error: ServiceError) -> String {
    match error {
        ServiceError::McpError(said) => said.message.into_owned(),
        other => format!("the tool's server failed: {other}"),
    }
}
