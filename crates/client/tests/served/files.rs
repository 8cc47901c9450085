//! Files: there and back again, through broken lines and other processes.

use std::io::Cursor;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use gimmal_client::ErrorKind;
use gimmal_client::gemini::GeminiClient;
use gimmal_client::transport::{Source, UploadSession};
use gimmal_client::types::gemini::{Content, FileState, Part};
use gimmal_emulator::{Fault, FaultRule, Route};

use crate::support::{UNIT, World};

const FACT: &str = "The night porter keeps the spare keys in a blue tin.";

fn content() -> Vec<u8> {
    (0..10_000_u32).map(|n| (n % 251) as u8).collect()
}

/// What the emulator has of a file.
async fn kept(client: &GeminiClient, name: &str) -> Vec<u8> {
    let read = client.files().download(name).send().await.unwrap();
    read.into_body().to_vec()
}

/// Covers: files.create, Files.download
#[tokio::test]
async fn from_the_disk_from_memory_and_from_a_reader() {
    let world = World::with(|emulator| emulator.with_downloadable_uploads()).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("numbers.pdf");
    std::fs::write(&path, content()).unwrap();
    for source in [
        Source::open(&path).await.unwrap(),
        Source::from(content()),
        Source::from_reader(Cursor::new(content())),
    ] {
        let files = world.client.files();
        let upload = files.upload(source).set_mime_type("application/pdf");
        let upload = upload.with_chunk_bytes(UNIT).set_display_name("Numbers");
        let file = upload.send().await.unwrap().into_body();
        assert_eq!(file.size_bytes, Some(10_000));
        assert_eq!(file.mime_type.as_deref(), Some("application/pdf"));
        assert_eq!(file.display_name.as_deref(), Some("Numbers"));
        assert_eq!(file.state, Some(FileState::Active));
        let name = file.name.unwrap();
        assert_eq!(kept(&world.client, &name).await, content());
    }
    let sent = world.emulator.journal().count(Route::UploadContent);
    assert_eq!(sent, 3 * 10, "ten chunks each");
}

#[tokio::test]
async fn a_broken_line_costs_what_was_on_its_way() {
    let cut = FaultRule::new(Fault::cut_upload(700)).on(Route::UploadContent);
    let lost = FaultRule::new(Fault::reset()).on(Route::UploadContent);
    let busy = FaultRule::new(Fault::unavailable()).on(Route::UploadContent);
    let world = World::with(|emulator| {
        emulator
            .with_downloadable_uploads()
            .with_fault(cut.after(2).at_most(1))
            .with_fault(lost.after(6).at_most(1))
            .with_fault(busy.after(9).at_most(2))
    })
    .await;
    let files = world.client.files();
    let upload = files.upload(content()).set_mime_type("text/plain");
    let file = upload.with_chunk_bytes(UNIT).send().await.unwrap();
    let name = file.into_body().name.unwrap();
    assert_eq!(kept(&world.client, &name).await, content());

    let journal = world.emulator.journal().requests(Route::UploadContent);
    let header = |name: &str| {
        let values = journal.iter().map(|request| {
            let value = request.headers().get(name);
            value.map(|it| it.to_str().unwrap().to_owned())
        });
        values.collect::<Vec<_>>()
    };
    let commands = header("x-goog-upload-command");
    let queries = commands.iter().flatten().filter(|it| *it == "query");
    assert!(queries.count() >= 3, "{commands:?}");
    // 700 bytes of the third chunk had arrived, and it goes on right behind them.
    let offsets = header("x-goog-upload-offset");
    assert!(
        offsets.contains(&Some((2 * 1024 + 700).to_string())),
        "{offsets:?}"
    );
}

#[tokio::test]
async fn an_upload_goes_on_in_another_process() {
    let world = World::with(|emulator| emulator.with_downloadable_uploads()).await;
    let files = world.client.files();
    let upload = files.upload(content()).set_mime_type("text/plain");
    let upload = upload.with_chunk_bytes(UNIT);
    let session = upload.start().await.unwrap();
    let saved = serde_json::to_string(&session).unwrap();
    // The process that began it dies in its fourth request.
    let cut = FaultRule::new(Fault::cut_upload(100)).on(Route::UploadContent);
    world.emulator.chaos().add(cut.after(3));
    let dying = upload.resume(&session);
    dying.await.unwrap_err();
    world.emulator.chaos().clear();
    world.emulator.journal().clear();

    let session: UploadSession = serde_json::from_str(&saved).unwrap();
    let files = world.client.files();
    let upload = files.upload(content()).set_mime_type("text/plain");
    let file = upload.with_chunk_bytes(UNIT).resume(&session).await;
    let file = file.unwrap().into_body();
    assert_eq!(
        kept(&world.client, file.name.as_deref().unwrap()).await,
        content()
    );
    let first = &world.emulator.journal().requests(Route::UploadContent)[0];
    assert_eq!(first.headers()["x-goog-upload-command"], "query");
}

/// Covers: files.get
#[tokio::test]
async fn a_film_is_waited_for() {
    let world = World::with(|emulator| {
        emulator
            .with_file_processing(Duration::from_secs(90))
            .with_failing_file("broken")
    })
    .await;
    let files = world.client.files();
    let film = files.upload(content()).set_mime_type("video/mp4");
    let film = film.send().await.unwrap().into_body();
    assert_eq!(film.state, Some(FileState::Processing));
    let ready = files.wait_until_active(&film).await.unwrap();
    assert_eq!(ready.state, Some(FileState::Active));
    assert!(world.emulator.journal().count(Route::GetFile) > 2);

    let broken = files.upload(content()).set_mime_type("video/mp4");
    let broken = broken
        .set_display_name("a broken film")
        .send()
        .await
        .unwrap();
    let error = files.wait_until_active(&broken.into_body()).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OperationFailed);
    assert!(
        error.to_string().contains("could not be processed"),
        "{error}"
    );
}

/// Covers: files.list, files.delete
#[tokio::test]
async fn the_list_of_files_has_every_page_of_it() {
    let world = World::new().await;
    let files = world.client.files();
    for n in 0..5 {
        let upload = files.upload(b"x".to_vec()).set_mime_type("text/plain");
        upload.set_name(format!("page-{n}")).send().await.unwrap();
    }
    let listed: Vec<_> = files
        .list()
        .set_page_size(2)
        .items()
        .try_collect()
        .await
        .unwrap();
    let names: Vec<_> = listed.into_iter().map(|file| file.name.unwrap()).collect();
    assert_eq!(
        names,
        [
            "files/page-0",
            "files/page-1",
            "files/page-2",
            "files/page-3",
            "files/page-4"
        ]
    );
    assert_eq!(world.emulator.journal().count(Route::ListFiles), 3);
    files.delete("page-0").send().await.unwrap();
    let error = files.get("page-0").send().await.unwrap_err();
    assert_eq!(error.status().map(|it| it.as_u16()), Some(403));
    let error = files.upload(b"x".to_vec()).set_mime_type("text/plain");
    let error = error.set_name("page-1").send().await.unwrap_err();
    assert!(error.to_string().contains("already exists"), "{error}");
}

#[tokio::test]
async fn a_download_in_ranges_and_through_a_broken_line() {
    let world = World::with(|emulator| emulator.with_downloadable_uploads()).await;
    let files = world.client.files();
    let upload = files.upload(content()).set_mime_type("application/pdf");
    let file = upload.send().await.unwrap().into_body();
    let piece = files.download(&file).set_range(100..2_000).send().await;
    assert_eq!(piece.unwrap().into_body(), &content()[100..2_000]);
    let tail = files.download(&file).set_range(9_990..).stream().await;
    let tail: Vec<_> = tail.unwrap().into_body().try_collect().await.unwrap();
    assert_eq!(tail.concat(), &content()[9_990..]);

    let cut = FaultRule::new(Fault::cut_stream(3_000)).on(Route::DownloadFile);
    world.emulator.chaos().add(cut.at_most(2));
    world.emulator.journal().clear();
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("numbers.pdf");
    let saved = files.download(&file).save(&target).await.unwrap();
    assert_eq!(saved.bytes, 10_000);
    assert_eq!(std::fs::read(&target).unwrap(), content());
    let journal = world.emulator.journal().requests(Route::DownloadFile);
    let ranges: Vec<_> = journal.iter().map(|it| it.headers().get("range")).collect();
    assert_eq!(ranges.len(), 3);
    assert_eq!(ranges[1].unwrap(), "bytes=3000-");
    assert_eq!(ranges[2].unwrap(), "bytes=6000-");
}

#[tokio::test]
async fn a_prompt_refers_to_a_file() {
    let world = World::new().await;
    let files = world.client.files();
    let text = format!("The hotel has two doors. {FACT} Breakfast is at eight.");
    let upload = files.upload(text.into_bytes()).set_mime_type("text/plain");
    let file = upload.send().await.unwrap().into_body();
    let ask = |uri: &str| {
        let content = Content::new().set_role("user").set_parts([
            Part::file_data(uri, "text/plain"),
            Part::from("Where are the spare keys?"),
        ]);
        let models = world.client.models();
        models
            .generate_content("gemini-2.5-flash")
            .set_contents([content])
    };
    let reply = ask(file.uri.as_deref().unwrap()).send().await.unwrap();
    assert_eq!(reply.body().text().as_deref(), Some(FACT));
    let error = ask("files/none").send().await.unwrap_err();
    assert!(error.to_string().contains("File none"), "{error}");
}

/// Covers: files.register_files
#[tokio::test]
async fn objects_of_cloud_storage_become_files() {
    let world = World::new().await;
    let files = world.client.files();
    let registered = files.register("token", ["gs://bucket/talk.mp4"]).send();
    let registered = registered.await.unwrap().into_body();
    assert_eq!(registered.files[0].mime_type.as_deref(), Some("video/mp4"));
    let error = files
        .download(&registered.files[0])
        .send()
        .await
        .unwrap_err();
    assert!(error.to_string().contains("download URI"), "{error}");
}
