//! Starting, stopping and where it listens.

use std::{net::TcpListener, time::Duration};

use gimmal_emulator::Emulator;
use reqwest::Method;

use crate::client::Session;

#[tokio::test]
async fn only_loopback_addresses_are_accepted() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let error = Emulator::builder()
            .bind(address)
            .start()
            .await
            .expect_err("refused");
        assert!(error.is_not_loopback());
        assert!(
            error.to_string().contains("is not a loopback address"),
            "{error}"
        );
    }
    let emulator = Emulator::builder()
        .bind("localhost:0")
        .start()
        .await
        .expect("started");
    assert!(emulator.address().ip().is_loopback());
}

#[tokio::test]
async fn a_taken_port_is_an_error() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let address = taken.local_addr().expect("an address").to_string();
    let error = Emulator::builder()
        .bind(&address)
        .start()
        .await
        .expect_err("taken");
    assert!(!error.is_not_loopback());
    assert_eq!(error.to_string(), format!("could not listen on {address}"));
    assert!(std::error::Error::source(&error).is_some());
}

#[tokio::test]
async fn it_stops_when_told_and_when_dropped() {
    for told in [true, false] {
        let session = Session::plain().await;
        session.get("v1beta/models").await.ok();
        let http = session.bare(Method::GET, "v1beta/models?key=k");
        if told {
            session.emulator.shutdown().await;
            assert!(http.send().await.is_err());
        } else {
            drop(session.emulator);
            // The accepting task ends at its next turn, which the requests give it.
            let stopped =
                async { while http.try_clone().expect("no body").send().await.is_ok() {} };
            tokio::time::timeout(Duration::from_secs(10), stopped)
                .await
                .expect("it stops");
        }
    }
}

#[tokio::test]
async fn many_requests_share_a_connection() {
    let session = Session::plain().await;
    for _ in 0..200 {
        session.get("v1beta/models/gemini-2.5-pro").await.ok();
    }
}
