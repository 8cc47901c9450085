//! Records of Tinker as their users give them: calls alone, calls of a session, whole sessions.

use serde_json::{Value, json};

use crate::wire::Player;
use crate::wire::names::tinker_names;

fn answer(player: &Player, record: Value) -> Value {
    player.answer(record).into_json()
}

fn paths(answer: &Value) -> Vec<&str> {
    let exchanges = answer["exchanges"].as_array().unwrap();
    let paths = exchanges
        .iter()
        .map(|exchange| exchange["request"]["path"].as_str().unwrap());
    paths
        .map(|path| path.trim_start_matches("/api/v1/"))
        .collect()
}

fn step(n: u64) -> Value {
    json!({
        "id": n, "method": "TrainingClient.optim_step", "flow": "f", "n": n,
        "arguments": {"adamParams": {"learningRate": 0.5}},
    })
}

fn body(answer: &Value, index: usize) -> &Value {
    &answer["exchanges"][index]["request"]["body"]["json"]
}

#[test]
fn a_call_alone_shows_what_it_sends_and_not_what_came_before() {
    let player = Player::new().unwrap();
    let answer = answer(&player, step(1));
    assert_eq!(paths(&answer), ["optim_step", "retrieve_future"]);
    assert_eq!(body(&answer, 0)["seq_id"], 1);
    assert_eq!(body(&answer, 0)["adam_params"]["learning_rate"], 0.5);
    assert_eq!(answer["result"], json!({}));
}

#[test]
fn calls_of_a_session_go_on_with_its_numbers() {
    let player = Player::new().unwrap();
    let numbers =
        [step(1), step(2), step(3)].map(|step| body(&answer(&player, step), 0)["seq_id"].clone());
    assert_eq!(numbers, [1, 2, 3].map(Value::from));
}

#[test]
fn a_call_out_of_order_has_the_number_of_its_record() {
    let player = Player::new().unwrap();
    let mut late = step(7);
    late["exchanges"] = json!([{"request": {
        "method": "POST", "path": "/api/v1/optim_step",
        "body": {"json": {"model_id": "session-1:train:1", "seq_id": 7}},
    }}]);
    let answer = answer(&player, late);
    assert_eq!(body(&answer, 0)["seq_id"], 7);
    assert_eq!(body(&answer, 0)["model_id"], "session-1:train:1");
}

#[test]
fn a_record_of_another_session_keeps_its_names_and_no_number_is_endless() {
    let player = Player::new().unwrap();
    let recorded = |model: &str, seq_id: u64| {
        let body = json!({"json": {"model_id": model, "seq_id": seq_id}});
        let mut step = step(1);
        step["exchanges"] = json!([{"request": {
            "method": "POST", "path": "/api/v1/optim_step", "body": body,
        }}]);
        step["flow"] = Value::Null;
        step
    };
    let named = answer(&player, recorded("s-9:train:2", 3));
    assert_eq!(body(&named, 0)["model_id"], "s-9:train:2");
    assert_eq!(body(&named, 0)["seq_id"], 3);
    for record in [
        recorded("s:train:0", 1_000_000_000_000),
        recorded("s:train:1000000000", 1),
        recorded("nobody", 1),
    ] {
        let refused = answer(&player, record);
        assert_eq!(refused["error"]["kind"], "refused", "{refused}");
    }
}

#[test]
fn a_service_call_without_a_record_opens_its_session() {
    let player = Player::new().unwrap();
    let record = json!({
        "id": 1, "method": "ServiceClient.create_sampling_client",
        "arguments": {"base_model": "m"},
        "client": {"project_id": "p", "default_headers_overrides": {"x-own": "1"}},
    });
    let answer = answer(&player, record);
    let opening = ["client/config", "create_session", "create_sampling_session"];
    assert_eq!(paths(&answer), opening);
    assert_eq!(body(&answer, 1)["project_id"], "p");
    assert_eq!(answer["exchanges"][0]["request"]["headers"]["x-own"], "1");
}

#[test]
fn replies_go_to_the_requests_that_they_belong_to() {
    let player = Player::new().unwrap();
    let promise = |n: u64| {
        json!({
            "request": {"method": "POST", "path": "/api/v1/forward_backward", "body": {"decoded": {"seq_id": n}}},
            "response": {"body": {"json": {"request_id": format!("r-{n}")}}},
        })
    };
    let result = |n: u64| {
        json!({
            "request": {"method": "POST", "path": "/api/v1/retrieve_future",
                        "body": {"json": {"request_id": format!("r-{n}")}}},
            "response": {"body": {"json": {
                "loss_fn_output_type": "A", "loss_fn_outputs": [{}], "metrics": {"loss:sum": n},
            }}},
        })
    };
    let answer = answer(
        &player,
        json!({
            "id": 1, "method": "TrainingClient.forward_backward", "client_config": {"fwdbwd_max_chunk_len": 1},
            "arguments": {"loss_fn": "cross_entropy", "data": [
                {"model_input": [1], "loss_fn_inputs": {"target_tokens": [2]}},
                {"model_input": [3], "loss_fn_inputs": {"target_tokens": [4]}},
            ]},
            "exchanges": [promise(1), promise(2), result(1), result(2)],
        }),
    );
    assert_eq!(paths(&answer).len(), 4);
    assert_eq!(answer["result"]["metrics"]["loss:sum"], 3.0);
}

#[test]
fn a_session_is_played_with_the_calls_that_were_made_in_it() {
    let player = Player::new().unwrap();
    let request = |path: &str, body: Value| {
        json!({
            "request": {"method": "POST", "path": path, "body": {"json": body}},
        })
    };
    let session = json!({
        "id": "f", "steps": ["TrainingClient.optim_step"],
        "log": [
            request("/api/v1/create_model", json!({"base_model": "m", "model_seq_id": 0})),
            request("/api/v1/sessions/session-1/finish", json!({"reason": {"type": "success"}})),
        ],
    });
    let unknown = answer(&player, session.clone());
    assert_eq!(unknown["error"]["field"], "steps");
    answer(&player, step(1));
    let played = answer(&player, session);
    assert_eq!(
        paths(&played),
        [
            "client/config",
            "client/dynamic_config",
            "create_session",
            "create_model",
            "retrieve_future",
            "get_info",
            "optim_step",
            "retrieve_future",
            "sessions/session-1/finish",
            "telemetry",
        ]
    );
}

#[test]
fn whoami_reads_the_token() {
    let player = Player::new().unwrap();
    let answer = answer(
        &player,
        json!({
            "id": 1, "method": "RestClient.whoami", "arguments": {},
            "client_config": {"pjwt_auth_enabled": true},
        }),
    );
    assert_eq!(answer["result"]["org_urn"], "tml:organization:o1");
}

#[test]
fn bad_arguments_are_refused_by_name() {
    let player = Player::new().unwrap();
    for (method, arguments, field) in [
        (
            "TrainingClient.optim_step",
            json!({"adam_params": {"learningrate": 1}}),
            "adam_params",
        ),
        (
            "TrainingClient.forward",
            json!({"data": [{}], "loss_fn": "ppo"}),
            "data[0]",
        ),
        (
            "SamplingClient.sample",
            json!({"prompt": [1], "sampling_params": {"top": 1}}),
            "samplingParams.top",
        ),
        ("RestClient.get_session", json!({}), "session_id"),
        (
            "RestClient.get_session",
            json!({"session_id": "s", "extra": 1}),
            "extra",
        ),
        ("ServiceClient.unheard_of", json!({}), "method"),
    ] {
        let record = json!({"id": 1, "method": method, "arguments": arguments});
        let answer = answer(&player, record);
        assert_eq!(answer["error"]["kind"], "refused", "{answer}");
        let found = answer["error"]["field"].as_str().unwrap();
        assert!(found.starts_with(field), "{found} is not {field}");
    }
}

#[test]
fn every_method_and_endpoint_is_reachable() {
    let player = Player::new().unwrap();
    for name in tinker_names() {
        let record = json!({"id": 1, "method": name, "arguments": {}});
        let answer = answer(&player, record);
        assert_ne!(answer["error"]["kind"], "unimplemented", "{name}: {answer}");
    }
}

/// Covers: TrainingClient.get_tokenizer
/// Covers: SamplingClient.get_tokenizer
#[test]
fn a_tokenizer_follows_from_the_model_and_nothing_is_sent() {
    let player = Player::new().unwrap();
    for client in ["TrainingClient", "SamplingClient"] {
        let record = json!({"id": 1, "method": format!("{client}.get_tokenizer"), "arguments": {}});
        let answer = answer(&player, record);
        assert!(paths(&answer).is_empty(), "{answer}");
        assert_eq!(answer["result"]["repository"], "model", "{answer}");
        assert_eq!(answer["result"]["revision"], "main");
    }
}

/// Covers: SamplingClient.on_queue_state_change
#[test]
fn a_paused_queue_is_worth_a_line_and_an_active_one_none() {
    let player = Player::new().unwrap();
    let line = |arguments: Value| {
        let method = "SamplingClient.on_queue_state_change";
        let record = json!({"id": 1, "method": method, "arguments": arguments});
        answer(&player, record)["result"].clone()
    };
    let paused = line(json!({"queue_state": "paused_capacity", "queue_state_reason": "night"}));
    let paused = paused.as_str().unwrap();
    assert!(paused.ends_with("Reason: night"), "{paused}");
    assert_eq!(line(json!({"queue_state": "active"})), Value::Null);
}

#[test]
fn endpoints_take_their_body_in_either_spelling() {
    let player = Player::new().unwrap();
    let answer = answer(
        &player,
        json!({
            "id": 1, "method": "POST /api/v1/create_model",
            "arguments": {"sessionId": "s", "model_seq_id": 2, "baseModel": "b"},
        }),
    );
    assert_eq!(paths(&answer), ["create_model"]);
    assert_eq!(body(&answer, 0)["base_model"], "b");
    assert_eq!(body(&answer, 0)["model_seq_id"], 2);
}
