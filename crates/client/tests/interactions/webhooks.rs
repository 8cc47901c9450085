//! Webhooks against the emulator, and the signatures of what it sends.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use gimmal_client::gemini::{InvalidWebhook, WebhookVerifier};
use gimmal_client::types::gemini::webhooks::{RevocationBehavior, WebhookEvent, WebhookState};
use gimmal_emulator::{Emulator, ManualClock};
use http::StatusCode;
use serde_json::Value;

use crate::support::{MODEL, emulated, in_time, quick};

/// Covers: webhooks.create, webhooks.get, webhooks.list, webhooks.update, webhooks.delete
#[tokio::test]
async fn webhooks_live() {
    let (client, emulator) = emulated(Emulator::builder(), true).await;
    let hooks = client.webhooks();
    let uri = "https://example.com/hook";
    let call = hooks.create(uri, [WebhookEvent::BatchSucceeded]);
    let made = in_time(call.set_name("harbour").send()).await.unwrap();
    let made = made.into_body();
    assert!(made.new_signing_secret.is_some());
    let id = made.id.unwrap();
    let call = hooks.update(&id).set_state(WebhookState::Disabled);
    let changed = in_time(call.send()).await.unwrap();
    assert_eq!(changed.body().state, Some(WebhookState::Disabled));
    let found = in_time(hooks.get(&id).send()).await.unwrap().into_body();
    assert_eq!(
        (found.name.as_deref(), found.uri.as_deref()),
        (Some("harbour"), Some(uri))
    );
    assert!(found.new_signing_secret.is_none());
    let all = in_time(hooks.list().items().collect_all()).await.unwrap();
    assert_eq!(all.len(), 1);
    in_time(hooks.delete(&id).send()).await.unwrap();
    let gone = in_time(hooks.get(&id).send()).await.unwrap_err();
    assert_eq!(gone.status(), Some(StatusCode::NOT_FOUND));
    emulator.shutdown().await;
}

/// Covers: webhooks.ping, webhooks.rotate_signing_secret
#[tokio::test]
async fn what_the_service_signs_is_verified() {
    let (client, emulator) = emulated(quick(), false).await;
    let hooks = client.webhooks();
    let events = [WebhookEvent::InteractionCompleted];
    let made = hooks.create("https://example.com/hook", events).send();
    let made = in_time(made).await.unwrap().into_body();
    let id = made.id.unwrap();
    let first = made.new_signing_secret.unwrap();
    in_time(hooks.ping(&id).send()).await.unwrap();
    let call = client.interactions().create(MODEL).set_input("Hello");
    let poller = in_time(call.set_background(true).poller()).await.unwrap();
    let done = in_time(poller).await.unwrap();

    let told = emulator.webhook_messages();
    assert_eq!(told.len(), 2);
    let verifier = WebhookVerifier::new(first.clone()).unwrap();
    let delivery = verifier.verify(&told[1].headers, told[1].body.as_bytes());
    let delivery = delivery.unwrap();
    assert_eq!(told[1].headers["webhook-id"], delivery.id.as_str());
    let body: Value = serde_json::from_str(&told[1].body).unwrap();
    assert_eq!(body["type"], "interaction.completed");
    assert_eq!(body["data"]["id"], done.id.unwrap());

    // After a rotation both secrets are good until the old one is revoked.
    let rotated = in_time(hooks.rotate_signing_secret(&id).send()).await;
    let second = rotated.unwrap().into_body().secret.unwrap();
    in_time(hooks.ping(&id).send()).await.unwrap();
    let ping = emulator.webhook_messages().pop().unwrap();
    for secret in [&first, &second] {
        let verifier = WebhookVerifier::new(secret.clone()).unwrap();
        let checked = verifier.verify(&ping.headers, ping.body.as_bytes());
        assert!(checked.is_ok(), "{checked:?}");
    }
    let call = hooks.rotate_signing_secret(&id);
    let call = call.set_revocation_behavior(RevocationBehavior::Immediately);
    in_time(call.send()).await.unwrap();
    in_time(hooks.ping(&id).send()).await.unwrap();
    let ping = emulator.webhook_messages().pop().unwrap();
    let refused = verifier.verify(&ping.headers, ping.body.as_bytes());
    assert!(
        matches!(refused, Err(InvalidWebhook::Signature)),
        "{refused:?}"
    );
    emulator.shutdown().await;
}

#[tokio::test]
async fn messages_from_another_time_are_refused() {
    let an_hour_ago = SystemTime::now() - Duration::from_secs(3600);
    let clock = ManualClock::starting_at(an_hour_ago);
    let builder = Emulator::builder().with_clock(Arc::new(clock));
    let (client, emulator) = emulated(builder, false).await;
    let hooks = client.webhooks();
    let made = hooks.create("https://example.com", [WebhookEvent::VideoGenerated]);
    let made = in_time(made.send()).await.unwrap().into_body();
    in_time(hooks.ping(made.id.unwrap()).send()).await.unwrap();
    let ping = emulator.webhook_messages().pop().unwrap();
    let verifier = WebhookVerifier::new(made.new_signing_secret.unwrap()).unwrap();
    let refused = verifier.verify(&ping.headers, ping.body.as_bytes());
    assert!(
        matches!(refused, Err(InvalidWebhook::Time(_))),
        "{refused:?}"
    );
    let patient = verifier.with_tolerance(Duration::from_secs(2 * 3600));
    assert!(patient.verify(&ping.headers, ping.body.as_bytes()).is_ok());
    emulator.shutdown().await;
}
