//! Tuning: jobs that learn, fail and are stopped, the models they leave, and rewards.

use anyhow::ensure;
use futures_util::TryStreamExt as _;
use gimmal_client::types::gemini::{
    Content, JobState, Model, ReinforcementTuningExample, SingleReinforcementTuningRewardConfig,
    TuningDataset, TuningExample, TuningJob, ValidateRewardResponse,
};
use serde_json::{Value, json};

use super::bench::{
    MODEL, PARENT, among, begins, chunks, declined, given, of, paged, refused, same, sorted, text,
};
use super::work::until;
use crate::conformance::sdk::emulators::Settings;
use crate::conformance::sdk::ours::{Backend, Bench, Cases};

const QUESTION: &str = "What is the code word number 4?";

pub(super) fn add(cases: &mut Cases) {
    let standing = Settings::standing();
    let mut tune = cases.group(Backend::DEVELOPER, "tunings.tune");
    tune.add("without examples", without_examples);
    let mut tune = cases.group(Backend::PROJECT, "tunings.tune");
    tune.add_with(&standing, "reply", reply);
    tune.add_with(&standing, "used by a generation", used);
    tune.add_with(&standing, "its model", model_of_the_project);
    tune.add_with(&standing, "preferences of a tuned model", preferences);
    tune.add("bad address", bad_address);
    tune.add_with(&standing, "distillation", distils);
    tune.add_with(&standing, "reinforcement", reinforces);

    let mut get = cases.group(Backend::PROJECT, "tunings.get");
    get.add_with(&standing, "what came of it", what_came_of_it);
    get.add_with(&standing, "losses", losses);
    for (row, data, why) in [
        ("missing", None, "data.jsonl"),
        ("bad", Some(vec![json!({"contents": []})]), "line 1"),
        ("empty", Some(Vec::new()), "empty"),
    ] {
        get.add_with(&standing, format!("failed:{row}"), move |bench| {
            fails(bench, data.clone(), why)
        });
    }
    let mut get = cases.group(Backend::DEVELOPER, "tunings.get");
    get.add_with(&standing, "developer", of_the_developer_api);
    get.add_with(&standing, "its model", model_of_the_developer_api);
    let mut get = cases.group(Backend::BOTH, "tunings.get");
    get.add("unknown", gets_unknown);

    let mut cancel = cases.group(Backend::BOTH, "tunings.cancel");
    cancel.add_with(&standing, "while it runs", cancels);
    cancel.add("unknown", cancels_unknown);
    let mut list = cases.group(Backend::PROJECT, "tunings.list");
    for size in [1, 2, 9] {
        list.add_with(&standing, format!("page size:{size}"), move |bench| {
            lists(bench, size)
        });
    }
    list.add_with(&standing, "filter", filters);

    let mut reward = cases.group(Backend::PROJECT, "tunings.validate_reward");
    for (row, answer, value) in [("right", "4", 1.0), ("wrong", "5", -1.0)] {
        reward.add(format!("single:{row}"), move |bench| {
            rewards(bench, answer, value)
        });
    }
    reward.add("composite", composite);
}

/// The address of examples that teach some code words.
fn taught(bench: &Bench, count: usize) -> String {
    let turn = |role, text: String| json!({"role": role, "parts": [{"text": text}]});
    let example = |n| {
        let question = turn("user", format!("What is the code word number {n}?"));
        json!({"contents": [question, turn("model", format!("Walnut {n}"))]})
    };
    bench.put_lines("taught.jsonl", &(0..count).map(example).collect::<Vec<_>>())
}

/// A job over examples in a bucket.
async fn tune(bench: &Bench, uri: &str, model: &str, config: Value) -> anyhow::Result<TuningJob> {
    let dataset = TuningDataset::new().set_gcs_uri(uri);
    let call = bench.client()?.tunings().tune(model, dataset);
    Ok(call.set_config(of(config)?).send().await?.into_body())
}

/// A job over examples in the call.
async fn tuned(bench: &Bench, epochs: i32) -> anyhow::Result<String> {
    let examples = vec![TuningExample::of("What is the capital of Peru?", "Lima!")];
    let call = bench
        .client()?
        .tunings()
        .tune(format!("models/{MODEL}"), examples);
    let config =
        of(json!({"tunedModelDisplayName": "capitals", "epochCount": epochs, "batchSize": 1}))?;
    given(call.set_config(config).send().await?.into_body().name)
}

/// A job that has only begun.
async fn begun(bench: &Bench, epochs: i32) -> anyhow::Result<String> {
    if bench.is_vertex() {
        let config = json!({"epochCount": epochs});
        given(tune(bench, &taught(bench, 6), MODEL, config).await?.name)
    } else {
        tuned(bench, epochs).await
    }
}

async fn got(bench: &Bench, name: &str) -> anyhow::Result<TuningJob> {
    Ok(bench
        .client()?
        .tunings()
        .get(name)
        .send()
        .await?
        .into_body())
}

async fn ended(bench: &Bench, name: Option<String>) -> anyhow::Result<TuningJob> {
    let (tunings, name) = (bench.client()?.tunings(), given(name)?);
    until(
        bench,
        5.0,
        || tunings.get(&*name).send(),
        TuningJob::has_ended,
    )
    .await
}

/// A job that knows the code words.
async fn learnt(bench: &Bench, mut config: Value) -> anyhow::Result<TuningJob> {
    config["epochCount"] = json!(2);
    let job = tune(bench, &taught(bench, 6), MODEL, config).await?;
    let job = ended(bench, job.name).await?;
    same(job.state.as_ref(), Some(&JobState::Succeeded))?;
    Ok(job)
}

/// The name of the model that a job leaves, without its version.
fn model_of(job: TuningJob) -> anyhow::Result<String> {
    let name = given(given(job.tuned_model)?.model)?;
    Ok(name.split('@').next().unwrap_or_default().to_owned())
}

async fn own_models(bench: &Bench) -> anyhow::Result<Vec<String>> {
    let list = bench.client()?.models().list().with_tuned().items();
    let models: Vec<Model> = list.try_collect().await?;
    Ok(sorted(models.into_iter().map(|model| model.name)))
}

fn absent(bench: &Bench) -> (String, u16) {
    if bench.is_vertex() {
        (format!("{PARENT}/tuningJobs/1"), 404)
    } else {
        ("tunedModels/none".to_owned(), 403)
    }
}

async fn without_examples(bench: Bench) -> anyhow::Result<()> {
    let none = TuningDataset::new();
    let call = bench
        .client()?
        .tunings()
        .tune(format!("models/{MODEL}"), none);
    refused(call.send().await, 400, "tuning_task").map(|_| ())
}

async fn reply(bench: Bench) -> anyhow::Result<()> {
    let config = json!({"tunedModelDisplayName": "words", "labels": {"my_team": "words"}});
    let job = tune(&bench, &taught(&bench, 6), MODEL, config).await?;
    ensure!(!job.has_ended(), "it has ended already");
    begins(&format!("{PARENT}/tuningJobs/"), given(job.name)?)?;
    same(json!(job.labels), json!({"my_team": "words"}))?;
    same(job.tuned_model_display_name.as_deref(), Some("words"))
}

async fn what_came_of_it(bench: Bench) -> anyhow::Result<()> {
    let job = learnt(&bench, json!({})).await?;
    let spec = given(job.supervised_tuning_spec)?.hyper_parameters;
    same(given(spec)?.epoch_count, Some(2))?;
    let stats = given(given(job.tuning_data_stats)?.supervised_tuning_data_stats)?;
    same(stats.tuning_dataset_example_count, Some(6))?;
    let prompts = given(stats.user_input_token_distribution)?;
    ensure!(prompts.mean > Some(0.0), "prompts of no tokens");
    same(
        given(job.tuning_job_metadata)?.completed_epoch_count,
        Some(2),
    )?;
    let checkpoints = given(job.tuned_model)?.checkpoints;
    let epochs: Vec<_> = checkpoints
        .iter()
        .map(|checkpoint| checkpoint.epoch)
        .collect();
    same(epochs, [Some(1), Some(2)])
}

async fn losses(bench: Bench) -> anyhow::Result<()> {
    let job = learnt(&bench, json!({"outputUri": "gs://halden-jobs/tuned"})).await?;
    let lines = bench.get_lines(&given(job.gcs_metrics_uri)?)?;
    let losses = lines
        .iter()
        .filter_map(|line| line["/train_total_loss"].as_f64());
    let losses: Vec<f64> = losses.collect();
    ensure!(
        losses.len() > 1 && losses.last() < losses.first(),
        "{losses:?}"
    );
    Ok(())
}

async fn used(bench: Bench) -> anyhow::Result<()> {
    let model = given(learnt(&bench, json!({})).await?.tuned_model)?;
    let (models, whole) = (bench.client()?.models(), given(model.endpoint)?);
    let early = given(model.checkpoints[0].endpoint.clone())?;
    let ask = |endpoint: &str| models.generate_content(endpoint).set_contents([QUESTION]);
    for endpoint in [&*whole, &*early] {
        let reply = ask(endpoint).send().await?;
        same(reply.body().text().as_deref(), Some("Walnut 4"))?;
    }
    same(text(&chunks(ask(&whole)).await?), "Walnut 4")?;
    let counted = models
        .count_tokens(whole)
        .set_contents(["a b"])
        .send()
        .await?;
    same(counted.into_body().total_tokens, Some(2))
}

async fn model_of_the_project(bench: Bench) -> anyhow::Result<()> {
    let name = model_of(learnt(&bench, json!({})).await?)?;
    let models = bench.client()?.models();
    let model = models.get(&*name).send().await?.into_body();
    same(model.tuned_model_info().base_model.as_deref(), Some(MODEL))?;
    same(model.endpoints().len(), 2)?;
    same(model.default_checkpoint_id.as_deref(), Some("2"))?;
    ensure!(
        own_models(&bench).await?.contains(&name),
        "{name} is not listed"
    );
    let update = models.update(&*name).set_default_checkpoint_id("1");
    let model = update.send().await?.into_body();
    same(model.default_checkpoint_id.as_deref(), Some("1"))?;
    models.delete(&*name).send().await?;
    declined(models.get(name).send().await, 404)
}

async fn preferences(bench: Bench) -> anyhow::Result<()> {
    let name = model_of(learnt(&bench, json!({})).await?)?;
    let config = json!({"method": "PREFERENCE_TUNING", "beta": 0.2});
    let again = tune(&bench, &taught(&bench, 2), &name, config).await?;
    let before = given(
        again
            .pre_tuned_model
            .and_then(|model| model.tuned_model_name),
    )?;
    begins(&name, before)?;
    let again = ended(&bench, again.name).await?;
    ensure!(again.has_succeeded(), "it failed");
    same(again.base_model.as_deref(), Some(MODEL))
}

async fn bad_address(bench: Bench) -> anyhow::Result<()> {
    let dataset = TuningDataset::new().set_gcs_uri("somewhere");
    let call = bench.client()?.tunings().tune(MODEL, dataset);
    refused(call.send().await, 400, "valid dataset URI").map(|_| ())
}

async fn fails(bench: Bench, data: Option<Vec<Value>>, why: &str) -> anyhow::Result<()> {
    if let Some(data) = data {
        bench.put_lines("data.jsonl", &data);
    }
    let job = tune(&bench, "gs://halden-jobs/data.jsonl", MODEL, json!({})).await?;
    let job = ended(&bench, job.name).await?;
    same(job.state.as_ref(), Some(&JobState::Failed))?;
    ensure!(!job.has_succeeded(), "it succeeded");
    among(why, given(given(job.error)?.message)?)
}

async fn distils(bench: Bench) -> anyhow::Result<()> {
    let config = json!({"method": "DISTILLATION", "baseTeacherModel": "gemini-2.5-pro"});
    let job = tune(&bench, &taught(&bench, 6), MODEL, config).await?;
    let job = ended(&bench, job.name).await?;
    ensure!(job.has_succeeded(), "it failed");
    let teacher = given(job.distillation_spec)?.base_teacher_model;
    same(teacher.as_deref(), Some("gemini-2.5-pro"))
}

/// One point for the right answer, and one less than none for another.
fn exact() -> Value {
    let expression = json!({
        "matchOperation": "EXACT_MATCH", "expression": "{{references.answer}}",
    });
    json!({"rewardName": "exact", "stringMatchRewardScorer": {
        "correctAnswerReward": 1.0, "wrongAnswerReward": -1.0, "stringMatchExpression": expression,
    }})
}

async fn reinforces(bench: Bench) -> anyhow::Result<()> {
    let prompt = |text| json!({"contents": [{"role": "user", "parts": [{"text": text}]}]});
    let prompts = bench.put_lines("prompts.jsonl", &["a", "b"].map(prompt));
    let config = json!({
        "method": "REINFORCEMENT_TUNING", "rewardConfig": exact(), "epochCount": 1,
    });
    let job = tune(&bench, &prompts, MODEL, config).await?;
    let job = ended(&bench, job.name).await?;
    ensure!(job.has_succeeded(), "it failed");
    let stats = given(job.tuning_data_stats)?.reinforcement_tuning_data_stats;
    same(given(stats)?.tuning_dataset_example_count, Some(2))
}

/// What an answer to a sum is worth.
fn example() -> anyhow::Result<ReinforcementTuningExample> {
    of(json!({
        "contents": [{"role": "user", "parts": [{"text": "2 + 2?"}]}],
        "references": {"answer": "4"},
    }))
}

/// The reward of one scorer.
fn reward_of(verdict: &ValidateRewardResponse, scorer: &str) -> Option<f64> {
    verdict.reward_info_details.get(scorer)?.reward
}

async fn rewards(bench: Bench, answer: &str, value: f64) -> anyhow::Result<()> {
    let config: SingleReinforcementTuningRewardConfig = of(exact())?;
    let call = bench.client()?.tunings();
    let call = call.validate_reward(Content::model(answer), example()?);
    let verdict = call
        .set_parent(PARENT)
        .set_reward_config(config)
        .send()
        .await?;
    let verdict = verdict.into_body();
    same(verdict.overall_reward, Some(value))?;
    same(reward_of(&verdict, "exact"), Some(value))
}

async fn composite(bench: Bench) -> anyhow::Result<()> {
    let code = json!({
        "rewardName": "code", "codeExecutionRewardScorer": {"pythonCodeSnippet": "1"},
    });
    let weighted = [exact(), code].map(|config| json!({"rewardConfig": config, "weight": 0.5}));
    let config = of(json!({"weightedRewardConfigs": weighted}))?;
    let call = bench.client()?.tunings();
    let call = call
        .validate_reward(Content::model("4"), example()?)
        .set_parent(PARENT);
    let verdict = call
        .set_composite_reward_config(config)
        .send()
        .await?
        .into_body();
    same(verdict.overall_reward, None)?;
    among("code", verdict.error.as_deref().unwrap_or_default())?;
    let status = &given(verdict.reward_info_details.get("code"))?.error_status;
    same(given(status.as_ref())?.code, Some(12))
}

async fn of_the_developer_api(bench: Bench) -> anyhow::Result<()> {
    let name = tuned(&bench, 3).await?;
    same(got(&bench, &name).await?.state, Some(JobState::Running))?;
    let models = bench.client()?.models();
    let ask = |text| models.generate_content(&*name).set_contents([text]).send();
    refused(ask("x").await, 400, "not succeeded")?;
    let job = ended(&bench, Some(name.clone())).await?;
    ensure!(job.has_succeeded(), "it failed");
    same(given(job.tuned_model)?.model.as_ref(), Some(&name))?;
    same(job.base_model, Some(format!("models/{MODEL}")))?;
    let reply = ask("what is the capital of Peru").await?;
    same(reply.body().text().as_deref(), Some("Lima!"))
}

async fn model_of_the_developer_api(bench: Bench) -> anyhow::Result<()> {
    let name = given(ended(&bench, Some(tuned(&bench, 3).await?)).await?.name)?;
    ensure!(
        own_models(&bench).await?.contains(&name),
        "{name} is not listed"
    );
    let models = bench.client()?.models();
    let update = models.update(&*name).set_display_name("towns");
    let model = update
        .set_description("Capitals of the world")
        .send()
        .await?;
    let model = model.into_body();
    same(model.display_name.as_deref(), Some("towns"))?;
    same(model.description.as_deref(), Some("Capitals of the world"))?;
    let model = models.get(&*name).send().await?.into_body();
    same(model.display_name.as_deref(), Some("towns"))?;
    models.delete(&*name).send().await?;
    declined(models.get(name).send().await, 403)
}

async fn gets_unknown(bench: Bench) -> anyhow::Result<()> {
    let (name, code) = absent(&bench);
    declined(bench.client()?.tunings().get(name).send().await, code)
}

async fn cancels(bench: Bench) -> anyhow::Result<()> {
    let name = begun(&bench, 90).await?;
    bench.client()?.tunings().cancel(&*name).send().await?;
    let job = got(&bench, &name).await?;
    same((job.has_ended(), job.has_succeeded()), (true, false))
}

async fn cancels_unknown(bench: Bench) -> anyhow::Result<()> {
    let (name, code) = absent(&bench);
    declined(bench.client()?.tunings().cancel(name).send().await, code)
}

async fn lists(bench: Bench, size: u8) -> anyhow::Result<()> {
    let uri = taught(&bench, 6);
    let mut names = Vec::new();
    for _ in 0..3 {
        names.push(tune(&bench, &uri, MODEL, json!({})).await?.name);
    }
    let list = bench.client()?.tunings().list().set_page_size(size.into());
    let jobs = paged(list.items(), size.into()).await?;
    same(sorted(jobs.into_iter().map(|job| job.name)), sorted(names))
}

async fn filters(bench: Bench) -> anyhow::Result<()> {
    let uri = taught(&bench, 6);
    for name in ["words", "numbers"] {
        tune(&bench, &uri, MODEL, json!({"tunedModelDisplayName": name})).await?;
    }
    let list = bench.client()?.tunings().list();
    let list = list.set_filter(r#"tuned_model_display_name="words""#);
    let jobs = list.items().collect_all().await?;
    let names = jobs.into_iter().map(|job| job.tuned_model_display_name);
    same(sorted(names), ["words"])
}
