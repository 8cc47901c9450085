//! Presets against their table, and mistakes found all at once.

use std::collections::HashMap;
use std::time::Duration;

use gimmal_cache::{
    CacheConfig, KeyRequest, Lifetime, Preset, ResponseCache, Strategy, Suggestion, TextTiers,
};

/// Covers: P1
#[test]
fn p1_presets_have_the_values_of_the_table() {
    use Strategy::{AiOptimized, Balanced, Fast, Robust};
    for (name, strategy, ttl, timeout, l1, threshold, level, is_monitored) in [
        ("disabled", Fast, 300, 1, 10, 10_000, 1, false),
        ("minimal", Fast, 900, 3, 25, 5_000, 1, false),
        ("simple", Balanced, 3_600, 5, 100, 1_000, 6, true),
        ("development", Fast, 600, 2, 50, 2_000, 3, true),
        ("production", Robust, 7_200, 10, 500, 500, 9, true),
        ("ai-development", AiOptimized, 1_800, 5, 100, 1_000, 6, true),
        (
            "ai-production",
            AiOptimized,
            14_400,
            15,
            1_000,
            300,
            9,
            true,
        ),
    ] {
        let preset: Preset = name.parse().unwrap();
        let config = CacheConfig::of(preset);
        assert_eq!(preset.strategy(), strategy);
        assert_eq!(config.default_ttl_seconds, ttl, "{name}");
        assert_eq!(config.connection_timeout_seconds, timeout, "{name}");
        assert_eq!(config.l1_entries, l1, "{name}");
        assert_eq!(config.compression_threshold, threshold, "{name}");
        assert_eq!(config.compression_level, level, "{name}");
        assert_eq!(config.is_monitored, is_monitored, "{name}");
        config.validate().unwrap();
    }
    let tiers = |preset| CacheConfig::of(preset).text_tiers;
    let sizes = |small, medium, large| TextTiers {
        small,
        medium,
        large,
    };
    assert_eq!(tiers(Preset::AiDevelopment), sizes(500, 2_000, 10_000));
    assert_eq!(tiers(Preset::AiProduction), sizes(1_000, 5_000, 25_000));
    let config = CacheConfig::of(Preset::AiDevelopment);
    assert_eq!(config.text_hash_threshold, 500);
    let ttl = config.ttls().resolve("questions", Lifetime::OfOperation);
    assert_eq!(ttl.unwrap().as_duration(), Duration::from_secs(1_500));
    let ttl = config.ttls().resolve("other", Lifetime::OfOperation);
    assert_eq!(ttl.unwrap().as_duration(), Duration::from_secs(1_800));
}

/// Covers: P1
#[test]
fn p1_environments_suggest_a_preset() {
    for (name, preset, confidence) in [
        ("development", Preset::Development, 0.95),
        ("dev", Preset::Development, 0.90),
        ("testing", Preset::Development, 0.85),
        ("staging", Preset::Production, 0.90),
        ("stage", Preset::Production, 0.85),
        ("PRODUCTION", Preset::Production, 0.95),
        ("live", Preset::Production, 0.85),
        ("ai-development", Preset::AiDevelopment, 0.95),
        ("ai-prod", Preset::AiProduction, 0.90),
        ("my-ai-prod-eu", Preset::AiProduction, 0.80),
        ("ai-sandbox", Preset::AiDevelopment, 0.75),
        ("eu-staging-2", Preset::Production, 0.70),
        ("uat", Preset::Production, 0.70),
        ("localhost", Preset::Development, 0.75),
        ("main", Preset::Production, 0.75),
        ("banana", Preset::Simple, 0.40),
    ] {
        let found = Suggestion::for_environment(name);
        assert_eq!(found.preset, preset, "{name}");
        assert!((found.confidence - confidence).abs() < 1e-9, "{name}");
    }
}

/// Covers: P2
#[test]
fn p2_every_mistake_is_named_at_once() {
    let text = r#"
        preset = "ai-production"
        default_ttl_seconds = 0
        compression_level = 12
        [operation_ttls_seconds]
        qa = 99999999
        [text_tiers]
        small = 9000
    "#;
    let error = CacheConfig::from_toml(text).unwrap_err();
    let paths: Vec<_> = error
        .violations()
        .iter()
        .map(|it| it.path.as_str())
        .collect();
    assert_eq!(
        paths,
        [
            "default_ttl_seconds",
            "operation_ttls_seconds.qa",
            "compression_level",
            "text_tiers",
        ]
    );
    let shown = error.to_string();
    assert!(shown.contains("compression_level is 12: choose between 1 and 9"));
}

#[test]
fn a_file_changes_what_it_names_and_nothing_else() {
    let text = "preset = \"production\"\nl1_entries = 7\n[operation_ttls_seconds]\nqa = 60";
    let config = CacheConfig::from_toml(text).unwrap();
    assert_eq!((config.l1_entries, config.default_ttl_seconds), (7, 7_200));
    assert_eq!(config.operation_ttls_seconds["qa"], 60);
    assert_eq!(config.operation_ttls_seconds["sentiment"], 86_400);
    for wrong in [
        "preset = \"prod\"",
        "colour = 1",
        "l1_entries = \"many\"",
        "=",
    ] {
        assert!(CacheConfig::from_toml(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn the_environment_is_read_as_it_is_given() {
    let read = |variables: &[(&str, &str)]| {
        let variables: HashMap<_, _> = variables.iter().copied().collect();
        CacheConfig::from_env(|name| variables.get(name).map(|&value| value.to_owned()))
    };
    let config = read(&[
        ("GIMMAL_CACHE_PRESET", "ai-production"),
        ("REDIS_URL", "redis://:hunter2@localhost"),
        ("CACHE_TTL", "120"),
    ]);
    let config = config.unwrap();
    assert_eq!(
        (config.l1_entries, config.default_ttl_seconds),
        (1_000, 120)
    );
    assert!(config.redis_url.is_some());
    assert!(!format!("{config:?}").contains("hunter2"));
    let error = read(&[("CACHE_TTL", "soon")]).unwrap_err();
    assert_eq!(error.violations()[0].path, "CACHE_TTL");
    let error = read(&[("CACHE_COMPRESSION_THRESHOLD", "5")]).unwrap_err();
    assert_eq!(error.violations()[0].path, "compression_threshold");
}

#[tokio::test]
async fn settings_become_a_cache() {
    let key = KeyRequest::new("qa").key();
    let entry = || {
        let value = gimmal_cache::Value::bytes("v");
        gimmal_cache::Entry::new(value, gimmal_cache::Timestamp::default())
    };
    let memory = CacheConfig::testing().build().unwrap();
    assert!(memory.set(&key, entry()).await.is_stored());
    let disabled = CacheConfig::of(Preset::Disabled).build().unwrap();
    assert!(!disabled.set(&key, entry()).await.is_stored());
}

/// Covers: X3
#[cfg(feature = "redis")]
#[tokio::test]
async fn x3_a_production_preset_wants_tls() {
    let mut config = CacheConfig::of(Preset::Production);
    config.redis_url = Some("redis://cache.example".to_owned().into());
    let error = config.build().unwrap_err();
    assert_eq!(error.violations()[0].path, "redis_url");
    config.allow_plaintext = true;
    config.build().unwrap();
}
