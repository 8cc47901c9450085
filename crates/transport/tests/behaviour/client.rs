//! Settings of the built-in client, against servers that show whether they were heeded.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use gimmal_transport::testing::ScriptedTransport;
use gimmal_transport::{
    CallOptions, Delivery, ErrorKind, HttpConfig, HttpVersions, PoolConfig, PoolPurpose, Request,
    Timeout, TimeoutKind, Transport,
};
use http::{Method, Version};
use test_case::test_case;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use url::Url;

use crate::server::{Authority, Loopback, Offer, direct, get, ok, real_limit};

async fn text(transport: &Transport, url: Url, options: &CallOptions) -> Bytes {
    let reply = real_limit(transport.send(get(url), options)).await;
    reply.unwrap().into_body()
}

#[test_case(HttpVersions::Negotiated, &["h2", "http/1.1"], Version::HTTP_2)]
#[test_case(HttpVersions::Negotiated, &["http/1.1"], Version::HTTP_11; "the server has no other")]
#[test_case(HttpVersions::Http1, &["h2", "http/1.1"], Version::HTTP_11; "the client wants no other")]
#[test_case(HttpVersions::Http2PriorKnowledge, &["h2"], Version::HTTP_2; "without asking")]
#[tokio::test]
async fn the_version_is_agreed_on(
    versions: HttpVersions,
    offered: &'static [&'static str],
    expected: Version,
) {
    let authority = Authority::new();
    let mut server = Loopback::start(Offer::tls(&authority, offered)).await;
    let config = HttpConfig::default()
        .with_versions(versions)
        .with_only_root_certificates(authority.pem);
    let transport = direct(config);
    let options = CallOptions::default();
    let body = "{\"text\": 1}".repeat(10_000);
    for _ in 0..2 {
        let request =
            Request::new(Method::POST, server.url("/v1/x?q=1")).with_json_body(body.clone().into());
        let reply = real_limit(transport.send(request, &options)).await.unwrap();
        assert_eq!(reply.body(), "ok");
        let seen = server.next().await;
        assert_eq!((seen.version, seen.connection), (expected, 1));
        assert_eq!(
            (seen.method, seen.body),
            (Method::POST, body.clone().into())
        );
        assert_eq!(seen.uri.path_and_query().unwrap(), "/v1/x?q=1");
        assert_eq!(seen.headers["content-type"], "application/json");
    }
}

#[tokio::test]
async fn http2_without_tls_takes_prior_knowledge() {
    let mut server = Loopback::start(Offer::http2()).await;
    let config = HttpConfig::default()
        .with_versions(HttpVersions::Http2PriorKnowledge)
        .with_http2_keep_alive(Timeout::After(Duration::from_secs(30)))
        .with_http2_adaptive_window(true);
    let transport = direct(config);
    assert_eq!(
        text(&transport, server.url("/"), &CallOptions::default()).await,
        "ok"
    );
    assert_eq!(server.next().await.version, Version::HTTP_2);
}

#[tokio::test]
async fn an_unknown_authority_is_trusted_only_when_told() {
    let authority = Authority::new();
    let mut server = Loopback::start(Offer::tls(&authority, &["h2"])).await;
    let options = CallOptions::default();
    let stranger = HttpConfig::default().with_only_root_certificates(Authority::new().pem);
    for config in [HttpConfig::default(), stranger] {
        let call = direct(config);
        let error = real_limit(call.send(get(server.url("/")), &options)).await;
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connect);
        assert_eq!(error.delivery(), Delivery::NotSent);
        assert!(error.to_string().contains("certificate"), "{error}");
    }
    assert!(server.is_quiet(), "no request may arrive");

    // Two certificates in one text, beside those of the system.
    let both = Authority::new().pem + &authority.pem;
    let told = direct(HttpConfig::default().with_extra_root_certificates(both));
    assert_eq!(text(&told, server.url("/"), &options).await, "ok");
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_hangs_meets_the_connect_timeout() {
    // The kernel takes the connection, and nobody ever answers on it.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("https://{}/", listener.local_addr().unwrap())).unwrap();
    for limit in [Timeout::Default, Timeout::After(Duration::from_secs(3))] {
        let transport = direct(HttpConfig::default().with_connect_timeout(limit));
        let options = CallOptions::default();
        let call = transport.send(get(url.clone()), &options);
        let error = real_limit(call).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connect, "{error:?}");
        assert_eq!(error.timeout_kind(), Some(TimeoutKind::Connect));
        assert_eq!(error.delivery(), Delivery::NotSent);
    }
}

#[tokio::test]
async fn each_purpose_has_connections_of_its_own() {
    let mut server = Loopback::start(Offer::default()).await;
    let transport = direct(HttpConfig::default());
    let purposes = [
        (PoolPurpose::DEFAULT, 1),
        (PoolPurpose::SESSION, 2),
        (PoolPurpose::DEFAULT, 1),
        (PoolPurpose::new("own"), 3),
        (PoolPurpose::SESSION, 2),
        (PoolPurpose::from_static("own"), 3),
    ];
    for (purpose, connection) in purposes {
        let options = CallOptions::default().with_pool(purpose.clone());
        // Clones share the connections.
        text(&transport.clone(), server.url("/"), &options).await;
        assert_eq!(server.next().await.connection, connection, "{purpose}");
    }
}

#[tokio::test]
async fn a_pool_keeps_no_more_idle_connections_than_it_may() {
    let mut server = Loopback::start(Offer::default()).await;
    let none = PoolConfig::default().with_max_idle_per_host(0);
    let transport = direct(HttpConfig::default().with_pool(PoolPurpose::TELEMETRY, none));
    let options = CallOptions::default().with_pool(PoolPurpose::TELEMETRY);
    for connection in 1..=3 {
        text(&transport, server.url("/"), &options).await;
        assert_eq!(server.next().await.connection, connection);
    }
}

#[tokio::test]
async fn chk_app_1_a_burst_of_one_purpose_does_not_delay_another() {
    let gate = Arc::new(Semaphore::new(0));
    let most = Arc::new(AtomicU32::new(0));
    let (held, seen_at_once) = (Arc::clone(&gate), Arc::clone(&most));
    let now = Arc::new(AtomicU32::new(0));
    let mut server = Loopback::answering(Offer::default(), move |seen| {
        let (held, most) = (Arc::clone(&held), Arc::clone(&seen_at_once));
        let now = Arc::clone(&now);
        async move {
            if seen.uri.path() == "/sample" {
                most.fetch_max(now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                held.acquire().await.unwrap().forget();
                now.fetch_sub(1, Ordering::Relaxed);
            }
            ok("ok")
        }
        .boxed()
    })
    .await;
    let two = PoolConfig::default().with_max_in_flight(NonZeroU32::new(2).unwrap());
    let transport = direct(HttpConfig::default().with_pool(PoolPurpose::SAMPLING, two));
    let sampling = CallOptions::default().with_pool(PoolPurpose::SAMPLING);
    let session = CallOptions::default().with_pool(PoolPurpose::SESSION);

    let burst: Vec<_> = (0..200)
        .map(|_| {
            let (transport, options) = (transport.clone(), sampling.clone());
            let url = server.url("/sample");
            tokio::spawn(async move { text(&transport, url, &options).await })
        })
        .collect();
    for _ in 0..2 {
        assert_eq!(server.next().await.uri.path(), "/sample");
    }
    text(&transport, server.url("/heartbeat"), &session).await;
    assert_eq!(server.next().await.uri.path(), "/heartbeat");
    assert!(server.is_quiet(), "two samples are under way and no more");

    gate.add_permits(200);
    for call in burst {
        assert_eq!(call.await.unwrap(), "ok");
    }
    assert_eq!(most.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_turn_ends_with_the_body_of_the_reply() {
    let mut server = Loopback::start(Offer::default()).await;
    let one = PoolConfig::default().with_max_in_flight(NonZeroU32::MIN);
    let transport = direct(HttpConfig::default().with_default_pool(one));
    let options = CallOptions::default();
    let first = real_limit(transport.open_bytes(get(server.url("/1")), &options)).await;
    let first = first.unwrap();
    server.next().await;
    let second = transport.open_bytes(get(server.url("/2")), &options);
    let mut second = std::pin::pin!(second);
    assert!(futures_util::poll!(&mut second).is_pending());
    drop(first);
    let second = real_limit(second).await.unwrap();
    assert_eq!(server.next().await.uri.path(), "/2");

    let mut body = second.into_body();
    while let Some(chunk) = real_limit(body.next()).await {
        chunk.unwrap();
    }
    // The body is read, though not dropped.
    text(&transport, server.url("/3"), &options).await;
    drop(body);
}

#[tokio::test]
async fn settings_of_a_client_that_is_replaced_are_refused() {
    let error = Transport::builder()
        .with_http(Arc::new(ScriptedTransport::new([])))
        .with_http_config(HttpConfig::default())
        .build()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
}
