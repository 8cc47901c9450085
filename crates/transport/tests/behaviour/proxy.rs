//! Proxies and certificates, named by settings or by the environment. The environment of a test
//! cannot be changed safely, so those tests run again as a process of their own.

use std::io;
use std::process::Command;
use std::sync::{Mutex, Once};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use gimmal_transport::{CallOptions, ErrorKind, HttpConfig, NeverRetry, Proxy, Transport};
use http::Version;
use test_case::test_case;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tracing_subscriber::filter::LevelFilter;
use url::Url;

use crate::server::{Authority, Loopback, Offer, get, real_limit};

/// A proxy that tells the heads it was sent. It opens tunnels, and answers everything else itself.
struct Stub {
    address: String,
    heads: UnboundedReceiver<String>,
}

impl Stub {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (sender, heads) = unbounded_channel();
        tokio::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let head = read_head(&mut client).await;
                let target = head.strip_prefix("CONNECT ").map(|rest| {
                    let (target, _) = rest.split_once(' ').unwrap();
                    target.to_owned()
                });
                sender.send(head).unwrap();
                let Some(target) = target else {
                    let reply =
                        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nproxy";
                    client.write_all(reply).await.unwrap();
                    continue;
                };
                let mut server = TcpStream::connect(target).await.unwrap();
                client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                tokio::spawn(async move { copy_bidirectional(&mut client, &mut server).await });
            }
        });
        Self { address, heads }
    }

    async fn head(&mut self) -> String {
        real_limit(self.heads.recv()).await.unwrap().to_lowercase()
    }
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

fn transport(config: HttpConfig) -> Transport {
    Transport::builder()
        .with_http_config(config)
        .with_retry_policy(NeverRetry)
        .build()
        .unwrap()
}

async fn fetch(transport: &Transport, url: &str) -> Result<String, gimmal_transport::Error> {
    let url = Url::parse(url).unwrap();
    let reply = real_limit(transport.send(get(url), &CallOptions::default())).await?;
    Ok(String::from_utf8(reply.into_body().to_vec()).unwrap())
}

/// Everything that is logged in this process, at any level, by HTTP libraries and by ourselves.
static LOGGED: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Keep;

impl io::Write for Keep {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOGGED.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn keep_the_log() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_writer(|| Keep)
            .init();
    });
}

fn logged() -> String {
    String::from_utf8_lossy(&LOGGED.lock().unwrap()).into_owned()
}

#[tokio::test]
async fn a_proxy_gets_plain_requests_whole() {
    keep_the_log();
    let mut stub = Stub::start().await;
    let proxy = Proxy::new(&format!("http://{}", stub.address))
        .unwrap()
        .with_basic_auth("Aladdin", &"open:PASSWORD".into())
        .unwrap();
    let transport = transport(HttpConfig::default().with_proxy(proxy));
    let body = fetch(&transport, "http://origin.test/path?q=1")
        .await
        .unwrap();
    assert_eq!(body, "proxy");

    let head = stub.head().await;
    let secret = BASE64_STANDARD.encode("Aladdin:open:PASSWORD");
    let authorization = format!("proxy-authorization: basic {}\r\n", secret.to_lowercase());
    assert!(
        head.starts_with("get http://origin.test/path?q=1 http/1.1\r\n"),
        "{head}"
    );
    assert!(head.contains(&authorization), "{head}");

    let logged = logged();
    assert!(
        logged.contains("intercepts"),
        "the proxy shows in the log: {logged}"
    );
    let shown = format!("{transport:?} {logged}");
    for hidden in ["PASSWORD", "Aladdin", &secret] {
        assert!(!shown.contains(hidden), "{shown}");
    }
}

#[tokio::test]
async fn a_proxy_opens_tunnels_for_tls() {
    keep_the_log();
    let authority = Authority::new();
    let mut server = Loopback::start(Offer::tls(&authority, &["h2"])).await;
    let mut stub = Stub::start().await;
    let proxy = Proxy::new(&format!("http://user:TUNNELLED@{}", stub.address)).unwrap();
    let config = HttpConfig::default()
        .with_proxy(proxy)
        .with_only_root_certificates(authority.pem);
    let transport = transport(config);
    assert_eq!(
        fetch(&transport, server.url("/x").as_str()).await.unwrap(),
        "ok"
    );

    let head = stub.head().await;
    let secret = BASE64_STANDARD.encode("user:TUNNELLED");
    assert!(
        head.starts_with(&format!("connect {} ", server.address)),
        "{head}"
    );
    assert!(head.contains(&secret.to_lowercase()), "{head}");
    let seen = server.next().await;
    assert!(!seen.headers.contains_key("proxy-authorization"));
    let shown = format!("{transport:?} {}", logged());
    assert!(
        !shown.contains("TUNNELLED") && !shown.contains(&secret),
        "{shown}"
    );
}

#[tokio::test]
async fn a_proxy_may_want_tls_for_itself() {
    let authority = Authority::new();
    // What the client offers servers is not for the proxy: over HTTP/2 it would not be one.
    let mut stub = Loopback::start(Offer::tls(&authority, &["h2", "http/1.1"])).await;
    let proxy = Proxy::new(&format!("https://user:password@{}", stub.address)).unwrap();
    let config = HttpConfig::default()
        .with_proxy(proxy)
        .with_only_root_certificates(authority.pem);
    let body = fetch(&transport(config), "http://origin.test/path?q=1").await;
    assert_eq!(body.unwrap(), "ok");
    let seen = stub.next().await;
    assert_eq!(seen.version, Version::HTTP_11);
    assert_eq!(seen.uri, "http://origin.test/path?q=1");
    assert!(seen.headers.contains_key("proxy-authorization"));
}

#[tokio::test]
async fn a_proxy_that_cannot_be_reached_keeps_its_secret() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let proxy = Proxy::new(&format!("http://user:SECRET@{address}")).unwrap();
    let transport = transport(HttpConfig::default().with_proxy(proxy));
    for url in ["http://origin.test/", "https://origin.test/"] {
        let error = fetch(&transport, url).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connect);
        assert!(
            !format!("{error} {error:?}").contains("SECRET"),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn hosts_that_are_excepted_are_asked_directly() {
    let mut server = Loopback::start(Offer::default()).await;
    let stub = Stub::start().await;
    let proxy = Proxy::new(&format!("http://{}", stub.address)).unwrap();
    for hosts in ["127.0.0.1", "localhost, 127.0.0.0/8"] {
        let proxy = proxy.clone().with_bypass(hosts);
        let transport = transport(HttpConfig::default().with_proxy(proxy));
        assert_eq!(
            fetch(&transport, server.url("/").as_str()).await.unwrap(),
            "ok"
        );
        server.next().await;
    }
    assert!(stub.heads.is_empty());
}

/// Runs one of the tests below in a process with these variables and no others.
fn run_again(test: &str, variables: &[(&str, &str)]) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", &format!("proxy::{test}")])
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
}

#[test_case("http_proxy")]
#[test_case("ALL_PROXY"; "for all")]
#[tokio::test(flavor = "multi_thread")]
async fn the_environment_names_a_proxy(variable: &str) {
    let mut stub = Stub::start().await;
    let proxy = format!("http://user:password@{}", stub.address);
    run_again("child_through_a_proxy", &[(variable, &proxy)]);
    let head = stub.head().await;
    assert!(head.starts_with("get http://origin.test/ "), "{head}");
    assert!(head.contains("proxy-authorization: basic "), "{head}");
    assert!(stub.heads.is_empty(), "the second request went straight");
}

#[tokio::test]
#[ignore = "run by `the_environment_names_a_proxy`"]
async fn child_through_a_proxy() {
    let obedient = transport(HttpConfig::default());
    assert_eq!(
        fetch(&obedient, "http://origin.test/").await.unwrap(),
        "proxy"
    );
    let server = Loopback::start(Offer::default()).await;
    let headstrong = transport(HttpConfig::default().with_no_proxy());
    assert_eq!(
        fetch(&headstrong, server.url("/").as_str()).await.unwrap(),
        "ok"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_names_a_proxy_of_another_kind() {
    let proxy = "socks5://user:SECRET@127.0.0.1:1";
    run_again("child_without_socks", &[("ALL_PROXY", proxy)]);
}

#[tokio::test]
#[ignore = "run by `the_environment_names_a_proxy_of_another_kind`"]
async fn child_without_socks() {
    let transport = transport(HttpConfig::default());
    for url in ["http://origin.test/", "https://origin.test/"] {
        let error = fetch(&transport, url).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connect);
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("unsupported scheme socks5"), "{shown}");
        assert!(!shown.contains("SECRET"), "{shown}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn the_environment_names_certificates() {
    let authority = Authority::new();
    let mut server = Loopback::start(Offer::tls(&authority, &["h2"])).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("roots.pem");
    std::fs::write(&file, &authority.pem).unwrap();
    let url = server.url("/");
    let variables = [
        ("SSL_CERT_FILE", file.to_str().unwrap()),
        ("TEST_URL", url.as_str()),
    ];
    run_again("child_with_certificates", &variables);
    assert_eq!(server.next().await.uri.path(), "/");
}

#[tokio::test]
#[ignore = "run by `the_environment_names_certificates`"]
async fn child_with_certificates() {
    let url = std::env::var("TEST_URL").unwrap();
    let transport = transport(HttpConfig::default());
    assert_eq!(fetch(&transport, &url).await.unwrap(), "ok");
}
