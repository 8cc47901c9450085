//! Functions that run when the model calls them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt as _;
use gimmal_client::gemini::{Function, GenerateContent, ToolSet, UnknownFunction};
use gimmal_client::transport::testing::{Reply, ScriptedTransport};
use gimmal_client::types::gemini::{
    AutomaticFunctionCallingConfig, FunctionCallingConfig, FunctionDeclaration, Tool, ToolConfig,
};
use gimmal_client::{Error, ErrorKind};
use serde_json::{Map, Value, json};
use tokio::sync::Barrier;

use crate::support::{MODEL, calls, chunks, client, echo, in_time, says, sent, short, whole};

fn call(replies: impl IntoIterator<Item = Reply>) -> (GenerateContent, ScriptedTransport) {
    let (client, http) = client(replies);
    let call = client.models().generate_content(MODEL).set_contents(["q"]);
    (call, http)
}

/// Covers: models.generate_content
#[tokio::test]
async fn the_model_goes_on_with_the_results() {
    let (call, http) = call([
        whole(&calls(&[("f", json!({"n": 1})), ("g", json!({"n": 2.0}))])),
        whole(&calls(&[("f", json!({}))])),
        whole(&says("done")),
    ]);
    let reply = in_time(call.with_functions([echo("f"), echo("g")]).send()).await;
    let reply = reply.unwrap().into_body();
    assert_eq!(reply.text().unwrap(), "done");
    let turns = [
        "user: q",
        "model: f() + g()",
        r#"user: f={"result":{"n":1}} + g={"result":{"n":2}}"#,
        "model: f()",
        r#"user: f={"result":{}}"#,
    ];
    assert_eq!(sent(&http), [&turns[..1], &turns[..3], &turns[..5]]);
    let history = &reply.automatic_function_calling_history;
    assert_eq!(history.iter().map(short).collect::<Vec<_>>(), turns);
    let tools = http.requests()[2].json().unwrap()["tools"].clone();
    assert_eq!(
        tools,
        json!([{"functionDeclarations": [{"name": "f"}, {"name": "g"}]}])
    );
}

#[tokio::test]
async fn errors_are_told_to_the_model() {
    #[derive(serde::Deserialize)]
    struct Place {
        city: String,
    }
    let declaration = FunctionDeclaration::new().set_name("weather");
    let weather = Function::new(declaration, |place: Place| async move {
        Err::<(), _>(format!("no weather in {}", place.city))
    });
    let (call, http) = call([
        whole(&calls(&[
            ("weather", json!({"city": "Ulm"})),
            ("weather", json!({})),
        ])),
        whole(&says("sorry")),
    ]);
    in_time(call.with_functions([weather]).send())
        .await
        .unwrap();
    let answers = &sent(&http)[1][2];
    assert!(
        answers.contains(r#"{"error":"no weather in Ulm"}"#),
        "{answers}"
    );
    assert!(answers.contains("the arguments cannot be read: missing field `city`"));
}

#[tokio::test]
async fn calls_at_once_run_at_once() {
    // Each waits for the other, so that one after the other would never end.
    let barrier = Arc::new(Barrier::new(2));
    let meet = Function::new(
        FunctionDeclaration::new().set_name("meet"),
        move |_: Map<String, Value>| {
            let barrier = Arc::clone(&barrier);
            async move {
                barrier.wait().await;
                Ok::<_, String>("met")
            }
        },
    );
    let (call, _) = call([
        whole(&calls(&[("meet", json!({})), ("meet", json!({}))])),
        whole(&says("done")),
    ]);
    in_time(call.with_functions([meet]).send()).await.unwrap();
}

#[tokio::test]
async fn the_last_permitted_reply_keeps_its_calls() {
    let limit = AutomaticFunctionCallingConfig::new().set_maximum_remote_calls(2);
    let reply = || whole(&calls(&[("f", json!({}))]));
    let (call, http) = call([reply(), reply()]);
    let call = call.with_functions([echo("f")]);
    let reply = in_time(call.with_automatic_function_calling(limit).send()).await;
    let reply = reply.unwrap().into_body();
    assert_eq!(reply.function_calls().count(), 1);
    assert_eq!(reply.automatic_function_calling_history.len(), 3);
    assert_eq!(http.request_count(), 2);
}

#[tokio::test]
async fn functions_do_not_run_when_they_are_not_to() {
    let automatic = AutomaticFunctionCallingConfig::new;
    let by_caller = FunctionDeclaration::new().set_name("mine");
    let by_caller = Tool::new().set_function_declarations([by_caller]);
    type Change = Box<dyn Fn(GenerateContent) -> GenerateContent>;
    let changes: [Change; 4] = [
        Box::new(move |call| call.with_automatic_function_calling(automatic().set_disable(true))),
        Box::new(move |call| {
            call.with_automatic_function_calling(automatic().set_maximum_remote_calls(0))
        }),
        Box::new(move |call| {
            call.with_automatic_function_calling(automatic().set_maximum_remote_calls(-1))
        }),
        Box::new(move |call| call.set_tools([by_caller.clone()])),
    ];
    for change in changes {
        let (call, http) = call([whole(&calls(&[("f", json!({}))]))]);
        let reply = in_time(change(call).with_functions([echo("f")]).send())
            .await
            .unwrap();
        assert_eq!(reply.body().function_calls().count(), 1);
        assert!(reply.body().automatic_function_calling_history.is_empty());
        // The model knows of them nevertheless, in one tool.
        let tools = http.requests()[0].json().unwrap()["tools"].clone();
        assert_eq!(tools.as_array().unwrap().len(), 1);
        assert!(tools.to_string().contains(r#"{"name":"f"}"#), "{tools}");
    }
}

#[tokio::test]
async fn an_unknown_function_fails_the_call_or_is_told() {
    let replies = || [whole(&calls(&[("nope", json!({}))])), whole(&says("done"))];
    let (first, http) = call(replies());
    let error = in_time(first.with_functions([echo("f")]).send())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    let message = error.to_string();
    assert!(
        message.contains("the function `nope`, which does not exist"),
        "{message}"
    );
    assert_eq!(http.request_count(), 1);

    let told = ToolSet::from([echo("f")]).with_unknown_function(UnknownFunction::Answer);
    let (second, http) = call(replies());
    in_time(second.with_functions(told).send()).await.unwrap();
    assert!(sent(&http)[1][2].contains("which does not exist"));
}

#[tokio::test]
async fn bad_settings_fail_before_anything_is_sent() {
    fn message(result: Result<impl Sized, Error>, http: &ScriptedTransport) -> String {
        assert_eq!(http.request_count(), 0);
        result.err().unwrap().to_string()
    }
    let (twice, http) = call([]);
    let result = in_time(twice.with_functions([echo("f"), echo("f")]).send()).await;
    assert_eq!(
        message(result, &http),
        "invalid `tools`: two functions are called `f`; rename one of them"
    );
    let (nameless, http) = call([]);
    let result = in_time(nameless.with_functions([echo("")]).stream()).await;
    assert_eq!(
        message(result, &http),
        "invalid `tools`: a function has no name; give it one"
    );
    let calling = FunctionCallingConfig::new().set_stream_function_call_arguments(true);
    let (pieces, http) = call([]);
    let pieces = pieces.set_tool_config(ToolConfig::new().set_function_calling_config(calling));
    let result = in_time(pieces.with_functions([echo("f")]).stream()).await;
    assert_eq!(
        message(result, &http),
        "invalid `toolConfig.functionCallingConfig.streamFunctionCallArguments`: cannot be set \
         while functions are called automatically; switch one of the two off"
    );
}

/// Covers: models.generate_content_stream
#[tokio::test]
async fn functions_have_run_when_their_chunk_comes() {
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    let count = Function::new(
        FunctionDeclaration::new().set_name("count"),
        move |_: Map<String, Value>| {
            let run = counter.fetch_add(1, Ordering::SeqCst) + 1;
            async move { Ok::<_, String>(run) }
        },
    );
    let thought = json!({"candidates": [{"content": {"role": "model",
        "parts": [{"text": "hm", "thought": true, "thoughtSignature": "c2ln"}]}}]});
    let (call, http) = call([
        chunks(&[
            thought,
            calls(&[("count", json!({}))]),
            calls(&[("count", json!({}))]),
        ]),
        chunks(&[says("do"), says("ne")]),
    ]);
    let mut stream = in_time(call.with_functions([count]).stream())
        .await
        .unwrap();
    let mut seen = Vec::new();
    let mut history = Vec::new();
    while let Some(chunk) = in_time(stream.next()).await {
        let chunk = chunk.unwrap();
        seen.push((chunk.text(), runs.load(Ordering::SeqCst)));
        history.push(chunk.automatic_function_calling_history.len());
    }
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        seen,
        [
            (None, 0),
            (None, 1),
            (None, 2),
            (text("do"), 2),
            (text("ne"), 2)
        ]
    );
    assert_eq!(history, [0, 0, 0, 3, 0]);
    assert_eq!(
        sent(&http)[1],
        [
            "user: q",
            "model: hm + count() + count()",
            r#"user: count={"result":1} + count={"result":2}"#
        ]
    );
}

#[tokio::test]
async fn a_collected_stream_is_the_last_reply() {
    let (call, _) = call([
        chunks(&[calls(&[("f", json!({}))])]),
        chunks(&[says("do"), says("ne")]),
    ]);
    let stream = in_time(call.with_functions([echo("f")]).stream())
        .await
        .unwrap();
    let reply = in_time(stream.collect()).await.unwrap();
    assert_eq!(reply.text().unwrap(), "done");
    assert_eq!(reply.function_calls().count(), 0);
    assert_eq!(reply.automatic_function_calling_history.len(), 3);
}
