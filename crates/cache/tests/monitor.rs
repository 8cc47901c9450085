//! What the monitor sees, when it warns, what it advises and what it exports.

use std::sync::Arc;
use std::time::Duration;

use gimmal_cache::testing::{ManualClock, contract};
use gimmal_cache::{
    AlertLevel, Clock, Entry, InvalidationReport, KeyRequest, Lookup, MemoryCache, MissReason,
    Monitor, Monitored, Namespaced, ResponseCache, Selector, Severity, Thresholds, Timed, Trend,
    Value,
};

fn setup() -> (Monitor, ManualClock) {
    let clock = ManualClock::new();
    let hour = Duration::from_secs(3_600);
    let monitor = Monitor::with_settings(Thresholds::default(), hour, Arc::new(clock.clone()));
    (monitor, clock)
}

fn millis(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn invalidate(monitor: &Monitor, times: u64) {
    let report = InvalidationReport::of_memory(1, Duration::ZERO);
    for _ in 0..times {
        monitor.record_invalidation(&Selector::operation("qa"), "test", &report);
    }
}

/// Covers: C1, C2, C7, C8, I1, I5
#[tokio::test]
async fn a_cache_that_is_watched_keeps_the_contract() {
    let cache = |clock: ManualClock| MemoryCache::builder().with_clock(Arc::new(clock)).build();
    contract(async |clock| Monitored::new(cache(clock), Monitor::new())).await;
}

#[tokio::test]
async fn tenants_neither_see_nor_invalidate_each_other() {
    let clock = ManualClock::new();
    let shared = MemoryCache::builder()
        .with_clock(Arc::new(clock.clone()))
        .build();
    let tenant = |name: &str| Namespaced::new(shared.clone(), name);
    let (red, blue) = (tenant("red"), tenant("blue *"));
    let key = KeyRequest::new("qa").with_text("t").key();
    let entry = |content: &'static str| Entry::new(Value::bytes(content), clock.timestamp());
    red.set(&key, entry("red")).await;
    assert!(!blue.exists(&key).await && !shared.exists(&key).await);
    blue.set(&key, entry("blue")).await;
    for selector in [
        Selector::All,
        Selector::operation("qa"),
        Selector::glob("*:*").unwrap(),
        Selector::Namespace("red".into()),
        Selector::Key(key.clone()),
    ] {
        blue.invalidate(&selector).await;
        assert!(!blue.exists(&key).await, "{selector:?}");
        let hit = red.get(&key).await.into_hit().unwrap();
        assert_eq!(hit.value(), &Value::bytes("red"));
        clock.advance(millis(1));
        blue.set(&key, entry("blue")).await;
        assert!(blue.get_near(&key).await.is_some());
    }
}

/// Covers: M1
#[tokio::test]
async fn m1_writes_do_not_count_as_reads() {
    let (monitor, clock) = setup();
    let cache = Monitored::with_clock(
        MemoryCache::new(10),
        monitor.clone(),
        Arc::new(clock.clone()),
    );
    let key = KeyRequest::new("qa").key();
    let entry = Entry::new(Value::bytes("v"), clock.timestamp());
    cache.set(&key, entry.clone()).await;
    cache.set(&key, entry).await;
    assert!(cache.get(&key).await.is_hit());
    let report = monitor.report();
    assert_eq!(report.total_operations(), 3);
    assert!((report.hit_ratio() - 1.0).abs() < f64::EPSILON);
    assert!(report.bytes > 0 && report.entries == 1);
}

/// Covers: M2
#[test]
fn m2_many_invalidations_are_an_alert() {
    let (monitor, clock) = setup();
    for (more, level) in [
        (49, AlertLevel::Normal),
        (1, AlertLevel::Warning),
        (49, AlertLevel::Warning),
        (1, AlertLevel::Critical),
    ] {
        invalidate(&monitor, more);
        assert_eq!(monitor.report().invalidation_alert, level);
    }
    clock.advance(Duration::from_secs(3_601));
    assert_eq!(monitor.report().invalidation_alert, AlertLevel::Normal);
    assert_eq!(monitor.report().invalidations, 100);
}

/// Covers: M3
#[test]
fn m3_much_memory_is_an_alert() {
    let (monitor, _clock) = setup();
    for (bytes, level) in [
        ((50 << 20) - 1, AlertLevel::Normal),
        (50 << 20, AlertLevel::Warning),
        ((100 << 20) - 1, AlertLevel::Warning),
        (100 << 20, AlertLevel::Critical),
    ] {
        monitor.record_size(1, bytes);
        assert_eq!(monitor.report().memory_alert, level, "{bytes}");
    }
}

/// Covers: M4
#[test]
fn m4_what_is_older_than_the_window_is_forgotten() {
    let (monitor, clock) = setup();
    monitor.record_time(Timed::Get, "qa", millis(7));
    clock.advance(Duration::from_secs(3_601));
    monitor.record_time(Timed::Get, "qa", millis(3));
    let times = monitor.report().operations["qa"].times["get"];
    assert_eq!(times.count, 1);
    assert!((times.max_seconds - 0.003).abs() < 1e-9);
}

/// Covers: M5
#[test]
fn m5_slow_is_above_the_threshold() {
    let (monitor, _clock) = setup();
    monitor.record_time(Timed::Get, "qa", millis(50));
    monitor.record_time(Timed::Key, "qa", millis(100));
    assert_eq!(monitor.report().slow, 0);
    monitor.record_time(Timed::Get, "qa", millis(51));
    monitor.record_time(Timed::Key, "qa", millis(101));
    assert_eq!(monitor.report().slow, 2);
    let events = monitor.to_json()["slow_events"].clone();
    assert_eq!(events[0]["what"], "get");
    assert_eq!(events[1]["duration"], 0.101);
}

/// Covers: M6
#[test]
fn m6_exports_say_what_was_counted() {
    let (monitor, _clock) = setup();
    for duration in [10, 20, 30] {
        monitor.record_time(Timed::Get, "q\"a", millis(duration));
    }
    monitor.record_time(Timed::Key, "q\"a", millis(1));
    for _ in 0..3 {
        monitor.record_lookup("q\"a", &Lookup::Miss(MissReason::NotFound));
    }
    monitor.record_compression(1_000, 400);
    monitor.record_size(2, 2_048);
    invalidate(&monitor, 2);

    let text = monitor.to_json().to_string();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["cache_misses"], 3);
    assert_eq!(json["cache_hits"], 0);
    assert_eq!(json["total_cache_operations"], 3);
    assert_eq!(json["key_generation"]["total_operations"], 1);
    assert_eq!(json["cache_operations"]["total_operations"], 3);
    assert_eq!(json["compression"]["total_bytes_saved"], 600);
    assert_eq!(json["compression"]["overall_savings_percent"], 60.0);
    assert_eq!(
        json["memory_usage"]["current"]["avg_entry_size_bytes"],
        1_024.0
    );
    assert_eq!(json["invalidation"]["total_keys_invalidated"], 2);
    let events = json["invalidation"]["events"].as_array().unwrap();
    assert_eq!(events[0]["operation_context"], "test");

    let text = monitor.to_prometheus();
    let sample =
        r#"gimmal_cache_requests_total{op="q\"a",tier="",result="miss",reason="not_found"} 3"#;
    assert!(text.contains(sample), "{text}");
    assert!(text.contains(r#"gimmal_cache_latency_seconds_count{kind="get",op="q\"a"} 3"#));
    assert!(text.contains("gimmal_cache_invalidations_total 2"));
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (_, value) = line.rsplit_once(' ').unwrap();
        value.parse::<f64>().unwrap();
    }

    monitor.reset();
    assert_eq!(monitor.to_json()["cache_misses"], 0);
}

/// A record costs the same after a hundred thousand as after ten: nothing is kept per record.
///
/// Covers: M7
#[test]
fn m7_records_leave_nothing_that_grows() {
    let (monitor, clock) = setup();
    let size = |monitor: &Monitor| monitor.to_json().to_string().len();
    let fill = |count: u64| {
        for number in 0..count {
            monitor.record_time(Timed::Get, "qa", Duration::from_micros(number % 40_000));
            monitor.record_lookup("qa", &Lookup::Miss(MissReason::NotFound));
            clock.advance(millis(1));
        }
    };
    fill(1_000);
    let before = size(&monitor);
    fill(100_000);
    assert!(size(&monitor) < before + 100);
    for number in 0..1_000 {
        monitor.record_time(Timed::Get, &format!("op {number}"), millis(1));
    }
    let report = monitor.report();
    assert_eq!(report.operations.len(), 65, "64 and the rest");
    assert_eq!(report.operations["other"].times["get"].count, 1_000 - 63);
}

/// Covers: M8
#[test]
fn m8_a_low_hit_ratio_is_worth_a_word() {
    let (monitor, clock) = setup();
    let entry = Entry::new(Value::bytes("v"), clock.timestamp());
    let hit = Lookup::found(entry, gimmal_cache::Tier::L1, clock.timestamp());
    for _ in 0..2 {
        monitor.record_lookup("qa", &hit);
    }
    for _ in 0..7 {
        monitor.record_lookup("qa", &Lookup::Miss(MissReason::NotFound));
    }
    assert!(monitor.advice().is_empty(), "nine reads say little");
    monitor.record_lookup("qa", &Lookup::Miss(MissReason::NotFound));
    let advice = monitor.advice();
    assert_eq!(advice.len(), 1);
    assert_eq!(advice[0].severity, Severity::High);
    assert!((advice[0].value - 0.2).abs() < 1e-9 && (advice[0].threshold - 0.3).abs() < 1e-9);
    invalidate(&monitor, 100);
    assert_eq!(monitor.advice()[0].severity, Severity::Critical);
}

#[test]
fn trends_compare_the_last_minutes_with_those_before() {
    let (monitor, clock) = setup();
    for minute in 0..60 {
        let duration = if minute < 50 { 10 } else { 20 };
        monitor.record_time(Timed::Get, "qa", millis(duration));
        monitor.record_size(1, 1_000);
        clock.advance(Duration::from_secs(60));
    }
    let trends = monitor.report().trends;
    assert_eq!(trends["p95_latency"], Trend::Worsening);
    assert_eq!(trends["bytes"], Trend::Steady);
    assert_eq!(trends["hit_ratio"], Trend::Steady);
}
