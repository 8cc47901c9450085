//! What is refused before anything is sent.

use gimmal_client::gemini::GeminiClient;
use gimmal_client::types::gemini::agents::Agent;
use gimmal_client::types::gemini::decisions::{NoulQuestion, Question};
use gimmal_client::types::gemini::interactions::{
    CreateAgentInteraction, CreateModelInteraction, DynamicAgentConfig, GenerationConfig,
    InteractionRequest,
};
use gimmal_client::{Error, ErrorKind};

use crate::support::{AGENT, MODEL, in_time, scripted, vertex_scripted};

#[track_caller]
fn invalid<T: std::fmt::Debug>(result: Result<T, Error>, field: &str, words: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert_eq!(error.field(), Some(field), "{error}");
    assert!(error.to_string().contains(words), "{error}");
}

async fn interactions(client: &GeminiClient) {
    let calls = client.interactions();
    let settings = calls.create_with_agent(AGENT).set_input("x");
    let settings = settings.set_generation_config(GenerationConfig::new());
    invalid(
        in_time(settings.clone().send()).await,
        "generation_config",
        "no setting of a",
    );
    invalid(
        in_time(settings.stream()).await,
        "generation_config",
        "no setting of a",
    );
    let agent = calls.create(MODEL).set_input("x");
    let agent = agent.set_agent_config(DynamicAgentConfig::new());
    invalid(
        in_time(agent.send()).await,
        "agent_config",
        "no setting of a",
    );
    let alone = calls.create(MODEL).set_input("x").set_background(true);
    let alone = alone.with_automatic_continuation(false);
    invalid(
        in_time(alone.send()).await,
        "automatic_continuation",
        "background",
    );
    let model: InteractionRequest = CreateModelInteraction::new().into();
    invalid(
        in_time(calls.request(model).send()).await,
        "model",
        "must be set",
    );
    let agent: InteractionRequest = CreateAgentInteraction::new().into();
    invalid(
        in_time(calls.request(agent).stream()).await,
        "agent",
        "must be set",
    );
    let resumed = calls.get("a").set_last_event_id("e");
    invalid(in_time(resumed.send()).await, "last_event_id", "stream");
    for (id, words) in [
        ("", "must not be empty"),
        ("..", "must not contain"),
        ("a/b/c", "is no name such as"),
        ("agents/a", "is no name such as"),
        ("interactions/", "double a slash"),
    ] {
        invalid(in_time(calls.get(id).send()).await, "id", words);
        invalid(in_time(calls.cancel(id).send()).await, "id", words);
        invalid(in_time(calls.delete(id).send()).await, "id", words);
    }
}

async fn resources(client: &GeminiClient) {
    let agents = client.agents();
    invalid(
        in_time(agents.get("").send()).await,
        "id",
        "must not be empty",
    );
    let unnamed = agents.create("").set_agent(Agent::new());
    invalid(in_time(unnamed.send()).await, "id", "must not be empty");
    let paged = agents.list().set_page_size(0).items().collect_all();
    invalid(in_time(paged).await, "page_size", "at least 1");
    let decisions = client.decisions();
    let none = decisions.create(MODEL, "x");
    invalid(in_time(none.send()).await, "questions", "at least one");
    let asked = decisions.create("", "x");
    let asked = asked.ask("q", Question::Noul(NoulQuestion::new()));
    invalid(in_time(asked.send()).await, "model", "must not be empty");
    let files = client.environments().files("e");
    for path in ["../up", "a/./b", "a/.."] {
        invalid(
            in_time(files.download(path).send()).await,
            "path",
            "one of its parts",
        );
        invalid(
            in_time(files.list(path).items().collect_all()).await,
            "path",
            "one of its",
        );
    }
    let hook = client.webhooks();
    let lacking = hook.create("", ["batch.failed"]);
    invalid(in_time(lacking.send()).await, "uri", "must not be empty");
    invalid(
        in_time(hook.ping("a:b/c").send()).await,
        "id",
        "is no name such as",
    );
}

#[tokio::test]
async fn nothing_wrong_is_sent() {
    for (client, http) in [scripted([]), vertex_scripted([])] {
        interactions(&client).await;
        resources(&client).await;
        assert_eq!(http.request_count(), 0);
    }
}
