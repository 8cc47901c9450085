//! Serving over TLS, with a certificate made for the run.

use std::time::Duration;

use gimmal_emulator::Emulator;
use reqwest::{Certificate, Client};

#[tokio::test]
async fn whoever_trusts_the_authority_of_the_run_is_served() {
    let emulator = Emulator::builder()
        .with_tls()
        .start()
        .await
        .expect("started");
    assert!(emulator.base_url().starts_with("https://127.0.0.1:"));
    let authority = emulator.certificate_authority().expect("an authority");
    let authority = Certificate::from_pem(authority.as_bytes()).expect("a certificate");
    let client = || {
        Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(20))
    };
    let port = emulator.address().port();
    let trusting = client()
        .tls_certs_only([authority])
        .build()
        .expect("a client");
    for host in ["127.0.0.1", "localhost"] {
        let url = format!("https://{host}:{port}/v1beta/models?key=k");
        let reply = trusting.get(url).send().await.expect("a reply");
        assert_eq!(reply.status(), 200);
    }
    let stranger = client().build().expect("a client");
    let url = format!("{}v1beta/models?key=k", emulator.base_url());
    assert!(stranger.get(url).send().await.is_err());
    let plain = format!("http://127.0.0.1:{port}/v1beta/models?key=k");
    assert!(trusting.get(plain).send().await.is_err());
    emulator.shutdown().await;
}

#[tokio::test]
async fn without_it_there_is_no_authority() {
    let emulator = Emulator::builder().start().await.expect("started");
    assert!(emulator.certificate_authority().is_none());
}
