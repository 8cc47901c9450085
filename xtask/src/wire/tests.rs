//! The protocol as its users see it: lines in, lines out.

use serde_json::{Value, json};

use super::run;

fn answers(lines: &[Value]) -> (Vec<Value>, usize) {
    let input: String = lines.iter().map(|line| format!("{line}\n")).collect();
    answers_to(&input)
}

fn answers_to(input: &str) -> (Vec<Value>, usize) {
    let mut output = Vec::new();
    let refused = run(input.as_bytes(), &mut output).unwrap();
    let lines = output.split(|byte| *byte == b'\n');
    let lines = lines.filter(|line| !line.is_empty());
    (
        lines
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect(),
        refused,
    )
}

#[test]
fn a_call_shows_its_request_and_what_was_read() {
    let (answers, refused) = answers(&[json!({
        "id": 7, "method": "models.generate_content", "backend": "mldev",
        "parameters": {"model": "m", "contents": "hi", "config": {"top_p": 0.5, "systemInstruction": "s"}},
        "exchanges": [{"response": {"json": {"responseId": "r", "later": 1}}}],
    })]);
    assert_eq!(refused, 0);
    let request = &answers[0]["exchanges"][0]["request"];
    assert_eq!(answers[0]["id"], 7);
    assert_eq!(request["path"], "/v1/models/m:generateContent");
    assert_eq!(request["headers"]["x-goog-api-key"], "test-api-key");
    assert_eq!(
        request["body"]["json"],
        json!({
            "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
            "systemInstruction": {"role": "user", "parts": [{"text": "s"}]},
            "generationConfig": {"topP": 0.5},
        })
    );
    assert_eq!(answers[0]["result"], json!({"response_id": "r"}));
}

#[test]
fn retries_are_shown_as_requests() {
    let busy = json!({"response": {"status": 503, "json": {"error": {"status": "UNAVAILABLE"}}}});
    let (answers, _) = answers(&[json!({
        "id": "r", "method": "caches.get", "parameters": {"name": "c"},
        "client": {"http_options": {"retry_options": {"attempts": 2}}},
        "exchanges": [busy, busy, busy],
    })]);
    assert_eq!(answers[0]["exchanges"].as_array().unwrap().len(), 2);
    assert_eq!(answers[0]["error"]["code"], 503);
    assert_eq!(answers[0]["error"]["status"], "UNAVAILABLE");
}

#[test]
fn pages_are_read_as_far_as_the_script_goes() {
    let page = |name: &str, next: &str| {
        json!({"response": {"json": {
            "cachedContents": [{"name": name}], "nextPageToken": next,
        }}})
    };
    let (answers, _) = answers(&[json!({
        "id": "p", "method": "caches.list", "parameters": {"config": {"pageSize": 1}},
        "exchanges": [page("a", "2"), page("b", "3")],
    })]);
    assert_eq!(
        answers[0]["result"]["$pager"],
        json!([[{"name": "a"}], [{"name": "b"}]])
    );
}

#[test]
fn what_is_wrong_is_named_and_the_run_goes_on() {
    let (answers, refused) = answers(&[
        json!({"id": 1, "method": "models.fly", "parameters": {}}),
        json!({"id": 2, "method": "models.generate_content", "parameters": {
            "model": "m", "contents": [{"parts": [{"text": 5}]}]}}),
        json!({"id": 3, "method": "models.generate_content", "parameters": {
            "model": "m", "contents": "x", "config": {"tools": [{"googleSearch": {"typo": 1}}]}}}),
        json!({"id": 4, "method": "tunings.fly_to_the_moon"}),
        json!({"id": 5, "method": "caches.delete", "parameters": {"name": "c"}}),
    ]);
    assert_eq!(refused, 4);
    let field = |index: usize| answers[index]["error"]["field"].as_str().unwrap();
    assert_eq!(field(0), "method");
    assert_eq!(field(1), "contents[0].parts[0].text");
    assert_eq!(field(2), "config.tools.googleSearch.typo");
    assert_eq!(field(3), "parameters");
    assert_eq!(answers[4]["result"], json!({}));
    let (answers, refused) = answers_to("{no json\n[]\n");
    assert_eq!((answers.len(), refused), (2, 2));
}

#[test]
fn fields_of_the_other_backend_are_refused_before_sending() {
    let (answers, refused) = answers(&[json!({
        "id": "b", "method": "models.generate_content", "backend": "vertex",
        "parameters": {"model": "m", "contents": "x", "config": {"tools": [{"fileSearch": {}}]}},
    })]);
    assert_eq!(refused, 0);
    assert_eq!(answers[0]["error"]["kind"], "invalid");
    assert_eq!(answers[0]["error"]["field"], "tools.fileSearch");
    assert!(answers[0].get("exchanges").is_none());
}

#[test]
fn what_is_not_built_says_so() {
    let (answers, refused) = answers(&[json!({
        "id": "t", "method": "TrainingClient.forward_backward_custom",
        "parameters": {"data": [], "loss_fn": {"$fn": "one nobody has"}},
    })]);
    assert_eq!(
        (refused, &answers[0]["error"]["kind"]),
        (0, &json!("unimplemented"))
    );
}

#[test]
fn sessions_say_and_hear_what_their_records_hold() {
    let live = |method: &str, parameters: Value| json!({"id": method, "method": method, "parameters": parameters});
    let config = json!({"temperature": 0.5, "systemInstruction": "brief", "httpOptions": {"apiVersion": "v1alpha"}});
    let said = |answer: &Value| answer["exchanges"][0]["request"]["messages"].clone();
    let turn = json!([{"serverContent": {"turnComplete": true}}, {"serverContent": {}}]);
    let blob = json!({"data": "AAE=", "mimeType": "audio/pcm"});
    let mut receive = live("live.receive", json!({}));
    receive["exchanges"] = json!([{"response": {"messages": turn}}]);
    let mut music = live("live.music.receive", json!({}));
    music["exchanges"] = json!([{"response": {"messages": [{"filteredPrompt": {"text": "x"}}]}}]);
    let response = json!({"id": "1", "name": "f", "response": {"a_b": 1}});
    let mut vertex = live(
        "live.send_tool_response",
        json!({"functionResponses": {"name": "f"}}),
    );
    vertex["backend"] = json!("vertex");
    vertex["receiver"] = json!({"model": "m"});
    let (answers, refused) = answers(&[
        live("live.connect", json!({"model": "m", "config": config})),
        live("live.send_client_content", json!({"turns": "hi"})),
        live("live.send_realtime_input", json!({"audio": blob})),
        live(
            "live.send_tool_response",
            json!({"functionResponses": [response]}),
        ),
        live(
            "live.send_context_update",
            json!({"systemInstruction": "new", "tools": []}),
        ),
        receive,
        live("live.music.connect", json!({"model": "m"})),
        live(
            "live.music.set_weighted_prompts",
            json!({"prompts": [{"text": "harp", "weight": 1}]}),
        ),
        live(
            "live.music.set_music_generation_config",
            json!({"config": {"bpm": 90}}),
        ),
        live("live.music.reset_context", json!({})),
        music,
        vertex,
        live(
            "live.connect",
            json!({"model": "m", "config": {"httpOptions": {"timeout": 5}}}),
        ),
    ]);
    assert_eq!(refused, 1);
    let request = &answers[0]["exchanges"][0]["request"];
    assert_eq!(
        request["path"],
        "/ws/google.ai.generativelanguage.v1alpha.GenerativeService.BidiGenerateContent"
    );
    assert_eq!(
        said(&answers[0]),
        json!([{"json": {"setup": {"model": "models/m", "generationConfig": {"temperature": 0.5},
            "systemInstruction": {"role": "user", "parts": [{"text": "brief"}]}}}}])
    );
    let second = |n: usize| said(&answers[n])[1]["json"].clone();
    assert_eq!(
        second(1),
        json!({"clientContent": {"turnComplete": true,
            "turns": [{"role": "user", "parts": [{"text": "hi"}]}]}})
    );
    assert_eq!(second(2), json!({"realtimeInput": {"audio": blob}}));
    assert_eq!(
        second(3),
        json!({"toolResponse": {"functionResponses": [response]}})
    );
    assert!(second(4)["contextUpdate"]["tools"].is_object());
    assert_eq!(
        answers[5]["result"],
        json!([{"server_content": {"turn_complete": true}}])
    );
    assert_eq!(
        said(&answers[6]),
        json!([{"json": {"setup": {"model": "models/m"}}}])
    );
    let prompts = json!([{"text": "harp", "weight": 1.0}]);
    assert_eq!(
        second(7),
        json!({"clientContent": {"weightedPrompts": prompts}})
    );
    assert_eq!(second(8), json!({"musicGenerationConfig": {"bpm": 90}}));
    assert_eq!(second(9), json!({"playbackControl": "RESET_CONTEXT"}));
    assert_eq!(
        answers[10]["result"],
        json!([{"filtered_prompt": {"text": "x"}}])
    );
    assert!(
        second(11)["toolResponse"].is_object(),
        "Vertex needs no identifier"
    );
    assert_eq!(answers[12]["error"]["field"], "config.httpOptions.timeout");
}

#[test]
fn a_session_of_a_chat_goes_on_where_it_was() {
    let say = |n: u64, message: &str, reply: Value| {
        json!({"id": n, "method": "chats.send_message", "flow": "f", "n": n,
               "receiver": {"model": "m"}, "parameters": {"message": message},
               "exchanges": [{"response": {"json": reply}}]})
    };
    let text = |text: &str| json!({"parts": [{"text": text}], "role": "model"});
    let (answers, _) = answers(&[
        say(0, "one", json!({"candidates": [{"content": text("r1")}]})),
        say(1, "two", json!({})),
        say(2, "three", json!({})),
    ]);
    let contents = |n: usize| {
        let body = &answers[n]["exchanges"][0]["request"]["body"]["json"];
        body["contents"].as_array().unwrap().len()
    };
    // The reply to the second message had nothing to go on with.
    assert_eq!([contents(0), contents(1), contents(2)], [1, 3, 3]);
}

#[test]
fn functions_give_what_the_record_says() {
    let call = json!({"candidates": [{"content": {"role": "model", "parts": [
        {"functionCall": {"name": "f", "args": {}}}]}}]});
    let turns = json!([{}, {}, {"parts": [
        {"functionResponse": {"name": "f", "response": {"error": "boom"}}}]}]);
    let tools = json!([{"functionDeclarations": [{"name": "f"}]}]);
    let (answers, _) = answers(&[json!({
        "id": 1, "method": "models.generate_content",
        "parameters": {"model": "m", "contents": "q",
                       "config": {"tools": [{"$py": "callable", "name": "scope.f"}]}},
        "canonical": [{"value": {"model": "m", "contents": [{"role": "user", "parts": [{"text": "q"}]}],
                                 "config": {"tools": tools}}}],
        "exchanges": [
            {"response": {"json": call}},
            {"request": {"body": {"json": {"contents": turns}}}, "response": {"json": {}}},
        ],
    })]);
    let body = &answers[0]["exchanges"][1]["request"]["body"]["json"];
    assert_eq!(body["contents"][2]["parts"], turns[2]["parts"]);
    assert_eq!(body["tools"], tools);
}
