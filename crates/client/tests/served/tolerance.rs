//! Servers that send what no description of the wire has: every quirk, one at a time.

use futures_util::TryStreamExt as _;
use gimmal_client::transport::Request;
use gimmal_client::types::gemini::{FinishReason, GenerateContentResponse};
use gimmal_client::{CallOptions, Error};
use gimmal_emulator::Quirk;
use http::Method;
use test_case::test_case;

use crate::support::World;

const MODEL: &str = "gemini-2.5-flash";
const QUESTION: &str = "What can you tell me about the harbour of Lisbon and its many ferries?";

async fn with(quirk: Quirk) -> World {
    World::with(|emulator| emulator.with_quirk(quirk)).await
}

async fn whole(world: &World) -> GenerateContentResponse {
    let models = world.client.models();
    let call = models.generate_content(MODEL).set_contents([QUESTION]);
    call.send().await.unwrap().into_body()
}

async fn streamed(world: &World) -> Result<Vec<GenerateContentResponse>, Error> {
    let models = world.client.models();
    let call = models.generate_content(MODEL).set_contents([QUESTION]);
    call.stream().await?.try_collect().await
}

fn text(replies: &[GenerateContentResponse]) -> String {
    replies
        .iter()
        .filter_map(GenerateContentResponse::text)
        .collect()
}

#[test_case(Quirk::NullFinishReason)]
#[test_case(Quirk::EmptyParts)]
#[test_case(Quirk::NoUsage)]
#[test_case(Quirk::NoModelVersion)]
#[test_case(Quirk::NoResponseId)]
#[test_case(Quirk::ExtraKeys)]
#[test_case(Quirk::SnakeCaseKeys)]
#[test_case(Quirk::ArrayForEvents)]
#[tokio::test]
async fn answers_are_read_all_the_same(quirk: Quirk) {
    let plain = World::new().await;
    let expected = whole(&plain).await.text();
    assert!(expected.is_some());
    let world = with(quirk).await;
    assert_eq!(whole(&world).await.text(), expected);
    let replies = streamed(&world).await.unwrap();
    assert_eq!(Some(text(&replies)), expected);
    assert!(replies.len() > 1);
    let finish = replies.last().unwrap().finish_reason();
    assert_eq!(finish, Some(&FinishReason::Stop));
}

#[test_case(Quirk::ErrorsWithoutStatus)]
#[test_case(Quirk::ErrorsWithStringCode)]
#[test_case(Quirk::SnakeCaseKeys)]
#[test_case(Quirk::ExtraKeys)]
#[tokio::test]
async fn errors_are_read_all_the_same(quirk: Quirk) {
    let world = with(quirk).await;
    let error = world.client.files().get("none").send().await.unwrap_err();
    assert_eq!(error.status().map(|it| it.as_u16()), Some(403));
    assert!(error.to_string().contains("File none"), "{error}");
    let models = world.client.models();
    let call = models.generate_content("no-such-model").set_contents(["x"]);
    let error = call.stream().await.unwrap_err();
    assert!(error.to_string().contains("no-such-model"), "{error}");
}

#[tokio::test]
async fn a_refusal_of_nothing_is_an_error_with_a_status() {
    let world = with(Quirk::EmptyMethodNotAllowed).await;
    // The emulator serves no such method of a model.
    let url = format!("{}v1/models/m:sing", world.emulator.base_url());
    let request = Request::new(Method::POST, url.parse().unwrap());
    let transport = world.client.api().transport();
    let error = transport.send(request, &CallOptions::default()).await;
    let error = error.unwrap_err();
    assert_eq!(error.status().map(|it| it.as_u16()), Some(405), "{error}");
    assert!(error.to_string().contains("405"), "{error}");
}
