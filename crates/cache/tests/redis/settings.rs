//! Settings are checked before anything connects, and secrets are not shown.

use gimmal_cache::{RedisCache, RedisConfigError};

/// Covers: X2
#[test]
fn x2_credentials_are_not_shown() {
    let builder = RedisCache::builder("redis://alice:hunter2@127.0.0.1:1")
        .with_password("swordfish".to_owned().into());
    let shown = format!("{builder:?} {:?}", builder.clone().build().unwrap());
    assert!(
        !shown.contains("hunter2") && !shown.contains("swordfish"),
        "{shown}"
    );
    let error = RedisCache::builder("redis://:hunter2@[")
        .build()
        .unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

/// Covers: X3
#[test]
fn x3_production_refuses_to_talk_in_the_clear() {
    let build = |url: &str| -> Result<(), RedisConfigError> {
        let builder = RedisCache::builder(url).with_required_tls();
        builder.build().map(drop)
    };
    for url in [
        "redis://cache.example",
        "redis://10.0.0.7:6379/2",
        "redis+cluster://cache",
    ] {
        let error = build(url).unwrap_err().to_string();
        assert!(error.contains("no TLS"), "{error}");
        assert!(RedisCache::builder(url).build().is_ok());
    }
    for url in [
        "redis://localhost",
        "redis://127.0.0.1:6379",
        "redis://[::1]",
        "unix:///tmp/r",
    ] {
        build(url).unwrap();
    }
    #[cfg(not(feature = "redis-tls"))]
    assert!(build("rediss://cache.example").is_err());
    #[cfg(feature = "redis-tls")]
    build("rediss://cache.example").unwrap();
}

#[test]
fn malformed_addresses_name_the_fix() {
    for url in ["", "localhost", "http://localhost", "redis://"] {
        let Err(error) = RedisCache::builder(url).build() else {
            continue;
        };
        assert!(error.to_string().contains("redis://"), "{url}: {error}");
    }
}

#[test]
fn the_time_to_connect_of_the_settings_is_that_of_the_store() {
    let mut config = gimmal_cache::CacheConfig::default();
    config.redis_url = Some("redis://localhost".to_owned().into());
    config.connection_timeout_seconds = 7;
    let shown = format!("{:?}", config.redis().unwrap());
    assert!(shown.contains("connect: 7s"), "{shown}");
}
