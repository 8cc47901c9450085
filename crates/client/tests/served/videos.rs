//! Films: begun, waited for and fetched.

use std::time::Duration;

use gimmal_client::ErrorKind;
use gimmal_client::types::gemini::{GenerateVideosConfig, GenerateVideosOperation};
use gimmal_emulator::{Fault, FaultRule, Route};
use serde_json::{Value, json};

use crate::support::World;

const MODEL: &str = "veo-3.0-generate-001";

/// Covers: models.generate_videos, operations.get
#[tokio::test]
async fn films_on_vertex_come_along_with_the_answer() {
    let world = World::with(|it| it.with_operation_time(Duration::from_secs(300))).await;
    let flaky = FaultRule::new(Fault::unavailable()).on(Route::FetchPredictOperation);
    world.emulator.chaos().add(flaky.at_most(1));
    let config = GenerateVideosConfig::new()
        .set_number_of_videos(2)
        .set_duration_seconds(4);
    let models = world.vertex().models();
    let call = models.generate_videos(MODEL).set_prompt("a cat");
    let poller = call.set_config(config).poller().await.unwrap();
    let name = poller.name().to_owned();
    assert!(name.contains("/publishers/google/models/veo-3.0-generate-001/operations/"));
    let films = poller.await.unwrap();
    let films: Vec<_> = films.videos().collect();
    assert_eq!(films.len(), 2);
    for film in &films {
        assert_eq!(
            &film.video_bytes.as_ref().unwrap().as_bytes()[4..8],
            b"ftyp"
        );
    }
    assert!(world.emulator.journal().count(Route::FetchPredictOperation) > 2);
    // Any process can ask for it again.
    let again = world
        .vertex()
        .operations()
        .poller::<GenerateVideosOperation>(name);
    assert_eq!(again.await.unwrap().videos().count(), 2);
}

/// The developer API has such films too, although the client begins none there.
#[tokio::test]
async fn films_of_the_developer_api_are_files() {
    let world = World::with(|it| it.with_blocked_phrase("forbidden")).await;
    let begin = async |prompt: &str| {
        let url = format!(
            "{}v1beta/models/{MODEL}:predictLongRunning",
            world.emulator.base_url()
        );
        let body = json!({"instances": [{ "prompt": prompt }]}).to_string();
        let request = reqwest::Client::builder()
            .no_proxy()
            .build()
            .unwrap()
            .post(url);
        let begun = request
            .header("x-goog-api-key", "key")
            .body(body)
            .send()
            .await;
        let begun = begun.unwrap().bytes().await.unwrap();
        let begun: Value = serde_json::from_slice(&begun).unwrap();
        begun["name"].as_str().unwrap().to_owned()
    };
    let operations = world.client.operations();
    let name = begin("a cat").await;
    let films = operations
        .poller::<GenerateVideosOperation>(name)
        .await
        .unwrap();
    let film = films.videos().next().unwrap();
    let files = world.client.files();
    let described = files
        .get(film.uri.as_deref().unwrap())
        .send()
        .await
        .unwrap();
    let duration = described.body().video_metadata.as_ref().unwrap();
    assert_eq!(duration["videoDuration"], "8s");
    let bytes = files.download(film).send().await.unwrap().into_body();
    assert_eq!(&bytes[4..8], b"ftyp");

    let held = operations.poller::<GenerateVideosOperation>(begin("a forbidden cat").await);
    let held = held.await.unwrap();
    assert_eq!(held.videos().count(), 0);
    assert_eq!(held.rai_media_filtered_count, Some(1));
    assert_eq!(held.rai_media_filtered_reasons.len(), 1);
}

#[tokio::test]
async fn a_film_that_fails_says_why() {
    let world = World::with(|it| it.with_failing_operation("doomed")).await;
    let models = world.vertex().models();
    let call = models.generate_videos(MODEL).set_prompt("a doomed cat");
    let error = call.poller().await.unwrap().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OperationFailed);
    assert!(error.to_string().contains("set to"), "{error}");
    let config = GenerateVideosConfig::new().set_duration_seconds(60);
    let call = models.generate_videos(MODEL).set_prompt("a cat");
    let error = call.set_config(config).send().await.unwrap_err();
    assert!(error.to_string().contains("between 4 and 8"), "{error}");
}
