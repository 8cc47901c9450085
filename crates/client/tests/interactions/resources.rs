//! Agents, credentials, decisions, triggers and voices against the emulator.

use gimmal_client::types::gemini::credentials::{
    CredentialCreateParams, CredentialUpdate, HttpBearerConfig, HttpBearerUpdateConfig,
};
use gimmal_client::types::gemini::decisions::{
    Answer, ChoiceQuestion, NoulQuestion, Question, ScoreQuestion,
};
use gimmal_client::types::gemini::interactions::CreateAgentInteraction;
use gimmal_client::types::gemini::triggers::{TriggerExecutionStatus, TriggerStatus};
use gimmal_client::types::gemini::voices::{PromptedVoice, VoiceInput, VoiceType};
use gimmal_emulator::Emulator;
use http::StatusCode;

use crate::support::{AGENT, FACT, MODEL, QUESTION, emulated, in_time, quick};

/// Covers: agents.create, agents.get, agents.list, agents.delete
#[tokio::test]
async fn agents_are_made_asked_and_deleted() {
    for vertex in [false, true] {
        let (client, emulator) = emulated(Emulator::builder(), vertex).await;
        let agents = client.agents();
        for id in ["ferries", "trains", "buses"] {
            let call = agents.create(id).set_base_agent(AGENT);
            let made = in_time(call.set_system_instruction(FACT).send()).await;
            assert_eq!(made.unwrap().body().id.as_deref(), Some(id));
        }
        let found = in_time(agents.get("agents/trains").send()).await.unwrap();
        assert_eq!(found.body().system_instruction.as_deref(), Some(FACT));
        let all = agents.list().set_page_size(2).items().collect_all();
        let all = in_time(all).await.unwrap();
        assert_eq!(all.len(), 3);
        let call = client.interactions().create_with_agent("ferries");
        let told = in_time(call.set_input(QUESTION).send()).await.unwrap();
        assert!(!told.body().output_text().is_empty());
        in_time(agents.delete("ferries").send()).await.unwrap();
        let gone = in_time(agents.get("ferries").send()).await.unwrap_err();
        assert_eq!(gone.status(), Some(StatusCode::NOT_FOUND));
        let twice = in_time(agents.create("trains").set_base_agent(AGENT).send()).await;
        assert_eq!(twice.unwrap_err().status(), Some(StatusCode::CONFLICT));
        emulator.shutdown().await;
    }
}

/// Covers: credentials.create, credentials.get, credentials.list, credentials.update,
/// credentials.delete
#[tokio::test]
async fn credentials_are_kept_to_themselves() {
    let (client, emulator) = emulated(Emulator::builder(), false).await;
    let credentials = client.credentials();
    let secret = HttpBearerConfig::new().set_id("quay").set_token("hidden-1");
    let params = CredentialCreateParams::BearerToken(secret);
    assert!(!format!("{params:?}").contains("hidden-1"));
    let made = in_time(credentials.create(params).send()).await.unwrap();
    assert_eq!(made.body().id.as_deref(), Some("quay"));
    let update = HttpBearerUpdateConfig::new().set_token("hidden-2");
    let update = CredentialUpdate::BearerToken(update);
    in_time(credentials.update("quay", update).send())
        .await
        .unwrap();
    let found = in_time(credentials.get("quay").send()).await.unwrap();
    assert_eq!(found.body().id, made.body().id);
    let all = in_time(credentials.list().items().collect_all()).await;
    assert_eq!(all.unwrap().len(), 1);
    in_time(credentials.delete("quay").send()).await.unwrap();
    let gone = in_time(credentials.get("quay").send()).await.unwrap_err();
    assert_eq!(gone.status(), Some(StatusCode::NOT_FOUND));
    emulator.shutdown().await;
}

/// Covers: decisions.create
#[tokio::test]
async fn decisions_come_with_their_certainty() {
    let (client, emulator) = emulated(Emulator::builder(), false).await;
    let matter = "My parcel has not arrived. Where is the delivery?";
    let late = NoulQuestion::new().set_instructions("Is a delivery late?");
    let about = ChoiceQuestion::new()
        .set_instructions("What is it about?")
        .set_criteria([
            ("delivery", "a parcel or a delivery that has not arrived"),
            ("invoice", "money and invoices"),
        ]);
    let urgent = ScoreQuestion::new()
        .set_instructions("How urgent is it?")
        .set_criteria(["a chat about the weather", "a parcel that has not arrived"]);
    let call = client
        .decisions()
        .create(MODEL, matter)
        .ask("late", Question::Noul(late))
        .ask("about", Question::Choice(about))
        .ask("urgent", Question::Score(urgent));
    let told = in_time(call.send()).await.unwrap().into_body();
    let Some(Answer::Choice(about)) = told.answers.get("about") else {
        panic!("{told:?}");
    };
    assert_eq!(about.choice.as_deref(), Some("delivery"));
    let Some(Answer::Noul(late)) = told.answers.get("late") else {
        panic!("{told:?}");
    };
    assert!((0.0..=1.0).contains(&late.noul.unwrap()));
    let Some(Answer::Score(urgent)) = told.answers.get("urgent") else {
        panic!("{told:?}");
    };
    assert!(urgent.score.unwrap() > 0.5, "{urgent:?}");
    emulator.shutdown().await;
}

/// Covers: triggers.create, triggers.get, triggers.list, triggers.update, triggers.run,
/// triggers.list_executions, triggers.delete
#[tokio::test]
async fn triggers_run_and_are_paused() {
    let (client, emulator) = emulated(quick(), false).await;
    let triggers = client.triggers();
    let interaction = CreateAgentInteraction::new()
        .set_agent(AGENT)
        .set_input("What leaves today?");
    let call = triggers.create("0 7 * * MON-FRI", "Europe/Oslo", interaction);
    let made = in_time(call.set_display_name("morning").send()).await;
    let made = made.unwrap().into_body();
    assert_eq!(made.status, Some(TriggerStatus::Active));
    let id = made.id.unwrap();
    let run = in_time(triggers.run(&id).send()).await.unwrap().into_body();
    let interaction = run.interaction_id.unwrap();
    in_time(client.interactions().poller(&interaction))
        .await
        .unwrap();
    let runs = triggers.list_executions(&id).items().collect_all();
    let runs = in_time(runs).await.unwrap();
    assert_eq!(runs[0].status, Some(TriggerExecutionStatus::Completed));
    let call = triggers.update(&id).set_status(TriggerStatus::Paused);
    let paused = in_time(call.send()).await.unwrap().into_body();
    assert_eq!(paused.status, Some(TriggerStatus::Paused));
    assert!(paused.next_run_time.is_none());
    let found = in_time(triggers.get(&id).send()).await.unwrap();
    assert_eq!(found.body().display_name.as_deref(), Some("morning"));
    let all = in_time(triggers.list().items().collect_all()).await;
    assert_eq!(all.unwrap().len(), 1);
    in_time(triggers.delete(&id).send()).await.unwrap();
    assert!(in_time(triggers.get(&id).send()).await.is_err());
    emulator.shutdown().await;
}

/// Covers: voices.create, voices.get, voices.list, voices.delete
#[tokio::test]
async fn voices_are_made_and_found() {
    let (client, emulator) = emulated(Emulator::builder(), false).await;
    let voices = client.voices();
    let voice = VoiceInput::new()
        .set_voice_type(VoiceType::Prompted)
        .set_display_name("Skipper")
        .set_prompted(PromptedVoice::new().set_input("deep and weathered"));
    let made = in_time(voices.create(voice).set_store(true).send()).await;
    let id = made.unwrap().into_body().id.unwrap();
    let found = in_time(voices.get(&id).send()).await.unwrap();
    assert_eq!(found.body().display_name.as_deref(), Some("Skipper"));
    let own = voices.list().add_type(VoiceType::Prompted).items();
    let own = in_time(own.collect_all()).await.unwrap();
    assert_eq!(own.len(), 1);
    let all = voices.list().set_page_size(10).items().collect_all();
    assert!(in_time(all).await.unwrap().len() > 10);
    in_time(voices.delete(&id).send()).await.unwrap();
    assert!(in_time(voices.get(&id).send()).await.is_err());
    emulator.shutdown().await;
}
