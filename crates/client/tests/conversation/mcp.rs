//! Tools of an MCP server, called by the model. The server runs in this process, at the other end
//! of a pipe.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gimmal_client::gemini::{Function, FunctionSource as _, McpTools, ToolSet};
use gimmal_client::types::gemini::{FunctionDeclaration, GenerateContentConfig};
use gimmal_client::{Error, ErrorKind};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData,
    ListToolsResult, PaginatedRequestParams, ResourceContents, ServerCapabilities, ServerConfig,
    Tool,
};
use rmcp::service::{RequestContext, RoleClient, RoleServer, RunningService};
use rmcp::{ServerHandler, ServiceExt as _};
use serde_json::{Map, Value, json};

use crate::support::{MODEL, calls, chunks, client, echo, in_time, says, sent, whole};

/// A server whose list of tools comes in the pages that are set, and may change.
#[derive(Clone, Default)]
struct Shed {
    pages: Arc<Mutex<Vec<Vec<Tool>>>>,
    in_circles: bool,
    listed: Arc<AtomicUsize>,
    called: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Shed {
    fn with(tools: impl IntoIterator<Item = Tool>) -> Self {
        let shed = Self::default();
        shed.offer([tools.into_iter().collect()]);
        shed
    }

    fn offer(&self, pages: impl IntoIterator<Item = Vec<Tool>>) {
        *self.pages.lock().unwrap() = pages.into_iter().collect();
    }

    /// The client's side of a session with it.
    async fn open(&self) -> RunningService<RoleClient, ()> {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let server = self.clone();
        tokio::spawn(async move {
            let running = server.serve(theirs).await.unwrap();
            running.waiting().await
        });
        in_time(().serve(ours)).await.unwrap()
    }
}

impl ServerHandler for Shed {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        self.listed.fetch_add(1, Ordering::Relaxed);
        let cursor = request.and_then(|request| request.cursor);
        let index: usize = cursor.map_or(0, |cursor| cursor.parse().unwrap());
        let pages = self.pages.lock().unwrap();
        let Some(tools) = pages.get(index) else {
            return Err(ErrorData::internal_error("the shed is locked", None));
        };
        let more = index + 1 < pages.len();
        let mut page = ListToolsResult::with_all_items(tools.clone());
        page.next_cursor = more.then(|| (index + 1).to_string());
        if self.in_circles {
            page.next_cursor = Some("0".to_owned());
        }
        Ok(page)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = request.arguments.clone().unwrap_or_default();
        let call = (request.name.to_string(), Value::from(arguments));
        self.called.lock().unwrap().push(call);
        let result = match &*request.name {
            "saw" => CallToolResult::success(vec![
                ContentBlock::text("two"),
                ContentBlock::text("pieces"),
            ]),
            "measure" => CallToolResult::structured(json!({"length_mm": 120})),
            "break" => CallToolResult::error(vec![ContentBlock::text("the blade is dull")]),
            "vanish" => CallToolResult::error(Vec::new()),
            "photo" => CallToolResult::success(vec![
                ContentBlock::text("the bench"),
                ContentBlock::image("iVBO", "image/png"),
                ContentBlock::resource(ResourceContents::text("oak", "shed://wood")),
            ]),
            "blur" => CallToolResult::success(vec![ContentBlock::image("?", "image/png")]),
            "sleep" => {
                std::future::pending::<()>().await;
                unreachable!()
            }
            name => {
                let message = format!("there is no {name}");
                return Err(ErrorData::invalid_params(message, None));
            }
        };
        Ok(result.into())
    }
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn tool(name: &'static str) -> Tool {
    Tool::new(
        name,
        format!("To {name}."),
        object(json!({"type": "object"})),
    )
}

async fn names(tools: &McpTools) -> Result<Vec<String>, Error> {
    let functions = in_time(tools.functions()).await?;
    Ok(functions.iter().map(|one| one.name().to_owned()).collect())
}

/// Covers: models.generate_content
#[tokio::test]
async fn the_model_calls_a_tool_and_goes_on() {
    let takes_length = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {"mm": {"type": "integer", "minimum": 1}},
        "required": ["mm"],
    });
    let saw = Tool::new("saw", "Cuts wood.", object(takes_length));
    let shed = Shed::with([saw, tool("measure")]);
    let session = shed.open().await;
    let tools = ToolSet::from([echo("mine")]).with_source(McpTools::new(&session));
    let (client, http) = client([
        whole(&calls(&[
            ("saw", json!({"mm": 5.0})),
            ("measure", json!({})),
        ])),
        whole(&says("done")),
    ]);
    let call = client.models().generate_content(MODEL).set_contents(["q"]);
    let reply = in_time(call.with_functions(tools).send()).await.unwrap();
    assert_eq!(reply.body().text().unwrap(), "done");
    assert_eq!(
        http.requests()[0].json().unwrap()["tools"],
        json!([{"functionDeclarations": [
            {"name": "mine"},
            {
                "name": "saw",
                "description": "Cuts wood.",
                "parameters": {
                    "type": "OBJECT",
                    "properties": {"mm": {"type": "INTEGER", "minimum": 1.0}},
                    "required": ["mm"],
                },
            },
            {"name": "measure", "description": "To measure."},
        ]}])
    );
    // Whole floats are whole numbers to the server.
    let called = shed.called.lock().unwrap().clone();
    assert_eq!(called[0], ("saw".to_owned(), json!({"mm": 5})));
    assert_eq!(
        sent(&http)[1][2],
        r#"user: saw={"result":"two\npieces"} + measure={"result":{"length_mm":120}}"#
    );
}

/// Covers: models.generate_content_stream, Chats.create, Chat.send_message_stream
#[tokio::test]
async fn a_chat_sees_tools_come_and_go() {
    let shed = Shed::with([tool("saw")]);
    let session = shed.open().await;
    let tools = ToolSet::new().with_source(McpTools::new(&session));
    let (client, http) = client([
        whole(&says("one")),
        chunks(&[calls(&[("measure", json!({}))])]),
        chunks(&[says("two")]),
    ]);
    let mut chat = client
        .chats()
        .create(MODEL)
        .with_functions(tools)
        .start()
        .unwrap();
    in_time(chat.send_message("a").send()).await.unwrap();
    shed.offer([vec![tool("measure")], vec![tool("break")]]);
    let stream = in_time(chat.send_message("b").stream()).await.unwrap();
    in_time(futures_util::StreamExt::count(stream)).await;
    let declared = |index: usize| {
        let tools = http.requests()[index].json().unwrap()["tools"].clone();
        let functions = tools[0]["functionDeclarations"].as_array().unwrap().clone();
        let names = functions.into_iter().map(|one| one["name"].clone());
        Value::from_iter(names)
    };
    assert_eq!(declared(0), json!(["saw"]));
    // Both pages; and within one reply the list stays as it is.
    assert_eq!(declared(1), json!(["measure", "break"]));
    assert_eq!(declared(2), declared(1));
    assert_eq!(shed.listed.load(Ordering::Relaxed), 3);
    assert_eq!(
        chat.history().last().unwrap().parts[0].text.as_deref(),
        Some("two")
    );
}

/// Covers: models.generate_content
#[tokio::test]
async fn failures_are_told_to_the_model() {
    let named = ["break", "vanish", "blur", "nothing"].map(tool);
    let shed = Shed::with(named);
    let session = shed.open().await;
    let tools = ToolSet::new().with_source(McpTools::new(&session));
    let nothing = json!({});
    let (client, http) = client([
        whole(&calls(&[
            ("break", nothing.clone()),
            ("vanish", nothing.clone()),
            ("blur", nothing.clone()),
            ("nothing", nothing),
        ])),
        whole(&says("done")),
    ]);
    let call = client.models().generate_content(MODEL).set_contents(["q"]);
    in_time(call.with_functions(tools).send()).await.unwrap();
    let parts = http.requests()[1].json().unwrap()["contents"][2]["parts"].clone();
    let told = |index: usize| {
        let response = &parts[index]["functionResponse"]["response"];
        response["error"].as_str().unwrap().to_owned()
    };
    assert_eq!(told(0), "the blade is dull");
    assert_eq!(told(1), "the tool failed and did not say why");
    assert!(told(2).starts_with("the tool gave image/png that is not base64: "));
    assert_eq!(told(3), "there is no nothing");
}

#[tokio::test]
async fn media_stand_beside_the_text() {
    let shed = Shed::with([tool("photo")]);
    let session = shed.open().await;
    let tools = ToolSet::new().with_source(McpTools::new(&session));
    let call = serde_json::from_value(json!({"name": "photo", "id": "7"})).unwrap();
    let turn = in_time(tools.answer([&call])).await.unwrap();
    assert_eq!(
        serde_json::to_value(&turn.parts[0].function_response).unwrap(),
        json!({
            "id": "7",
            "name": "photo",
            "response": {"result": [
                "the bench",
                {"uri": "shed://wood", "mimeType": "text/plain", "text": "oak"},
            ]},
            "parts": [{"inlineData": {"data": "iVBO", "mimeType": "image/png"}}],
        })
    );
}

#[tokio::test(start_paused = true)]
async fn a_slow_tool_is_given_up() {
    let shed = Shed::with([tool("sleep")]);
    let session = shed.open().await;
    let tools = McpTools::new(&session).with_timeout(Duration::from_secs(5));
    let call = serde_json::from_value(json!({"name": "sleep"})).unwrap();
    let turn = ToolSet::new().with_source(tools).answer([&call]).await;
    let turn = turn.unwrap();
    let response = turn.parts[0].function_response.as_ref().unwrap();
    let told = response.response.as_ref().unwrap();
    assert_eq!(told["error"], "the tool did not answer within 5s");
}

#[tokio::test]
async fn names_can_be_told_apart_and_chosen() {
    let shed = Shed::with(["saw", "measure"].map(tool));
    let session = shed.open().await;
    let tools = McpTools::new(&session);
    let renamed = tools.clone().with_prefix("shed_").with_only(["saw"]);
    assert_eq!(names(&renamed).await.unwrap(), ["shed_saw"]);
    assert!(format!("{renamed:?}").contains("shed_"));

    // The server knows it by its own name.
    let call = serde_json::from_value(json!({"name": "shed_saw"})).unwrap();
    let set = ToolSet::new().with_source(renamed);
    in_time(set.answer([&call])).await.unwrap();
    assert_eq!(shed.called.lock().unwrap()[0].0, "saw");

    // Two of one name are a mistake that is noticed before anything is sent.
    let (client, http) = client([]);
    let twice = ToolSet::from([echo("saw")]).with_source(tools);
    let call = client.models().generate_content(MODEL).set_contents(["q"]);
    let error = in_time(call.with_functions(twice).send())
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid `tools`: two functions are called `saw`; rename one of them"
    );
    assert_eq!(http.request_count(), 0);
}

#[tokio::test]
async fn functions_of_the_callers_make_the_loop_step_aside() {
    let shed = Shed::with([tool("saw")]);
    let session = shed.open().await;
    let tools = ToolSet::new().with_source(McpTools::new(&session));
    let declared = FunctionDeclaration::new().set_name("theirs");
    let declared = gimmal_client::types::gemini::Tool::new().set_function_declarations([declared]);
    let (client, http) = client([whole(&calls(&[("saw", json!({}))]))]);
    let call = client
        .models()
        .generate_content(MODEL)
        .set_config(GenerateContentConfig::new().set_tools([declared]))
        .set_contents(["q"])
        .with_functions(tools);
    let reply = in_time(call.send()).await.unwrap();
    assert_eq!(reply.body().function_calls().count(), 1);
    assert_eq!(http.request_count(), 1);
    assert!(shed.called.lock().unwrap().is_empty());
}

#[tokio::test]
async fn arguments_beyond_the_subset_are_described_in_full() {
    let tree = json!({
        "type": "object",
        "properties": {"child": {"$ref": "#"}, "kind": {"const": 3}},
        "patternProperties": {"^x-": {"type": "string"}},
    });
    let shed = Shed::with([Tool::new("grow", "", object(tree.clone()))]);
    let session = shed.open().await;
    let functions = in_time(McpTools::new(&session).functions()).await.unwrap();
    let declaration: &Function = &functions[0];
    let declaration = declaration.declaration();
    assert_eq!(declaration.parameters_json_schema, Some(tree));
    assert_eq!(declaration.parameters, None);
}

#[tokio::test]
async fn a_list_that_cannot_be_had_fails_the_call() {
    let locked = Shed::default();
    let session = locked.open().await;
    let error = names(&McpTools::new(&session)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OperationFailed);
    assert_eq!(
        error.to_string(),
        "operation failed: the MCP server said: the shed is locked"
    );

    let mut round = Shed::with([tool("saw")]);
    round.in_circles = true;
    let session = round.open().await;
    let error = names(&McpTools::new(&session)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(
        error
            .to_string()
            .contains("names a page of its tools twice")
    );

    let tools = McpTools::new(&session);
    session.cancel().await.unwrap();
    let (client, http) = client([]);
    let call = client.models().generate_content(MODEL).set_contents(["q"]);
    let call = call.with_functions(ToolSet::new().with_source(tools));
    let error = in_time(call.send()).await.unwrap_err();
    assert_eq!(error.to_string(), "connection failed: Transport closed");
    assert_eq!(http.request_count(), 0);
}
