//! `gimmal tinker auth`: the key goes to the file of credentials and nowhere else.

use serde_json::{Value, json};

use crate::support::Ran;
use crate::tinker::{Tinker, feed};

const KEY: &str = "tml-secret-of-the-user";

impl Tinker {
    /// Runs a command with no key in the environment.
    async fn run_keyless(&self, line: &str, input: &str) -> Ran {
        let words = line.split_whitespace();
        let ran = feed(self.bench.command_for(&self.emulator, words), input).await;
        assert!(!ran.out.contains(KEY) && !ran.err.contains(KEY), "{line}");
        ran
    }

    fn credentials(&self) -> Value {
        let path = self.bench.path(".tinker/credentials.json");
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }
}

/// Covers: tinker.auth.get_own_key
#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_stored_used_and_forgotten() {
    let tinker = Tinker::start().await;
    let status = tinker.run_keyless("tinker auth status", "").await.code(2);
    assert_eq!(status.out, "credentials available: no\n");
    assert!(
        status.err.contains("gimmal tinker auth login"),
        "{}",
        status.err
    );

    let login = tinker
        .run_keyless("tinker auth login", &format!("  {KEY}\n"))
        .await
        .code(0);
    assert!(login.out.contains("logged in as ") && login.out.contains("`emulator`"));
    let stored = tinker.credentials();
    let id = stored["default"].as_str().unwrap();
    let record = &stored["keys"][id];
    assert_eq!(
        (&record["type"], &record["key"]),
        (&json!("manual"), &json!(KEY))
    );
    assert_eq!(record["details"]["org_details"]["name"], "Emulator");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let path = tinker.bench.path(".tinker/credentials.json");
        let mode = std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let again = tinker.run_keyless("tinker auth login", KEY).await.code(2);
    assert!(again.err.contains("auth logout"), "{}", again.err);

    let status = tinker
        .run_keyless("--json tinker auth status", "")
        .await
        .code(0)
        .json();
    assert_eq!(status["tinker_accessible"], true);
    assert!(
        status["source"]
            .as_str()
            .unwrap()
            .contains("credentials.json")
    );
    let who = tinker.run_keyless("tinker auth whoami", "").await.code(0);
    assert!(who.out.contains("tml:organization:emulator"), "{}", who.out);
    let who = tinker
        .run_keyless("--json tinker auth whoami", "")
        .await
        .code(0)
        .json();
    assert!(who["user_urn"].is_string());

    let logout = tinker.run_keyless("tinker auth logout", "").await.code(0);
    assert!(logout.out.contains("still takes it") && logout.out.contains("/keys/"));
    assert_eq!(tinker.credentials()["keys"], json!({}));
    let again = tinker.run_keyless("tinker auth logout", "").await.code(2);
    assert!(again.err.contains("no API key is stored"), "{}", again.err);
}

/// Covers: tinker.auth.delete_own_key
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_nobody_else_has_is_deleted_at_the_service() {
    let tinker = Tinker::start().await;
    let login = format!("{KEY}\n");
    tinker
        .run_keyless("tinker auth login", &login)
        .await
        .code(0);
    let mut stored = tinker.credentials();
    let id = stored["default"].as_str().unwrap().to_owned();
    stored["keys"][&id]["type"] = "generated".into();
    tinker
        .bench
        .write(".tinker/credentials.json", stored.to_string());
    let logout = tinker
        .run_keyless("--json tinker auth logout", "")
        .await
        .code(0);
    assert_eq!(logout.json()["deleted_at_the_service"], true);
    let refused = tinker
        .run_keyless("tinker auth login", &login)
        .await
        .code(3);
    assert!(refused.err.contains("401") || refused.err.contains("invalid API key"));

    tinker
        .bench
        .write(".tinker/credentials.json", stored.to_string());
    let logout = tinker.run_keyless("tinker auth logout", "").await.code(3);
    assert!(logout.err.contains("forgotten here"), "{}", logout.err);
    assert!(
        logout.err.contains(&format!("/keys/{id}")),
        "{}",
        logout.err
    );
    assert_eq!(tinker.credentials()["keys"], json!({}));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_key_is_not_stored() {
    let tinker = Tinker::start().await;
    for (input, said) in [
        ("", "no API key was given"),
        ("\n", "no API key was given"),
        ("sk-wrong-secret\n", "starts with `tml-`"),
    ] {
        let refused = tinker.run_keyless("tinker auth login", input).await.code(2);
        assert!(refused.err.contains(said), "{}", refused.err);
        assert!(!refused.err.contains("sk-wrong"), "{}", refused.err);
    }
    assert_eq!(tinker.asked(""), 0, "nothing is sent");
    assert!(!tinker.bench.path(".tinker").exists());
    let unknown = tinker
        .run_keyless("tinker auth login --api-key tml-x", "")
        .await
        .code(2);
    assert!(
        unknown.err.contains("--api-key"),
        "a key is no argument: {}",
        unknown.err
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_is_refused_is_told_apart_from_none() {
    let tinker = Tinker::start().await;
    let status = tinker.run("tinker auth status").await.code(0);
    let expected = "credentials available: yes (TINKER_API_KEY)\nTinker accessible: yes\n";
    assert!(status.out.contains("TINKER_API_KEY"), "{}", status.out);
    assert_eq!(status.out.lines().count(), expected.lines().count());
    let words = "tinker auth status".split(' ');
    let mut command = tinker.bench.command_for(&tinker.emulator, words);
    command.env("TINKER_API_KEY", "eyJmb3JnZWQ.e30.x");
    let refused = feed(command, "").await.code(3);
    assert!(
        refused.out.contains("Tinker accessible: no"),
        "{}",
        refused.out
    );
    assert!(refused.err.starts_with("error: "), "{}", refused.err);
}
