//! The contract, over one server, a user with few rights and a cluster.

use gimmal_cache::testing::{ManualClock, contract};
use gimmal_cache::{
    AiCache, Compression, FrameCodec, Fresh, KeyRequest, MissReason, ResponseCache, SharedCache,
    SystemClock,
};
use secrecy::SecretString;

use crate::server::{Server, builder, entry, eventually, key, seconds};

/// Covers: C1, C2, C7, C8, I1, I5
#[tokio::test]
async fn it_keeps_the_contract() {
    let Some(server) = Server::start(&[]).await else {
        return;
    };
    contract(async |clock| server.cache(&clock)).await;
    contract(async |clock| server.tiered(&clock)).await;
    contract(async |clock| SharedCache::new(server.tiered(&clock))).await;
}

/// The server counts the commands that it was sent.
///
/// Covers: R6
#[tokio::test]
async fn r6_no_command_that_holds_up_others_is_sent() {
    let Some(server) = Server::start(&[]).await else {
        return;
    };
    contract(async |clock| server.tiered(&clock)).await;
    let mut look = server.look().await;
    let info: String = redis::cmd("INFO")
        .arg("commandstats")
        .query_async(&mut look)
        .await
        .unwrap();
    assert!(info.contains("cmdstat_unlink") && info.contains("cmdstat_scan"));
    for forbidden in ["keys", "flushdb", "flushall", "eval", "config", "del"] {
        let name = format!("cmdstat_{forbidden}:");
        assert!(!info.contains(&name), "{forbidden} was sent");
    }
}

/// The rights that the documentation asks for are enough, and they are needed.
///
/// Covers: X1
#[tokio::test]
async fn x1_a_user_with_few_rights_is_enough() {
    let Some(server) = Server::start(&[]).await else {
        return;
    };
    let rights = "on >secret ~gimmal:r2* &gimmal:r2* -@all +get +set +mget +unlink +exists +pttl \
        +scan +time +ping +hello +auth +info +publish +subscribe +unsubscribe +client|setname \
        +client|tracking +client|id";
    let mut acl = redis::cmd("ACL");
    acl.arg("SETUSER").arg("gimmal");
    acl.arg(rights.split_whitespace().collect::<Vec<_>>());
    acl.exec_async(&mut server.look().await).await.unwrap();
    let password = || SecretString::from("secret".to_owned());
    let cache = |clock: &ManualClock| {
        let builder = server.builder(clock).with_username("gimmal");
        builder.with_password(password()).build().unwrap()
    };
    contract(async |clock| cache(&clock)).await;
    contract(async |clock| crate::server::tiered(cache(&clock), &clock)).await;

    let clock = SystemClock;
    let wrong = server
        .builder(&clock)
        .with_username("gimmal")
        .with_password("wrong".to_owned().into())
        .build()
        .unwrap();
    assert!(!wrong.get(&key("t")).await.is_hit());
    assert_ne!(wrong.health().await, gimmal_cache::Health::Healthy);
}

/// Covers: T1
#[tokio::test]
async fn t1_every_operation_has_its_lifetime_in_the_store() {
    let Some(server) = Server::start(&[]).await else {
        return;
    };
    let cache = AiCache::builder(server.cache(&SystemClock))
        .with_ttl_spread(0.0)
        .build();
    let mut look = server.look().await;
    for (operation, expected) in [
        ("summarize", 7_200_000),
        ("sentiment", 86_400_000),
        ("key_points", 7_200_000),
        ("questions", 3_600_000),
        ("qa", 1_800_000),
        ("foo", 3_600_000),
    ] {
        let request = KeyRequest::new(operation);
        let fresh = Fresh::json("a").unwrap();
        assert!(cache.cache_response(&request, fresh).await.is_stored());
        let mut pttl = redis::cmd("PTTL");
        let left: i64 = pttl
            .arg(request.key().as_str())
            .query_async(&mut look)
            .await
            .unwrap();
        assert!((expected - 5_000..=expected).contains(&left), "{left}");
    }
}

/// Covers: F4
#[tokio::test]
async fn f4_large_values_are_packed_in_the_store() {
    let Some(server) = Server::start(&[]).await else {
        return;
    };
    let codec = FrameCodec::new().with_compression(Compression::zstd());
    let clock = SystemClock;
    let cache = server.builder(&clock).with_codec(codec).build().unwrap();
    let text = "All work and no play. ".repeat(40_000);
    assert!(cache.set(&key("t"), entry(&text, &clock)).await.is_stored());
    let mut look = server.look().await;
    let mut strlen = redis::cmd("STRLEN");
    let stored: usize = strlen
        .arg(key("t").as_str())
        .query_async(&mut look)
        .await
        .unwrap();
    assert!(stored < text.len() / 10);
    let hit = cache.get(&key("t")).await.into_hit().unwrap();
    assert_eq!(hit.value().as_bytes(), text.as_bytes());
}

/// Covers: R5
#[tokio::test]
async fn r5_a_cluster_of_three_nodes_is_one_cache() {
    let mut nodes = Vec::new();
    for _ in 0..3 {
        let cluster = [
            "--cluster-enabled",
            "yes",
            "--cluster-config-file",
            "nodes.conf",
        ];
        let Some(node) = Server::start(&cluster).await else {
            return;
        };
        nodes.push(node);
    }
    // Slots and introductions, as `redis-cli --cluster create` would give them.
    for (index, node) in nodes.iter().enumerate() {
        let mut look = node.look().await;
        let (first, last) = (index * 5_462, (index * 5_462 + 5_461).min(16_383));
        let mut slots = redis::cmd("CLUSTER");
        slots.arg("ADDSLOTSRANGE").arg(first).arg(last);
        slots.exec_async(&mut look).await.unwrap();
        let mut meet = redis::cmd("CLUSTER");
        meet.arg("MEET").arg("127.0.0.1").arg(nodes[0].port);
        meet.exec_async(&mut look).await.unwrap();
    }
    eventually("the cluster", async || {
        let mut states = Vec::new();
        for node in &nodes {
            let mut look = node.look().await;
            let mut info = redis::cmd("CLUSTER");
            let info: String = info.arg("INFO").query_async(&mut look).await.unwrap();
            states.push(info.contains("cluster_state:ok") && info.contains("known_nodes:3"));
        }
        states.iter().all(|ok| *ok)
    })
    .await;
    // One node is enough to find the others; a read of the wrong one is redirected.
    let url = format!("redis+cluster://127.0.0.1:{}", nodes[2].port);
    let clock = SystemClock;
    let cache = builder(&url, &clock)
        .with_get_timeout(seconds(5))
        .with_set_timeout(seconds(5))
        .with_breaker(1_000, seconds(1))
        .build()
        .unwrap();
    let keys: Vec<_> = (0..60).map(|number| key(&number.to_string())).collect();
    for (number, key) in keys.iter().enumerate() {
        // The nodes may still be telling each other who has which slot.
        eventually("it is stored", async || {
            let entry = entry(&number.to_string(), &clock);
            cache.set(key, entry).await.is_stored()
        })
        .await;
    }
    for (number, lookup) in cache.get_many(&keys).await.into_iter().enumerate() {
        let hit = lookup.into_hit().expect("a hit");
        assert_eq!(hit.value().as_bytes(), number.to_string().as_bytes());
    }
    for node in &nodes {
        let mut look = node.look().await;
        let count: u32 = redis::cmd("DBSIZE").query_async(&mut look).await.unwrap();
        assert!(count > 5, "every node has some of the keys");
    }
    let selector = gimmal_cache::Selector::glob("default:q*").unwrap();
    cache.invalidate(&selector).await;
    let lookup = cache.get(&keys[0]).await;
    assert_eq!(lookup.miss_reason(), Some(MissReason::Invalidated));
}
