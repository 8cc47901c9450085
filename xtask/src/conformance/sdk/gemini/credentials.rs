//! Credentials: secrets that agents may use and nobody reads again.

use anyhow::ensure;
use gimmal_client::types::gemini::credentials::{
    Credential, CredentialCreateParams, CredentialType, CredentialUpdate,
};
use serde_json::{Value, json};

use super::bench::{declined, of, paged, same, sorted};
use crate::conformance::sdk::ours::{Backend, Bench, Cases};

const SECRET: &str = "secret-1";

pub(super) fn add(cases: &mut Cases) {
    let mut create = cases.group(Backend::BOTH, "credentials.create");
    for (row, kind) in kinds() {
        create.add(format!("kind:{row}"), move |bench| {
            creates(bench, kind.clone())
        });
    }
    let mut get = cases.group(Backend::BOTH, "credentials.get");
    get.add("name", gets);
    let mut list = cases.group(Backend::BOTH, "credentials.list");
    for size in [1, 2, 9] {
        list.add(format!("page size:{size}"), move |bench| lists(bench, size));
    }
    let mut update = cases.group(Backend::BOTH, "credentials.update");
    update.add("secret", updates);
    update.add("other kind", updates_another_kind);
    let mut delete = cases.group(Backend::BOTH, "credentials.delete");
    delete.add("gone afterwards", deletes);
}

fn bearer() -> Value {
    json!({"type": "bearer_token", "token": SECRET})
}

fn kinds() -> [(&'static str, Value); 3] {
    let oauth = json!({
        "type": "oauth2", "client_id": "c", "client_secret": SECRET, "refresh_token": "r",
        "token_url": "https://example.com/token",
    });
    let variable = json!({
        "type": "environment_variable", "value": SECRET, "injection_location": ["header"],
    });
    [
        ("bearer token", bearer()),
        ("OAuth", oauth),
        ("variable", variable),
    ]
}

async fn made(bench: &Bench, id: &str, mut kind: Value) -> anyhow::Result<Credential> {
    kind["id"] = json!(id);
    let params: CredentialCreateParams = of(kind)?;
    let call = bench.client()?.credentials().create(params);
    Ok(call.send().await?.into_body())
}

fn update(json: Value) -> anyhow::Result<CredentialUpdate> {
    of(json)
}

/// Fails when the secret can be read, printed or written down.
fn is_kept(credential: &Credential) -> anyhow::Result<()> {
    let shown = format!("{credential:?} {}", json!(credential));
    ensure!(!shown.contains(SECRET), "{shown}");
    Ok(())
}

async fn creates(bench: Bench, kind: Value) -> anyhow::Result<()> {
    let made = made(&bench, "quay", kind.clone()).await?;
    same(made.id.as_deref(), Some("quay"))?;
    same(&json!(made.credential_type), &kind["type"])?;
    is_kept(&made)
}

async fn gets(bench: Bench) -> anyhow::Result<()> {
    made(&bench, "quay", bearer()).await?;
    let found = bench.client()?.credentials().get("quay").send().await?;
    let found = found.into_body();
    same(
        found.credential_type.as_ref(),
        Some(&CredentialType::BearerToken),
    )?;
    is_kept(&found)
}

async fn lists(bench: Bench, size: u8) -> anyhow::Result<()> {
    let names = ["harbour", "pier", "quay"];
    for id in names {
        made(&bench, id, bearer()).await?;
    }
    let list = bench.client()?.credentials().list();
    let list = list.set_page_size(size.into()).items();
    let found = paged(list, size.into()).await?.into_iter();
    same(sorted(found.map(|credential| credential.id)), names)
}

async fn updates(bench: Bench) -> anyhow::Result<()> {
    made(&bench, "quay", bearer()).await?;
    let update = update(json!({"type": "bearer_token", "token": "secret-2"}))?;
    let call = bench.client()?.credentials().update("quay", update);
    same(call.send().await?.into_body().id.as_deref(), Some("quay"))
}

async fn updates_another_kind(bench: Bench) -> anyhow::Result<()> {
    made(&bench, "quay", bearer()).await?;
    let update = update(json!({"type": "oauth2", "client_id": "x"}))?;
    let call = bench.client()?.credentials().update("quay", update);
    declined(call.send().await, 400)
}

async fn deletes(bench: Bench) -> anyhow::Result<()> {
    made(&bench, "quay", bearer()).await?;
    let credentials = bench.client()?.credentials();
    credentials.delete("quay").send().await?;
    declined(credentials.get("quay").send().await, 404)
}
