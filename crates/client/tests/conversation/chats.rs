//! Chats: what is remembered, and what of it is sent.

use futures_util::StreamExt as _;
use gimmal_client::gemini::{Chat, CreateChat};
use gimmal_client::transport::testing::{Reply, ScriptedTransport};
use gimmal_client::types::gemini::{Content, GenerateContentConfig, Part, Role};
use serde_json::{Value, json};

use crate::support::{MODEL, calls, chunks, client, echo, in_time, says, sent, short, whole};

fn create(replies: impl IntoIterator<Item = Reply>) -> (CreateChat, ScriptedTransport) {
    let (client, http) = client(replies);
    (client.chats().create(MODEL), http)
}

fn turns(turns: &[Content]) -> Vec<String> {
    turns.iter().map(short).collect()
}

async fn say(chat: &mut Chat, message: &str) -> Option<String> {
    let reply = in_time(chat.send_message(message).send()).await.unwrap();
    reply.body().text()
}

/// Covers: Chats.create, Chat.send_message
#[tokio::test]
async fn a_chat_remembers() {
    let (create, http) = create([whole(&says("a1")), whole(&says("a2"))]);
    let config = GenerateContentConfig::new().set_temperature(0.5);
    let mut chat = create.set_config(config).start().unwrap();
    assert_eq!(say(&mut chat, "q1").await.unwrap(), "a1");
    assert_eq!(say(&mut chat, "q2").await.unwrap(), "a2");
    let all = ["user: q1", "model: a1", "user: q2", "model: a2"];
    assert_eq!(sent(&http), [&all[..1], &all[..3]]);
    assert_eq!(turns(chat.history()), all);
    assert_eq!(chat.curated_history(), chat.history());
    let config = http.requests()[1].json().unwrap()["generationConfig"].clone();
    assert_eq!(config, json!({"temperature": 0.5}));
}

#[tokio::test]
async fn an_empty_reply_is_remembered_and_not_sent() {
    let hollow = json!({"candidates": [{"content": {"role": "model", "parts": [{}]}}]});
    let (create, http) = create([whole(&json!({})), whole(&hollow), whole(&says("a3"))]);
    let mut chat = create.start().unwrap();
    for (question, answer) in [("q1", None), ("q2", None), ("q3", Some("a3".to_owned()))] {
        assert_eq!(say(&mut chat, question).await, answer);
    }
    assert_eq!(sent(&http)[2], ["user: q3"]);
    assert_eq!(
        turns(chat.history()),
        [
            "user: q1",
            "model: ",
            "user: q2",
            "model: ",
            "user: q3",
            "model: a3"
        ]
    );
    assert_eq!(turns(chat.curated_history()), ["user: q3", "model: a3"]);
}

#[tokio::test]
async fn a_failure_leaves_the_chat_as_it_was() {
    let refusal = json!({"error": {"code": 400, "message": "no", "status": "INVALID_ARGUMENT"}});
    let (create, http) = create([Reply::json(400, refusal.to_string()), whole(&says("a"))]);
    let mut chat = create.start().unwrap();
    assert!(in_time(chat.send_message("q1").send()).await.is_err());
    assert!(chat.history().is_empty());
    say(&mut chat, "q2").await;
    assert_eq!(sent(&http)[1], ["user: q2"]);
}

#[tokio::test]
async fn an_earlier_conversation_is_taken_up() {
    let (create, http) = create([whole(&says("a3"))]);
    let earlier = [
        Content::user("q1"),
        Content::new().set_role(Role::Model),
        Content::user("q2"),
        Content::model("a2"),
    ];
    let mut chat = create.with_history(earlier).start().unwrap();
    assert_eq!((chat.history().len(), chat.curated_history().len()), (4, 2));
    let parts = [Part::text("q3"), Part::file_data("gs://b/o", "image/png")];
    in_time(chat.send_message(parts).send()).await.unwrap();
    assert_eq!(sent(&http)[0], ["user: q2", "model: a2", "user: q3 + "]);
}

#[tokio::test]
async fn a_message_may_have_a_config_of_its_own() {
    let (create, http) = create([whole(&says("a1")), whole(&says("a2"))]);
    let config = |temperature: f64| GenerateContentConfig::new().set_temperature(temperature);
    let mut chat = create.set_config(config(1.0)).start().unwrap();
    let own = chat.send_message("q1").set_config(config(0.0));
    in_time(own.send()).await.unwrap();
    say(&mut chat, "q2").await;
    let temperature = |index: usize| {
        let body: Value = http.requests()[index].json().unwrap();
        body["generationConfig"]["temperature"].clone()
    };
    assert_eq!([temperature(0), temperature(1)], [json!(0.0), json!(1.0)]);
}

#[tokio::test]
async fn an_empty_message_is_refused() {
    let (create, http) = create([]);
    let mut chat = create.start().unwrap();
    for message in [Content::new(), Content::from([Part::new()])] {
        let error = in_time(chat.send_message(message).send())
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "invalid `message`: must have content; give it a text or parts"
        );
    }
    assert_eq!(http.request_count(), 0);
}

/// Covers: Chat.send_message_stream
#[tokio::test]
async fn a_streamed_reply_is_remembered_as_one_turn_when_it_has_ended() {
    let piece = json!({"candidates": [{"content": {"role": "model", "parts": [{"text": "a"}]}}]});
    let end = json!({"candidates": [{"finishReason": "STOP"}],
                     "usageMetadata": {"totalTokenCount": 3}});
    let (create, http) = create([
        chunks(&[piece.clone(), says("b"), end]),
        chunks(std::slice::from_ref(&piece)),
        chunks(std::slice::from_ref(&piece)).with_reset(),
        chunks(&[piece.clone(), piece]),
        whole(&says("c")),
    ]);
    let mut chat = create.start().unwrap();
    let stream = in_time(chat.send_message("q1").stream()).await.unwrap();
    assert_eq!(
        in_time(stream.collect()).await.unwrap().text().unwrap(),
        "ab"
    );
    let kept = ["user: q1", "model: ab"];
    assert_eq!(turns(chat.curated_history()), kept);

    // It never said why it ended.
    let stream = in_time(chat.send_message("q2").stream()).await.unwrap();
    in_time(stream.collect()).await.unwrap();
    assert_eq!(turns(chat.curated_history()), kept);
    assert_eq!(turns(chat.history())[2..], ["user: q2", "model: a"]);

    // It broke off, and it was dropped: neither is remembered.
    let stream = in_time(chat.send_message("q3").stream()).await.unwrap();
    in_time(stream.collect()).await.unwrap_err();
    let mut stream = in_time(chat.send_message("q4").stream()).await.unwrap();
    in_time(stream.next()).await.unwrap().unwrap();
    drop(stream);
    assert_eq!(chat.history().len(), 4);
    say(&mut chat, "q5").await;
    assert_eq!(sent(&http)[4], ["user: q1", "model: ab", "user: q5"]);
}

/// Covers: Chat.send_message_stream
#[tokio::test]
async fn what_keeps_parts_of_a_streamed_reply_apart_is_sent_again_in_place() {
    let piece = |part: Value| json!({"candidates": [{"content": {"parts": [part]}}]});
    let pieces = [
        json!({"text": "hm", "thought": true}),
        json!({"text": "a"}),
        json!({"text": "b"}),
        json!({"text": "", "thoughtSignature": "c2ln"}),
    ];
    let mut reply = pieces.clone().map(piece).to_vec();
    reply.push(json!({"candidates": [{"finishReason": "STOP"}]}));
    let (create, http) = create([chunks(&reply), whole(&says("c"))]);
    let mut chat = create.start().unwrap();
    let stream = in_time(chat.send_message("q1").stream()).await.unwrap();
    in_time(stream.collect()).await.unwrap();
    assert_eq!(chat.history().len(), 2);
    say(&mut chat, "q2").await;
    let parts = http.requests()[1].json().unwrap()["contents"][1]["parts"].clone();
    assert_eq!(parts, json!([pieces[0], {"text": "ab"}, pieces[3]]));
}

/// Covers: Chat.send_message, Chat.send_message_stream
#[tokio::test]
async fn functions_are_part_of_the_conversation() {
    let round = [
        "user: q1",
        "model: f()",
        r#"user: f={"result":{}}"#,
        "model: a1",
    ];
    for streamed in [false, true] {
        let wrap = |reply: &Value| match streamed {
            true => chunks(std::slice::from_ref(reply)),
            false => whole(reply),
        };
        let (create, http) = create([
            wrap(&calls(&[("f", json!({}))])),
            wrap(&says("a1")),
            whole(&says("a2")),
        ]);
        let mut chat = create.with_functions([echo("f")]).start().unwrap();
        let message = chat.send_message("q1");
        let reply = if streamed {
            let stream = in_time(message.stream()).await.unwrap();
            in_time(stream.collect()).await.unwrap()
        } else {
            in_time(message.send()).await.unwrap().into_body()
        };
        assert_eq!(reply.text().unwrap(), "a1");
        assert!(reply.automatic_function_calling_history.is_empty());
        assert_eq!(turns(chat.history()), round);
        say(&mut chat, "q2").await;
        assert_eq!(sent(&http)[2][..4], round);
    }
}

#[test]
fn debug_output_shows_no_conversation() {
    let (create, _) = create([]);
    let create = create.with_history([Content::user("secret words")]);
    let mut chat = create.clone().start().unwrap();
    let shown = format!("{create:?} {chat:?}");
    let shown = format!("{shown} {:?}", chat.send_message("secret words"));
    assert!(!shown.contains("secret words"), "{shown}");
}
