//! Environments and their files against the emulator.

use std::num::NonZeroU64;

use futures_util::TryStreamExt as _;
use gimmal_client::types::gemini::interactions::{Network, NetworkEnum, Source, SourceType};
use gimmal_emulator::Emulator;
use http::StatusCode;

use crate::support::{AGENT, FACT, emulated, in_time};

/// Covers: environments.create_environment, environments.get_environment,
/// environments.list_environments, environments.delete_environment,
/// Environments.create, Environments.get, Environments.list, Environments.delete,
/// environments.files.list, environments.files.start_upload
#[tokio::test]
async fn files_go_in_and_come_out() {
    let unit = NonZeroU64::new(256 << 10).unwrap();
    let builder = Emulator::builder().with_upload_granularity(unit);
    let (client, emulator) = emulated(builder, false).await;
    let environments = client.environments();
    let source = Source::new()
        .set_source_type(SourceType::Inline)
        .set_content(FACT)
        .set_target("/notes/ferry.txt");
    let call = environments.create().set_sources([source]);
    let call = call.set_network(Network::Mode(NetworkEnum::Disabled));
    let made = in_time(call.send()).await.unwrap().into_body();
    let id = made.id.unwrap();
    let files = environments.files(&id);
    let read = in_time(files.download("notes/ferry.txt").send()).await;
    assert_eq!(read.unwrap().into_body(), FACT);

    let content = vec![7_u8; 600_000];
    let call = files.upload("notes/a b.bin", content.clone());
    let call = call.with_chunk_bytes(unit);
    let sent = in_time(call.set_mime_type("application/x-sevens").send()).await;
    assert_eq!(sent.unwrap().status(), 200);
    let read = in_time(files.download("notes/a b.bin").stream()).await;
    let read = in_time(
        read.unwrap()
            .into_body()
            .try_fold(0, |sum, chunk| async move { Ok(sum + chunk.len()) }),
    );
    assert_eq!(read.await.unwrap(), content.len());
    let twice = in_time(files.upload("notes/a b.bin", vec![8_u8]).send()).await;
    let twice = twice.unwrap_err();
    assert_eq!(twice.status(), Some(StatusCode::CONFLICT), "{twice}");
    let over = files
        .upload("notes/a b.bin", vec![8_u8])
        .set_overwrite(true);
    in_time(over.send()).await.unwrap();
    let listed = files.list("notes").set_page_size(1).items().collect_all();
    let listed = in_time(listed).await.unwrap();
    let names: Vec<_> = listed
        .iter()
        .filter_map(|file| file.name.as_deref())
        .collect();
    assert_eq!(names, ["a b.bin", "ferry.txt"]);

    let copy = environments.create().set_from_environment(&id);
    let copy = in_time(copy.send()).await.unwrap().into_body().id.unwrap();
    let call = client.interactions().create_with_agent(AGENT);
    let call = call.set_input("Hello").set_environment(copy.as_str());
    let told = in_time(call.send()).await.unwrap().into_body();
    assert_eq!(told.environment_id.as_deref(), Some(copy.as_str()));
    in_time(environments.delete(&id).send()).await.unwrap();
    assert!(in_time(environments.get(&id).send()).await.is_err());
    let left = in_time(environments.list().items().collect_all()).await;
    assert_eq!(left.unwrap().len(), 1);
    emulator.shutdown().await;
}
