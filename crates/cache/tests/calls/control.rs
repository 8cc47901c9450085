//! What a call may ask of the cache, and what the cache refuses by its own rules.

use gimmal_cache::{
    Admission, CallError, CallOptions, Fresh, KeyRequest, KeySecret, MissReason, Mode, Provenance,
    ResponseCache,
};

use crate::common::{number, request, seconds, setup, setup_with};

/// Covers: A1
#[tokio::test]
async fn a1_placeholders_are_given_but_not_stored() {
    let setup = setup();
    let degraded = |number| Ok(Fresh::json(&number).unwrap().degraded());
    assert_eq!(
        number(&setup.ask_with(CallOptions::new(), degraded).await),
        1
    );
    assert_eq!(number(&setup.ask(CallOptions::new()).await), 2);
    let cut = |_| {
        let reply = serde_json::json!({"candidates": [{"finishReason": "MAX_TOKENS"}]});
        Ok(Fresh::json(&reply).unwrap())
    };
    let options = CallOptions::new().without_read();
    setup.ask_with(options, cut).await.unwrap();
    assert_eq!(number(&setup.ask(CallOptions::new()).await), 2);
    assert_eq!(setup.cache.call_stats().not_stored, 2);
}

/// Covers: A2
#[tokio::test]
async fn a2_a_call_decides_whether_to_read_and_write() {
    let setup = setup();
    let new = CallOptions::new;
    let missing = setup.ask(new().only_if_cached()).await.unwrap_err();
    assert!(matches!(
        missing,
        CallError::NotCached(MissReason::NotFound)
    ));
    assert_eq!(setup.calls(), 0);

    assert_eq!(number(&setup.ask(new().without_write()).await), 1);
    assert_eq!(number(&setup.ask(new()).await), 2, "nothing was written");
    assert_eq!(number(&setup.ask(new().without_write()).await), 2);
    assert_eq!(number(&setup.ask(new().without_read()).await), 3);
    assert_eq!(
        number(&setup.ask(new()).await),
        3,
        "the newer one was written"
    );

    let bypass = setup.ask(new().bypass()).await;
    assert_eq!(number(&bypass), 4);
    assert_eq!(bypass.unwrap().provenance, Provenance::Bypassed);
    assert_eq!(number(&setup.ask(new()).await), 3);

    setup.clock.advance(seconds(10));
    let five = || new().with_max_age(seconds(5));
    let old = setup.ask(five().only_if_cached()).await.unwrap_err();
    assert!(matches!(old, CallError::NotCached(MissReason::TooOld)));
    assert_eq!(number(&setup.ask(five()).await), 5);
    let cached = setup.ask(five().only_if_cached()).await;
    assert_eq!(number(&cached), 5);
}

/// Covers: A3
#[tokio::test]
async fn a3_a_tenant_that_was_forgotten_reads_nothing() {
    let setup = setup_with(|builder| builder.with_required_namespace());
    for expected in 1..=2 {
        let answer = setup.ask(CallOptions::new()).await;
        assert_eq!(number(&answer), expected);
        assert_eq!(answer.unwrap().provenance, Provenance::Bypassed);
    }
    let stats = setup.cache.call_stats();
    assert_eq!((stats.bypassed, stats.without_namespace), (2, 2));
    assert!(setup.cache.store().is_empty());

    let request = request().with_namespace("tenant");
    let compute = || async { Ok::<_, gimmal_cache::Failure<()>>(Fresh::json("a").unwrap()) };
    for is_cached in [false, true] {
        let options = CallOptions::new();
        let answer = setup.cache.get_or_compute(&request, options, compute).await;
        assert_eq!(answer.unwrap().is_cached(), is_cached);
    }
}

#[tokio::test]
async fn rules_of_the_deployment_bypass_the_cache() {
    let hot = setup_with(|builder| {
        builder.with_admission(Admission::default().with_max_temperature(0.5))
    });
    let ask = async |request: KeyRequest<'_>| {
        let compute = || async { Ok::<_, gimmal_cache::Failure<()>>(Fresh::json("a").unwrap()) };
        let options = CallOptions::new();
        let answer = hot.cache.get_or_compute(&request, options, compute).await;
        answer.unwrap().provenance
    };
    assert_eq!(
        ask(request().with_option("temperature", 0.7)).await,
        Provenance::Bypassed
    );
    assert_eq!(
        ask(request().with_option("temperature", 0.5)).await,
        Provenance::Fresh
    );
    assert_eq!(ask(request()).await, Provenance::Fresh);

    let private = setup_with(|builder| builder.with_admit(|it| !it.text().contains("gimmal")));
    let answer = private.ask(CallOptions::new()).await.unwrap();
    assert_eq!(answer.provenance, Provenance::Bypassed);

    let quiet = setup_with(|builder| builder.with_mode(Mode::OnRequest));
    let answer = quiet.ask(CallOptions::new()).await.unwrap();
    assert_eq!(answer.provenance, Provenance::Bypassed);
    for expected in [2, 2] {
        assert_eq!(
            number(&quiet.ask(CallOptions::new().opt_in()).await),
            expected
        );
    }
}

#[tokio::test]
async fn a_secret_of_the_deployment_is_in_every_key() {
    let secret = KeySecret::new(vec![7; 32]);
    let setup = setup_with(|builder| builder.with_secret(secret.clone()));
    setup.ask(CallOptions::new()).await.unwrap();
    let store = setup.cache.store();
    assert!(store.exists(&request().key_with(&secret)).await);
    assert!(!store.exists(&request().key()).await);
}
