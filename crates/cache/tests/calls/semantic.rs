//! Answers to requests that mean the same.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use gimmal_cache::{
    Answer, CallOptions, Embedder, Failure, Fresh, KeyRequest, Provenance, Selector, SemanticTier,
    Tier,
};

use crate::common::{Setup, seconds, setup_with};

/// Counts letters: the same words in another order mean the same, and nearly so do nearly the same.
#[derive(Debug)]
struct Letters;

impl Embedder for Letters {
    fn embed<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Option<Vec<f32>>> {
        let count = |letter: char| text.to_lowercase().matches(letter).count() as f32;
        let vector = ('a'..='z').map(count).collect();
        async move { Some(vector) }.boxed()
    }
}

fn setup() -> Setup {
    setup_with(|builder| builder.with_semantic(SemanticTier::new(Letters)))
}

fn ask<'a>(tenant: &'a str, question: &'a str) -> KeyRequest<'a> {
    KeyRequest::new("qa")
        .with_namespace(tenant)
        .with_text("the document")
        .with_question(question)
}

async fn answer(setup: &Setup, request: &KeyRequest<'_>, options: CallOptions) -> Answer {
    let compute = || async { Ok::<_, Failure<()>>(Fresh::json("computed").unwrap()) };
    let answer = setup.cache.get_or_compute(request, options, compute).await;
    answer.unwrap()
}

async fn provenance(setup: &Setup, request: &KeyRequest<'_>) -> Provenance {
    answer(setup, request, CallOptions::new()).await.provenance
}

/// Covers: Z1
#[tokio::test]
async fn z1_a_question_in_other_words_is_answered_within_the_tenant() {
    let setup = setup();
    let first = ask("red", "Which rings are gimmals, of the 3?");
    assert_eq!(provenance(&setup, &first).await, Provenance::Fresh);

    let other_words = "Of the 3 rings, which are gimmals?";
    let similar = answer(&setup, &ask("red", other_words), CallOptions::new()).await;
    assert_eq!(similar.provenance, Provenance::Hit(Tier::Semantic));
    assert!(similar.similarity.unwrap() > 0.95);

    let other_tenant = ask("blue", other_words);
    assert_eq!(provenance(&setup, &other_tenant).await, Provenance::Fresh);
    let other_number = ask("red", "Of the 4 rings, which are gimmals?");
    assert_eq!(provenance(&setup, &other_number).await, Provenance::Fresh);
    let other_text = ask("red", other_words).with_text("another document");
    assert_eq!(provenance(&setup, &other_text).await, Provenance::Fresh);
    let other_operation = KeyRequest::new("translate").with_text("rings are gimmals");
    assert_eq!(
        provenance(&setup, &other_operation).await,
        Provenance::Fresh
    );
    let again = KeyRequest::new("translate").with_text("gimmals are rings");
    assert_eq!(provenance(&setup, &again).await, Provenance::Fresh);
}

#[tokio::test]
async fn an_exact_answer_may_be_asked_for() {
    let setup = setup();
    provenance(&setup, &ask("red", "Which rings are gimmals?")).await;
    let exact = CallOptions::new().exact_only();
    let request = ask("red", "Which gimmals are rings?");
    let answer = answer(&setup, &request, exact).await;
    assert_eq!(answer.provenance, Provenance::Fresh);
}

#[tokio::test]
async fn an_answer_that_is_gone_serves_nobody() {
    let setup = setup();
    let other_words = ask("red", "Which gimmals are rings?");
    provenance(&setup, &ask("red", "Which rings are gimmals?")).await;
    setup.clock.advance(seconds(1));
    setup
        .cache
        .invalidate(&Selector::Namespace("red".into()))
        .await;
    setup.clock.advance(seconds(1));
    assert_eq!(provenance(&setup, &other_words).await, Provenance::Fresh);
}

#[tokio::test]
async fn a_tier_on_trial_serves_nothing_and_tells_what_it_would_have_served() {
    let tier = SemanticTier::new(Letters).on_trial();
    let setup = setup_with(|builder| builder.with_semantic(tier.clone()));
    let first = ask("red", "Which rings are gimmals?");
    assert_eq!(provenance(&setup, &first).await, Provenance::Fresh);
    assert!(tier.trials().is_empty());

    let other_words = ask("red", "Which gimmals are rings?");
    let compute = || async { Ok::<_, Failure<()>>(Fresh::json("something else").unwrap()) };
    let options = CallOptions::new();
    let other = setup
        .cache
        .get_or_compute(&other_words, options, compute)
        .await;
    assert_eq!(other.unwrap().provenance, Provenance::Fresh);

    let [trial] = tier.trials().try_into().unwrap();
    assert_eq!(trial.key, setup.cache.key(&other_words));
    assert_eq!(trial.nearest, setup.cache.key(&first));
    assert_eq!(trial.offered.parse::<String>().unwrap(), "computed");
    assert_eq!(trial.answered.parse::<String>().unwrap(), "something else");
    assert!(trial.similarity > 0.95 && !trial.is_equal());

    let exact = CallOptions::new().exact_only();
    let third = ask("red", "Are gimmals which rings?");
    answer(&setup, &third, exact).await;
    assert_eq!(tier.trials().len(), 1, "it was not to be served anyway");
}
