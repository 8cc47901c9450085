//! Voices: those there are, and those that were made.

use anyhow::ensure;
use gimmal_client::types::gemini::voices::{PromptedVoice, Voice, VoiceInput, VoiceType};

use super::bench::{declined, given, paged, same};
use crate::conformance::sdk::ours::{Backend, Bench, Cases};

pub(super) fn add(cases: &mut Cases) {
    let mut create = cases.group(Backend::BOTH, "voices.create");
    create.add("reply", reply);
    let mut get = cases.group(Backend::BOTH, "voices.get");
    get.add("name", gets);
    let mut list = cases.group(Backend::BOTH, "voices.list");
    list.add("one's own", lists_own);
    list.add("filter", filters);
    for size in [10, 20] {
        list.add(format!("page size:{size}"), move |bench| lists(bench, size));
    }
    let mut delete = cases.group(Backend::BOTH, "voices.delete");
    delete.add("gone afterwards", deletes);
}

async fn created(bench: &Bench) -> anyhow::Result<Voice> {
    let voice = VoiceInput::new()
        .set_voice_type(VoiceType::Prompted)
        .set_display_name("Skipper")
        .set_prompted(PromptedVoice::new().set_input("deep and weathered"));
    let call = bench.client()?.voices().create(voice).set_store(true);
    Ok(call.send().await?.into_body())
}

async fn reply(bench: Bench) -> anyhow::Result<()> {
    let made = created(&bench).await?;
    ensure!(made.id.is_some(), "no name");
    same(made.display_name.as_deref(), Some("Skipper"))
}

async fn gets(bench: Bench) -> anyhow::Result<()> {
    let id = given(created(&bench).await?.id)?;
    let found = bench.client()?.voices().get(&*id).send().await?;
    same(found.into_body().id, Some(id))
}

async fn lists_own(bench: Bench) -> anyhow::Result<()> {
    let made = created(&bench).await?;
    let list = bench
        .client()?
        .voices()
        .list()
        .add_type(VoiceType::Prompted);
    let own = list.items().collect_all().await?.into_iter();
    same(own.map(|voice| voice.id).collect::<Vec<_>>(), [made.id])
}

async fn filters(bench: Bench) -> anyhow::Result<()> {
    let list = bench.client()?.voices().list().add_gender("female");
    let list = list.add_type(VoiceType::Prebuilt).items();
    let found = list.collect_all().await?;
    ensure!(!found.is_empty(), "no voices");
    for voice in found {
        same(voice.gender.as_deref(), Some("female"))?;
    }
    Ok(())
}

async fn lists(bench: Bench, size: u8) -> anyhow::Result<()> {
    let list = bench.client()?.voices().list().set_page_size(size.into());
    let found = paged(list.items(), size.into()).await?;
    ensure!(found.len() > 20, "{} voices", found.len());
    Ok(())
}

async fn deletes(bench: Bench) -> anyhow::Result<()> {
    let id = given(created(&bench).await?.id)?;
    bench.client()?.voices().delete(&*id).send().await?;
    declined(bench.client()?.voices().get(id).send().await, 404)
}
