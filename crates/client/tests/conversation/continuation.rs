//! Replies that the service cuts and that are resumed.

use futures_util::{StreamExt as _, TryStreamExt as _};
use gimmal_client::ErrorKind;
use gimmal_client::transport::testing::{Reply, ScriptedTransport};
use gimmal_client::types::gemini::{FinishReason, GenerateContentConfig, GenerateContentResponse};
use serde_json::{Value, json};

use crate::support::{MODEL, chunks, client, in_time, says, whole};

/// A chunk or reply that is cut.
fn cut(text: &str, token: &str) -> Value {
    json!({"candidates": [{"content": {"role": "model", "parts": [{"text": text}]},
                           "finishReason": "CONTINUATION", "continuationToken": token}],
           "usageMetadata": {"promptTokenCount": 3, "totalTokenCount": 4}})
}

fn tokens(http: &ScriptedTransport) -> Vec<Value> {
    let requests = http.requests();
    let bodies = requests.iter().map(|request| request.json().unwrap());
    bodies
        .map(|body| body["continuationToken"].clone())
        .collect()
}

/// Covers: models.generate_content
#[tokio::test]
async fn a_cut_reply_is_resumed_until_it_is_whole() {
    let (client, http) = client([
        whole(&cut("a", "AAAA")),
        whole(&cut("b", "BBBB")),
        whole(&says("c")),
    ]);
    let call = client.models().generate_content(MODEL).set_contents(["hi"]);
    let reply = in_time(call.send()).await.unwrap().into_body();
    assert_eq!(reply.text().unwrap(), "abc");
    assert_eq!(reply.parts().len(), 3);
    assert_eq!(reply.finish_reason(), Some(&FinishReason::Stop));
    assert_eq!(
        reply.usage_metadata.as_ref().unwrap().total_token_count,
        Some(8)
    );
    assert_eq!(reply.initial_prompt_token_count(), Some(3));
    assert_eq!(tokens(&http), [json!(null), json!("AAAA"), json!("BBBB")]);
    let contents = |index: usize| http.requests()[index].json().unwrap()["contents"].clone();
    assert_eq!(contents(2), contents(0));
}

#[tokio::test]
async fn resuming_can_be_switched_off() {
    for off in [true, false] {
        let (client, http) = client([whole(&cut("a", "AAAA"))]);
        let call = client.models().generate_content(MODEL);
        let call = if off {
            call.with_automatic_continuation(false)
        } else {
            call.set_config(GenerateContentConfig::new().set_automatic_continuation(false))
        };
        let reply = in_time(call.set_contents(["hi"]).send()).await.unwrap();
        assert_eq!(
            reply.body().finish_reason(),
            Some(&FinishReason::Continuation)
        );
        assert!(reply.body().continuation_token().is_some());
        assert_eq!(http.request_count(), 1);
    }
}

#[tokio::test]
async fn a_server_that_repeats_itself_is_not_asked_for_ever() {
    let hollow = json!({"candidates": [{"continuationToken": "AAAA"}]});
    let (client, http) = client([whole(&hollow), whole(&hollow)]);
    let call = client.models().generate_content(MODEL).set_contents(["hi"]);
    let reply = in_time(call.send()).await.unwrap();
    assert_eq!(reply.body().text(), None);
    assert_eq!(http.request_count(), 2);
}

async fn streamed(
    replies: impl IntoIterator<Item = Reply>,
) -> (
    Vec<GenerateContentResponse>,
    Option<gimmal_client::Error>,
    ScriptedTransport,
) {
    let (client, http) = client(replies);
    let call = client.models().generate_content(MODEL).set_contents(["hi"]);
    let mut stream = in_time(call.stream()).await.unwrap();
    let mut read = Vec::new();
    while let Some(chunk) = in_time(stream.next()).await {
        match chunk {
            Ok(chunk) => read.push(chunk),
            Err(error) => {
                assert!(in_time(stream.next()).await.is_none(), "an error ends it");
                return (read, Some(error), http);
            }
        }
    }
    (read, None, http)
}

fn text(chunks: &[GenerateContentResponse]) -> String {
    chunks
        .iter()
        .filter_map(GenerateContentResponse::text)
        .collect()
}

/// Covers: models.generate_content_stream
#[tokio::test]
async fn a_stream_goes_on_where_it_was_cut() {
    let running = |text: &str, total: i32| {
        json!({"candidates": [{"content": {"parts": [{"text": text}]}}],
               "usageMetadata": {"promptTokenCount": 3, "totalTokenCount": total}})
    };
    let (read, error, http) = streamed([
        chunks(&[running("a", 4), cut("b", "AAAA")]),
        chunks(&[running("c", 5), says("d")]),
    ])
    .await;
    assert!(error.is_none());
    assert_eq!(text(&read), "abcd");
    assert_eq!(tokens(&http), [json!(null), json!("AAAA")]);
    // The cut is not shown, and counts run over both requests.
    assert_eq!(read[1].finish_reason(), None);
    let totals = read.iter().map(|chunk| {
        let usage = chunk.usage_metadata.as_ref();
        usage.and_then(|usage| usage.total_token_count)
    });
    assert_eq!(
        totals.collect::<Vec<_>>(),
        [Some(4), Some(4), Some(9), None]
    );
    assert_eq!(read[2].initial_prompt_token_count(), Some(3));
}

#[tokio::test]
async fn a_broken_stream_goes_on_from_its_newest_token() {
    let piece = |text: &str, token: Option<&str>| {
        json!({"candidates": [{"content": {"parts": [{"text": text}]},
                               "continuationToken": token}]})
    };
    let (read, error, http) = streamed([
        chunks(&[piece("a", Some("AAAA")), piece("b", Some("BBBB"))]).with_reset(),
        Reply::events::<&str>([]),
        chunks(&[piece("c", Some("CCCC"))]),
        chunks(&[says("d")]),
    ])
    .await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(text(&read), "abcd");
    let asked = ["AAAA", "BBBB", "BBBB", "CCCC"];
    assert_eq!(tokens(&http)[1..], asked.map(Value::from)[1..]);
}

#[tokio::test]
async fn what_cannot_be_resumed_fails_as_before() {
    let plain = json!({"candidates": [{"content": {"parts": [{"text": "a"}]}}]});
    let (read, error, _) = streamed([chunks(std::slice::from_ref(&plain)).with_reset()]).await;
    assert_eq!(text(&read), "a");
    assert_eq!(error.unwrap().kind(), ErrorKind::StreamInterrupted);
    // What came without a newer token would come twice.
    let (read, error, http) = streamed([chunks(&[cut("a", "AAAA")]), chunks(&[plain])]).await;
    assert!(error.is_none());
    assert_eq!((text(&read).as_str(), http.request_count()), ("aa", 2));
}

#[tokio::test]
async fn a_stream_that_brings_nothing_is_asked_for_four_times() {
    let replies = std::iter::once(chunks(&[cut("a", "AAAA")]))
        .chain(std::iter::repeat_with(|| Reply::events::<&str>([]).with_reset()).take(9));
    let (read, error, http) = streamed(replies).await;
    assert_eq!(text(&read), "a");
    assert_eq!(error.unwrap().kind(), ErrorKind::StreamInterrupted);
    assert_eq!(http.request_count(), 5);
}

#[tokio::test]
async fn a_refusal_on_the_way_is_final() {
    let body =
        json!({"error": {"code": 400, "message": "bad token", "status": "INVALID_ARGUMENT"}});
    let refusals = [
        Reply::json(400, body.to_string()),
        chunks(std::slice::from_ref(&body)),
    ];
    for refusal in refusals {
        let (read, error, http) = streamed([chunks(&[cut("a", "AAAA")]), refusal]).await;
        assert_eq!(text(&read), "a");
        assert!(error.unwrap().to_string().contains("bad token"));
        assert_eq!(http.request_count(), 2);
    }
}

#[tokio::test]
async fn collecting_gives_the_whole() {
    let (client, _) = client([chunks(&[cut("a", "AAAA")]), chunks(&[says("b")])]);
    let call = client.models().generate_content(MODEL).set_contents(["hi"]);
    let stream = in_time(call.stream()).await.unwrap();
    let reply = in_time(stream.collect()).await.unwrap();
    assert_eq!(reply.text().unwrap(), "ab");
    let (client, _) = self::client([chunks(&[says("a")])]);
    let call = client.models().generate_content(MODEL).set_contents(["hi"]);
    let all: Vec<_> = in_time(call.stream())
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(all.len(), 1);
}
