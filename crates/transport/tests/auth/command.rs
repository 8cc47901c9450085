//! Real commands. The clock is real too, as nothing else can be waited for; no test waits long.
#![cfg(unix)]

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gimmal_transport::auth::{CredentialCommand, TokenSource};
use gimmal_transport::{Delivery, ErrorKind, Persistence};
use secrecy::ExposeSecret;
use test_case::test_case;

#[tokio::test]
async fn the_output_is_the_secret_without_the_white_space_around_it() {
    let command = CredentialCommand::new("echo noise >&2; printf '\\n  SECRET-KEY \\n'");
    let token = command.fetch().await.unwrap();
    assert_eq!(token.secret().expose_secret(), "SECRET-KEY");
    assert_eq!(token.lifetime(), Some(Duration::from_secs(300)));

    let command = command.with_lifetime(Duration::from_secs(5));
    let token = command.fetch().await.unwrap();
    assert_eq!(token.lifetime(), Some(Duration::from_secs(5)));
}

#[test_case("true", "printed nothing")]
#[test_case("echo; echo ' '", "printed nothing"; "white space alone")]
#[test_case("echo SECRET; echo SECRET >&2; exit 3", "ended with exit status: 3")]
#[test_case("no-such-command-SECRET", "ended with exit status: 127")]
#[test_case("printf 'SECRET\\377'", "printed no UTF-8")]
#[test_case("yes SECRET", "printed more than 32 KiB")]
#[tokio::test]
async fn a_failure_is_named_and_neither_command_nor_output_are_shown(
    command: &str,
    expected: &str,
) {
    let command = CredentialCommand::new(command);
    let error = command.fetch().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert_eq!(error.delivery(), Delivery::NotSent);
    assert_eq!(error.field(), Some("credential_command"));
    let shown = format!("{error} {error:?} {command:?}");
    assert!(shown.contains(expected), "{shown}");
    assert!(!shown.contains("SECRET"), "{shown}");
}

#[tokio::test]
async fn a_command_that_hangs_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let pid_file = directory.path().join("pid");
    let script = format!("echo $$ > {}; exec sleep 600", pid_file.display());
    let command = CredentialCommand::new(script).with_timeout(Duration::from_millis(300));
    let error = command.fetch().await.unwrap_err();
    assert_eq!(error.persistence(), Persistence::Temporary);
    assert!(
        error.to_string().contains("took longer than 300ms"),
        "{error}"
    );

    let pid = std::fs::read_to_string(&pid_file).unwrap();
    let process = std::path::PathBuf::from("/proc").join(pid.trim());
    if std::path::Path::new("/proc/self").exists() {
        let patience = Instant::now() + Duration::from_secs(20);
        while is_running(&process) {
            assert!(Instant::now() < patience, "the command still runs");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Killed processes that are not yet waited for do not count.
fn is_running(process: &std::path::Path) -> bool {
    std::fs::read_to_string(process.join("stat"))
        .is_ok_and(|stat| !stat.contains(") Z ") && !stat.contains(") X "))
}

fn print_jwt(exp: &str) -> CredentialCommand {
    let claims = URL_SAFE_NO_PAD.encode(format!("{{\"exp\": {exp}}}"));
    CredentialCommand::new(format!("echo e30.{claims}.c2ln"))
}

#[tokio::test]
async fn a_token_that_says_when_it_runs_out_is_believed() {
    // The year 2100.
    let token = print_jwt("4102444800").fetch().await.unwrap();
    assert!(token.lifetime().unwrap() > Duration::from_secs(86_400));

    let error = print_jwt("1700000000").fetch().await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("printed a token that has expired")
    );

    let token = print_jwt("null").fetch().await.unwrap();
    assert_eq!(token.lifetime(), Some(Duration::from_secs(300)));
}
