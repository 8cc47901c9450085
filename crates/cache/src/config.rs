//! Settings of a whole cache as data: presets, a file, checks that find every mistake at once.
//!
//! It opens no file and reads no environment by itself; both are handed in.

mod preset;
mod suggest;
mod validate;

use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

pub use preset::{Preset, Strategy, TextTier, TextTiers};
pub use suggest::Suggestion;
pub use validate::{ConfigErrors, Violation};

use crate::frame::{Compression, FrameCodec};
use crate::memory::{MemoryCache, MemoryCacheBuilder};
use crate::ttl::{Ttl, TtlTable};

/// Settings of a cache.
///
/// ```
/// use gimmal_cache::{CacheConfig, Preset};
///
/// let config = CacheConfig::of(Preset::AiProduction);
/// assert_eq!(config.default_ttl_seconds, 14_400);
/// config.validate()?;
/// # Ok::<(), gimmal_cache::ConfigErrors>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CacheConfig {
    /// The preset from which the rest is taken.
    pub preset: Preset,
    /// The shared store; none is memory alone. It may hold a password, so `Debug` hides it.
    pub redis_url: Option<SecretString>,
    /// How long answers of operations without a time of their own live, in seconds.
    pub default_ttl_seconds: u64,
    /// How long answers of an operation live, in seconds.
    pub operation_ttls_seconds: std::collections::BTreeMap<String, u64>,
    /// Entries in memory.
    pub l1_entries: usize,
    /// Bytes from which on answers are compressed.
    pub compression_threshold: usize,
    /// How hard to compress, from 1 to 9.
    pub compression_level: u32,
    /// Characters above which legacy keys hash the text.
    pub text_hash_threshold: usize,
    /// Sizes of texts, for statistics.
    pub text_tiers: TextTiers,
    /// Time to connect, in seconds.
    pub connection_timeout_seconds: u64,
    /// Whether what the cache does is recorded.
    pub is_monitored: bool,
    /// Whether a connection in the clear to another machine is accepted in production.
    pub allow_plaintext: bool,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self::of(Preset::Simple)
    }
}

impl CacheConfig {
    /// The settings of a preset.
    #[must_use]
    pub fn of(preset: Preset) -> Self {
        let values = preset.values();
        let operations = values.operation_ttls.iter();
        Self {
            preset,
            redis_url: None,
            default_ttl_seconds: values.ttl_seconds,
            operation_ttls_seconds: operations
                .map(|(operation, seconds)| ((*operation).to_owned(), *seconds))
                .collect(),
            l1_entries: values.l1_entries,
            compression_threshold: values.compression_threshold,
            compression_level: values.compression_level,
            text_hash_threshold: values.text_hash_threshold,
            text_tiers: values.text_tiers,
            connection_timeout_seconds: values.connection_timeout_seconds,
            is_monitored: values.is_monitored,
            allow_plaintext: false,
        }
    }

    /// Settings for web applications: half an hour, 200 entries in memory.
    #[must_use]
    pub fn web() -> Self {
        Self {
            default_ttl_seconds: 1_800,
            l1_entries: 200,
            compression_threshold: 2_000,
            ..Self::of(Preset::Simple)
        }
    }

    /// Settings for applications that ask models: an hour, 100 entries in memory.
    #[must_use]
    pub fn ai() -> Self {
        Self {
            text_hash_threshold: 500,
            ..Self::of(Preset::Simple)
        }
    }

    /// Settings for tests: a minute, 50 entries.
    #[must_use]
    pub fn testing() -> Self {
        Self {
            default_ttl_seconds: 60,
            l1_entries: 50,
            compression_level: 1,
            ..Self::of(Preset::Simple)
        }
    }

    /// Reads TOML over the preset that it names.
    ///
    /// # Errors
    ///
    /// If it is no TOML of this shape, or [`CacheConfig::validate`] finds mistakes.
    pub fn from_toml(text: &str) -> Result<Self, ConfigErrors> {
        let malformed = |error: toml::de::Error| ConfigErrors::of("toml", error.message());
        let given: toml::Table = text.parse().map_err(malformed)?;
        let preset = match given.get("preset").and_then(toml::Value::as_str) {
            Some(name) => name.parse()?,
            None => Preset::Simple,
        };
        let mut table = Self::of(preset).to_table();
        for (name, value) in given {
            match (table.get_mut(&name), value) {
                (Some(toml::Value::Table(known)), toml::Value::Table(more)) => known.extend(more),
                (_, value) => drop(table.insert(name, value)),
            }
        }
        let config: Self = table.try_into().map_err(malformed)?;
        config.validate()?;
        Ok(config)
    }

    /// Takes over what the environment says: `GIMMAL_CACHE_REDIS_URL` (or `REDIS_URL`),
    /// `CACHE_TTL` and `CACHE_COMPRESSION_THRESHOLD`. The preset comes from `GIMMAL_CACHE_PRESET`,
    /// and settings in TOML from `GIMMAL_CACHE_CONFIG`, which wins.
    ///
    /// # Errors
    ///
    /// If a variable cannot be understood, or [`CacheConfig::validate`] finds mistakes.
    pub fn from_env(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigErrors> {
        if let Some(text) = variable("GIMMAL_CACHE_CONFIG") {
            return Self::from_toml(&text);
        }
        let mut config = match variable("GIMMAL_CACHE_PRESET") {
            Some(name) => Self::of(name.parse()?),
            None => Self::default(),
        };
        let number = |name: &str| match variable(name) {
            None => Ok(None),
            Some(text) => match text.trim().parse::<u64>() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(ConfigErrors::of(name, "is no whole number")),
            },
        };
        if let Some(url) = variable("GIMMAL_CACHE_REDIS_URL").or_else(|| variable("REDIS_URL")) {
            config.redis_url = Some(url.into());
        }
        if let Some(seconds) = number("CACHE_TTL")? {
            config.default_ttl_seconds = seconds;
        }
        if let Some(bytes) = number("CACHE_COMPRESSION_THRESHOLD")? {
            config.compression_threshold = usize::try_from(bytes).unwrap_or(usize::MAX);
        }
        config.validate()?;
        Ok(config)
    }

    /// Lifetimes, for [`AiCacheBuilder::with_ttls`](crate::AiCacheBuilder::with_ttls). Values out
    /// of range are taken as the nearest that is allowed.
    pub fn ttls(&self) -> TtlTable {
        let ttl = |seconds: u64| {
            let range = Ttl::MIN.as_duration()..=Ttl::MAX.as_duration();
            let duration = Duration::from_secs(seconds);
            Ttl::new(duration.clamp(*range.start(), *range.end())).unwrap_or(Ttl::MAX)
        };
        let table = TtlTable::new(ttl(self.default_ttl_seconds));
        let operations = self.operation_ttls_seconds.iter();
        operations.fold(table, |table, (operation, seconds)| {
            table.with_operation(operation, ttl(*seconds))
        })
    }

    /// How entries are written.
    pub fn codec(&self) -> FrameCodec {
        // Three levels of zstd stand for nine of zlib.
        let level = match self.compression_level {
            ..=3 => 1,
            4..=6 => 3,
            _ => 6,
        };
        let compression = Compression::zstd()
            .with_threshold(self.compression_threshold)
            .with_level(level);
        FrameCodec::new().with_compression(compression)
    }

    /// The cache in memory.
    pub fn memory(&self) -> MemoryCacheBuilder {
        MemoryCache::builder().with_max_entries(self.l1_entries)
    }

    /// The cache in Redis, if there is to be one. In production it refuses connections in the clear
    /// to other machines, unless they are allowed.
    #[cfg(feature = "redis")]
    #[must_use]
    pub fn redis(&self) -> Option<crate::RedisCacheBuilder> {
        use secrecy::ExposeSecret;

        let url = self.redis_url.as_ref()?;
        let connect = Duration::from_secs(self.connection_timeout_seconds);
        let builder = crate::RedisCache::builder(url.expose_secret())
            .with_codec(self.codec())
            .with_connect_timeout(connect);
        Some(match self.preset.is_production() && !self.allow_plaintext {
            true => builder.with_required_tls(),
            false => builder,
        })
    }

    /// The cache that these settings describe.
    ///
    /// # Errors
    ///
    /// If [`CacheConfig::validate`] finds mistakes, or the address of the store is refused.
    pub fn build(&self) -> Result<crate::SharedCache, ConfigErrors> {
        self.validate()?;
        if self.preset == Preset::Disabled {
            return Ok(crate::SharedCache::new(crate::NullCache));
        }
        let l1 = self.memory().build();
        #[cfg(feature = "redis")]
        if let Some(builder) = self.redis() {
            let refused =
                |error: crate::RedisConfigError| ConfigErrors::of("redis_url", &error.to_string());
            let l2 = builder.build().map_err(refused)?;
            return Ok(crate::SharedCache::new(crate::TieredCache::new(l1, l2)));
        }
        #[cfg(not(feature = "redis"))]
        if self.redis_url.is_some() {
            return Err(ConfigErrors::of("redis_url", "needs the feature `redis`"));
        }
        Ok(crate::SharedCache::new(l1))
    }

    /// The settings that TOML may replace.
    fn to_table(&self) -> toml::Table {
        let mut table = toml::Table::new();
        let mut put = |name: &str, value: toml::Value| table.insert(name.to_owned(), value);
        let number = |value: usize| toml::Value::Integer(value as i64);
        put(
            "default_ttl_seconds",
            toml::Value::Integer(self.default_ttl_seconds as i64),
        );
        let ttls = self.operation_ttls_seconds.iter();
        let ttls =
            ttls.map(|(name, seconds)| (name.clone(), toml::Value::Integer(*seconds as i64)));
        put("operation_ttls_seconds", toml::Value::Table(ttls.collect()));
        put("l1_entries", number(self.l1_entries));
        put("compression_threshold", number(self.compression_threshold));
        put("compression_level", number(self.compression_level as usize));
        put("text_hash_threshold", number(self.text_hash_threshold));
        let tiers = [
            ("small", self.text_tiers.small),
            ("medium", self.text_tiers.medium),
            ("large", self.text_tiers.large),
        ];
        let tiers = tiers.map(|(name, size)| (name.to_owned(), number(size)));
        put(
            "text_tiers",
            toml::Value::Table(tiers.into_iter().collect()),
        );
        let timeout = self.connection_timeout_seconds as i64;
        put("connection_timeout_seconds", toml::Value::Integer(timeout));
        put("is_monitored", toml::Value::Boolean(self.is_monitored));
        put(
            "allow_plaintext",
            toml::Value::Boolean(self.allow_plaintext),
        );
        table
    }
}
