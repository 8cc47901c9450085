//! Decisions: answers of a fixed form.

use anyhow::{bail, ensure};
use gimmal_client::gemini::CreateDecision;
use gimmal_client::types::gemini::decisions::{Answer, CreateDecisionResponse, Question};
use serde_json::{Value, json};

use super::bench::{MODEL, given, of, same};
use crate::conformance::sdk::ours::{Backend, Bench, Cases};

pub(super) fn add(cases: &mut Cases) {
    let mut create = cases.group(Backend::DEVELOPER, "decisions.create");
    create.add("how likely", how_likely);
    create.add("choice", choice);
    create.add("score", score);
    create.add("no questions", no_questions);
}

fn decide(bench: &Bench) -> anyhow::Result<CreateDecision> {
    let matter = "My parcel has not arrived. Where is the delivery?";
    let decisions = bench.client()?.decisions();
    Ok(decisions.create(format!("models/{MODEL}"), matter))
}

/// The reply, and the answer to the one question.
async fn asked(bench: &Bench, question: Value) -> anyhow::Result<(CreateDecisionResponse, Answer)> {
    let call = decide(bench)?.ask("it", of::<Question>(question)?);
    let mut reply = call.send().await?.into_body();
    let answer = given(reply.answers.swap_remove("it"))?;
    Ok((reply, answer))
}

async fn how_likely(bench: Bench) -> anyhow::Result<()> {
    let question = json!({"type": "noul", "instructions": "Is a parcel or a delivery late?"});
    let (reply, answer) = asked(&bench, question).await?;
    let Answer::Noul(answer) = answer else {
        bail!("{answer:?}");
    };
    let noul = given(answer.noul)?;
    ensure!(0.0 < noul && noul < 1.0, "{noul}");
    ensure!(given(reply.usage)?.total_tokens > Some(0), "no tokens");
    Ok(())
}

async fn choice(bench: Bench) -> anyhow::Result<()> {
    let criteria = json!({
        "delivery": "a parcel or a delivery that has not arrived",
        "invoice": "money and invoices",
    });
    let question = json!({
        "type": "choice", "instructions": "What is it about?", "criteria": criteria,
    });
    let (_, answer) = asked(&bench, question).await?;
    let Answer::Choice(answer) = answer else {
        bail!("{answer:?}");
    };
    same(answer.choice.as_deref(), Some("delivery"))
}

async fn score(bench: Bench) -> anyhow::Result<()> {
    let criteria = ["a chat about the weather", "a parcel that has not arrived"];
    let question = json!({
        "type": "score", "instructions": "How urgent is it?", "criteria": criteria,
    });
    let (_, answer) = asked(&bench, question).await?;
    let Answer::Score(answer) = answer else {
        bail!("{answer:?}");
    };
    ensure!(answer.score > Some(0.5), "{answer:?}");
    Ok(())
}

/// The service would refuse it as well; ours does not bother it.
async fn no_questions(bench: Bench) -> anyhow::Result<()> {
    bench.unsent(decide(&bench)?.send().await)
}
