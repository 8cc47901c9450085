//! Where each call goes on both backends, and what it carries.

use gimmal_client::gemini::GeminiClient;
use gimmal_client::transport::testing::Reply;
use gimmal_client::types::gemini::agents::Agent;
use gimmal_client::types::gemini::credentials::{CredentialUpdate, HttpBearerUpdateConfig};
use gimmal_client::types::gemini::webhooks::WebhookState;
use serde_json::{Value, json};

use crate::support::{MODEL, in_time, scripted, sent, vertex_scripted};

async fn all(client: &GeminiClient) {
    let interactions = client.interactions();
    let call = interactions.create(MODEL).set_input("hi");
    in_time(call.send()).await.unwrap();
    in_time(interactions.get("interactions/a").send())
        .await
        .unwrap();
    in_time(interactions.cancel("a").send()).await.unwrap();
    in_time(interactions.delete("a").send()).await.unwrap();
    let agent = Agent::new().set_base_agent("b");
    in_time(client.agents().create("x").set_agent(agent).send())
        .await
        .unwrap();
    let list = client.agents().list().set_page_size(2).set_parent("p/q");
    in_time(list.items().collect_all()).await.unwrap();
    in_time(client.triggers().run("t").send()).await.unwrap();
    let list = client.triggers().list_executions("t");
    in_time(list.items().collect_all()).await.unwrap();
    let files = client.environments().files("environments/e");
    in_time(files.list("a/b.txt").items().collect_all())
        .await
        .unwrap();
    in_time(files.download("/a/b c.txt").send()).await.unwrap();
    let token = HttpBearerUpdateConfig::new().set_token("t");
    let update = CredentialUpdate::BearerToken(token);
    let update = client
        .credentials()
        .update("c", update)
        .set_update_mask("token");
    in_time(update.send()).await.unwrap();
    let hook = client
        .webhooks()
        .update("w")
        .set_state(WebhookState::Disabled);
    in_time(hook.set_update_mask("state").send()).await.unwrap();
    in_time(client.webhooks().ping("w").send()).await.unwrap();
    let rotate = client.webhooks().rotate_signing_secret("w");
    in_time(rotate.send()).await.unwrap();
    let voices = client
        .voices()
        .list()
        .add_gender("female")
        .add_gender("male");
    in_time(voices.set_search("x").items().collect_all())
        .await
        .unwrap();
}

fn expected(base: &str) -> Vec<(String, Value)> {
    let lines = [
        (
            "POST",
            "interactions",
            json!({"model": MODEL, "input": "hi"}),
        ),
        ("GET", "interactions/a?stream=false", Value::Null),
        ("POST", "interactions/a/cancel", Value::Null),
        ("DELETE", "interactions/a", Value::Null),
        ("POST", "agents", json!({"id": "x", "base_agent": "b"})),
        ("GET", "agents?page_size=2&parent=p%2Fq", Value::Null),
        ("POST", "triggers/t/executions", Value::Null),
        ("GET", "triggers/t/executions", Value::Null),
        ("GET", "environments/e/files/a/b.txt", Value::Null),
        (
            "GET",
            "environments/e/files/a/b%20c.txt?alt=media",
            Value::Null,
        ),
        (
            "PATCH",
            "credentials/c?update_mask=token",
            json!({"type": "bearer_token", "token": "t"}),
        ),
        (
            "PATCH",
            "webhooks/w?update_mask=state",
            json!({"state": "disabled"}),
        ),
        ("POST", "webhooks/w:ping", Value::Null),
        ("POST", "webhooks/w:rotateSigningSecret", json!({})),
        (
            "GET",
            "voices?gender=female&gender=male&search=x",
            Value::Null,
        ),
    ];
    let lines = lines
        .into_iter()
        .map(|(verb, path, body)| (format!("{verb} {base}{path}"), body));
    lines.collect()
}

#[tokio::test]
async fn every_call_goes_where_the_service_listens() {
    let replies = || (0..15).map(|_| Reply::json(200, "{}"));
    let (client, http) = scripted(replies());
    all(&client).await;
    let got = sent(&http);
    for (got, expected) in got.iter().zip(expected("/v1/")) {
        assert_eq!(got, &expected);
    }
    assert_eq!(got.len(), 15);
    let (client, http) = vertex_scripted(replies());
    all(&client).await;
    let base = "/v1beta1/projects/p/locations/l/";
    for (got, expected) in sent(&http).iter().zip(expected(base)) {
        assert_eq!(got, &expected);
    }
}
