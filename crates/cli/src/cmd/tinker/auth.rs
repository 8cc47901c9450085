//! `gimmal tinker auth`: the API key on this machine. It is read from a terminal that does not show
//! it or from standard input, and written to the file of credentials alone.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::process::ExitCode;

use console::Term;
use gimmal_client::tinker::{ServiceClientBuilder, Source, console as pages};
use gimmal_client::transport::auth::{CredentialsFile, StoredKey};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::Context;
use crate::args::TinkerAuth;
use crate::connect::tinker_settings;
use crate::exit::{self, Failure};
use crate::output::{self, Table};

/// The kind of a key that the user brought.
const MANUAL: &str = "manual";
/// The kind of a key that an older command line made, which nobody else has.
const GENERATED: &str = "generated";

/// Runs one of the commands on the key.
pub(super) async fn run(context: Context<'_>, args: TinkerAuth) -> anyhow::Result<ExitCode> {
    match args {
        TinkerAuth::Login => login(context).await?,
        TinkerAuth::Logout => logout(context).await?,
        TinkerAuth::Status => return status(context).await,
        TinkerAuth::Whoami => whoami(context).await?,
    }
    Ok(ExitCode::SUCCESS)
}

impl Context<'_> {
    fn settings(&self) -> ServiceClientBuilder {
        tinker_settings(self.connection, self.timeout)
    }

    /// The settings, and the file of credentials that they look into.
    fn credentials(&self) -> anyhow::Result<(ServiceClientBuilder, CredentialsFile)> {
        let settings = self.settings();
        let file = settings.credentials_file().cloned();
        let file = file.ok_or_else(|| {
            Failure::usage("there is no home directory for the file of credentials: set HOME")
        })?;
        Ok((settings, file))
    }
}

async fn login(context: Context<'_>) -> anyhow::Result<()> {
    let (settings, file) = context.credentials()?;
    let mut stored = file.load()?;
    if let Some(key) = stored.default_key() {
        return Err(Failure::usage(format!(
            "the key `{}` is stored already: run `gimmal tinker auth logout` first",
            key.name()
        )));
    }
    let key = read_key()?;
    if !key.expose_secret().starts_with("tml-") {
        return Err(Failure::usage("this is no API key: one starts with `tml-`"));
    }
    let service = settings.with_api_key(key.clone()).build()?;
    let own = service.get_own_key().await?;
    let record = StoredKey::new(key, own.name.as_str())
        .with_member("type", MANUAL)
        .with_member("note", own.note)
        .with_member("details", serde_json::to_value(&own.details)?);
    let id = own.key_id.to_string();
    stored.insert(id.as_str(), record);
    stored.set_default(&id)?;
    file.save(&stored)?;
    let (email, organization) = (own.details.user_details.email, own.details.org_details.name);
    if context.json {
        output::json(&json!({
            "key_id": id, "name": own.name, "email": email, "organization": organization,
            "path": file.path(),
        }))?;
    } else {
        output::line(&format!(
            "logged in as {email} ({organization}): the key `{}` is stored in {}",
            own.name,
            file.path().display()
        ))?;
    }
    let others = context.settings().config()?.api_key;
    if let Some(Source::Environment(name)) = others.map(|key| key.source) {
        writeln!(
            std::io::stderr(),
            "{name} is set and wins over the stored key"
        )?;
    }
    Ok(())
}

/// The key that the user types or pipes in, without white space around it.
fn read_key() -> anyhow::Result<SecretString> {
    let mut err = std::io::stderr();
    let line = if std::io::stdin().is_terminal() && err.is_terminal() {
        writeln!(
            err,
            "make an API key on {}",
            pages::new_api_key(&key_name())
        )?;
        write!(err, "API key (not shown): ")?;
        err.flush()?;
        Term::stderr().read_secure_line()
    } else {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map(|_| line)
    };
    let line = line.map_err(|error| Failure::usage(format!("cannot read the API key: {error}")))?;
    let line = SecretString::from(line);
    let key = line.expose_secret().trim();
    if key.is_empty() {
        return Err(Failure::usage(
            "no API key was given: type it, or pass it on standard input",
        ));
    }
    Ok(key.into())
}

/// What to call a key of this machine.
fn key_name() -> String {
    let host = std::env::var("HOSTNAME").or_else(|_| std::fs::read_to_string("/etc/hostname"));
    let host = host.unwrap_or_default();
    match host.trim().split('.').next() {
        Some(name) if !name.is_empty() => format!("gimmal-{name}"),
        _ => "gimmal".to_owned(),
    }
}

async fn logout(context: Context<'_>) -> anyhow::Result<()> {
    let (settings, file) = context.credentials()?;
    let mut stored = file.load()?;
    let id = stored.default_id().map(str::to_owned);
    let Some((id, key)) = id.and_then(|id| stored.remove(&id).map(|key| (id, key))) else {
        return Err(Failure::usage(
            "no API key is stored: `gimmal tinker auth login` stores one",
        ));
    };
    let is_ours = key.member("type").and_then(|kind| kind.as_str()) == Some(GENERATED);
    let deleted = if is_ours {
        let service = settings.with_api_key(key.key().clone()).build();
        let deleted = async { service?.delete_own_key().await };
        Some(deleted.await)
    } else {
        None
    };
    file.save(&stored)?;
    let page = pages::api_key(&id);
    match deleted {
        Some(Err(error)) => Err(Failure::service(format!(
            "the key `{}` is forgotten here, but the service did not delete it ({error}): \
             delete it on {page}",
            key.name()
        ))),
        deleted => {
            let is_deleted = deleted.is_some();
            if context.json {
                let name = key.name();
                return output::json(&json!({
                    "key_id": id, "name": name, "deleted_at_the_service": is_deleted,
                }));
            }
            output::line(&match is_deleted {
                true => format!(
                    "forgot the key `{}` and deleted it at the service",
                    key.name()
                ),
                false => format!(
                    "forgot the key `{}`; the service still takes it until it is deleted on {page}",
                    key.name()
                ),
            })
        }
    }
}

async fn status(context: Context<'_>) -> anyhow::Result<ExitCode> {
    let settings = context.settings();
    let config = settings.config()?;
    let mut known = json!({"credentials_available": settings.has_credentials()});
    if !settings.has_credentials() {
        tell(context, &known, &["credentials available: no".to_owned()])?;
        writeln!(
            std::io::stderr(),
            "run `gimmal tinker auth login`, or set TINKER_API_KEY"
        )?;
        return Ok(ExitCode::from(exit::USAGE));
    }
    let source = match (&config.api_key, &config.credential_cmd) {
        (Some(key), _) => key.source.to_string(),
        (None, Some(command)) => command.source.to_string(),
        (None, None) => String::new(),
    };
    let accessible = settings.build()?.check_access().await;
    known["source"] = source.as_str().into();
    known["tinker_accessible"] = accessible.is_ok().into();
    let can = if accessible.is_ok() { "yes" } else { "no" };
    let lines = [
        format!("credentials available: yes ({source})"),
        format!("Tinker accessible: {can}"),
    ];
    tell(context, &known, &lines)?;
    accessible?;
    Ok(ExitCode::SUCCESS)
}

fn tell(context: Context<'_>, known: &serde_json::Value, lines: &[String]) -> anyhow::Result<()> {
    match context.json {
        true => output::json(known),
        false => output::line(&lines.join("\n")),
    }
}

async fn whoami(context: Context<'_>) -> anyhow::Result<()> {
    let connected = context.connect().await?;
    let who = connected.service.create_rest_client().whoami().await?;
    if context.json {
        output::json(&who)?;
    } else {
        let mut table = Table::of_values();
        let mut row = |name: &str, value: String| table.row([name.to_owned(), value]);
        row("email", who.email.unwrap_or_else(|| "N/A".to_owned()));
        row("user", who.user_urn);
        row("organization", who.org_urn);
        table.print()?;
    }
    connected.close().await;
    Ok(())
}
