//! Whether there is a credential, and whether the server takes it.

use gimmal_client::tinker::ServiceClient;
use gimmal_emulator::{Fault, FaultRule, RouteMatcher, ScriptedReply};

use super::support::{Bench, KEY};

/// Covers: auth.raise_if_tinker_not_accessible, tinker.service.get_server_capabilities
#[tokio::test]
async fn a_server_that_lets_nobody_in_is_asked_once() {
    let bench = Bench::start().await;
    bench.service.check_access().await.unwrap();
    let stranger = ServiceClient::builder()
        .with_api_key("tml-stranger")
        .with_base_url(bench.emulator.base_url())
        .build()
        .unwrap();
    let refused = stranger.check_access().await.unwrap_err();
    assert_eq!(refused.status().unwrap(), 401);

    let unpaid = ScriptedReply::text(402, "unpaid");
    let unpaid = FaultRule::new(Fault::reply(unpaid))
        .on(RouteMatcher::any().with_path_part("get_server_capabilities"));
    bench.emulator.chaos().add(unpaid);
    let before = bench.emulator.journal().count(RouteMatcher::any());
    let refused = bench.service.check_access().await.unwrap_err();
    assert_eq!(refused.status().unwrap(), 402);
    let after = bench.emulator.journal().count(RouteMatcher::any());
    assert_eq!(
        after - before,
        2,
        "the settings and the question, once each"
    );
}

/// Covers: auth.tinker_has_credentials
#[test]
fn credentials_are_looked_for_and_a_command_is_not_run() {
    let builder = ServiceClient::builder;
    assert!(!builder().has_credentials());
    assert!(builder().with_api_key("tml-key").has_credentials());
    let command = |name: &str| (name == "TINKER_CREDENTIAL_CMD").then(|| "exit 1".to_owned());
    assert!(builder().from_lookup(command).has_credentials());
    let home = |name: &str| (name == "HOME").then(|| "/nowhere".to_owned());
    let builder = builder().from_lookup(home);
    let file = builder.credentials_file().unwrap();
    assert!(file.path().ends_with(".tinker/credentials.json"));
    assert!(!builder.has_credentials());
}

/// Covers: tinker.auth.get_own_key, tinker.auth.delete_own_key
#[tokio::test]
async fn a_key_describes_and_deletes_itself() {
    let bench = Bench::start().await;
    let own = bench.service.get_own_key().await.unwrap();
    assert!(own.details.user_details.email.contains('@'));
    bench.service.delete_own_key().await.unwrap();
    let gone = bench.service.get_own_key().await.unwrap_err();
    assert_eq!(gone.status().unwrap(), 401);
    assert!(!format!("{gone:?}").contains(KEY));
}
