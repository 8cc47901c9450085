//! Checkpoints from the server to the disk.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use gimmal_client::tinker::UnpackLimits;
use gimmal_client::transport::download::Digest;
use gimmal_emulator::{Fault, FaultRule, RouteMatcher};

use super::support::Bench;

const FILES: [&str; 2] = ["adapter_config.json", "adapter_model.safetensors"];

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
    let mut names: Vec<String> = entries.map(|entry| name(entry.unwrap())).collect();
    names.sort();
    names
}

/// Covers: CHK-DL-1, RestClient.get_external_weights_urls
#[tokio::test]
async fn chk_dl_1_an_archive_is_unpacked_in_its_place() {
    let bench = Bench::start().await;
    let training = bench.training().await;
    let saved = training.save_state("0001").await.unwrap();
    let rest = bench.service.create_rest_client();
    let folder = tempfile::tempdir().unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let note = Arc::clone(&told);
    let download = || {
        rest.download_checkpoint(&saved.path)
            .with_folder(folder.path())
    };
    let done = download()
        .with_progress(move |progress| note.lock().unwrap().push(progress))
        .await
        .unwrap();
    let place = folder
        .path()
        .join(format!("{}_weights_0001", training.model_id()));
    assert_eq!(
        (done.path.as_path(), done.unpacked.files),
        (place.as_path(), 2)
    );
    assert_eq!(names(&place), FILES);
    assert_eq!(names(folder.path()).len(), 1, "nothing is left beside it");
    let last = *told.lock().unwrap().last().unwrap();
    assert_eq!(Some(last.bytes), last.total);

    let before = bench.emulator.journal().count(RouteMatcher::any());
    let taken = download().await.unwrap_err();
    assert!(taken.to_string().contains("could not create"), "{taken}");
    assert_eq!(
        bench.emulator.journal().count(RouteMatcher::any()),
        before,
        "nothing is fetched"
    );

    fs::write(place.join("old"), "old").unwrap();
    download().with_overwrite().await.unwrap();
    assert_eq!(names(&place), FILES);
}

/// Covers: CHK-DL-1
#[tokio::test]
async fn chk_dl_1_no_checkpoint_leaves_nothing_in_its_place() {
    let bench = Bench::start().await;
    let training = bench.training().await;
    let rest = bench.service.create_rest_client();
    let folder = tempfile::tempdir().unwrap();
    let missing = format!("tinker://{}/weights/none", training.model_id());
    let error = rest
        .download_checkpoint(missing)
        .with_folder(folder.path())
        .await;
    assert_eq!(error.unwrap_err().status().unwrap(), 404);

    let saved = training.save_state("0001").await.unwrap();
    let download = || {
        rest.download_checkpoint(&saved.path)
            .with_folder(folder.path())
    };
    let other = Digest::of_sha256(b"something else");
    let error = download().with_expected_digest(other).await.unwrap_err();
    assert!(error.to_string().contains("sha256"), "{error}");
    let limits = UnpackLimits::default().with_max_bytes(10);
    download().with_limits(limits).await.unwrap_err();
    for name in names(folder.path()) {
        assert!(name.starts_with('.'), "{name} is in place");
    }
    for path in ["run/weights/0001", "tinker://run/0001"] {
        let error = rest.download_checkpoint(path).await.unwrap_err();
        assert_eq!(error.field(), Some("tinker_path"));
    }
}

/// Covers: CHK-DL-1
#[tokio::test]
async fn chk_dl_1_external_weights_come_file_by_file_and_are_resumed() {
    let bench = Bench::start().await;
    let training = bench.training().await;
    let saved = training.save_weights_external("e").await.unwrap();
    let rest = bench.service.create_rest_client();
    let urls = rest.get_external_weights_urls(&saved.path).await.unwrap();
    assert_eq!(urls.urls.keys().collect::<Vec<_>>(), FILES);
    let folder = tempfile::tempdir().unwrap();
    let cut = FaultRule::new(Fault::cut_stream(100))
        .on(RouteMatcher::any().with_path_part("downloads"))
        .at_most(3);
    bench.emulator.chaos().add(cut);
    let download = rest.download_checkpoint(&saved.path);
    let done = download.with_folder(folder.path()).await.unwrap();
    assert_eq!(names(&done.path), FILES);
    let weights = fs::read(done.path.join(FILES[1])).unwrap();
    let config = fs::read(done.path.join(FILES[0])).unwrap();
    assert_eq!(done.unpacked.bytes, (weights.len() + config.len()) as u64);
    safetensors::SafeTensors::deserialize(&weights).unwrap();
    let files = RouteMatcher::any().with_path_part("downloads");
    let requests = bench.emulator.journal().requests(files);
    assert!(requests.len() > FILES.len(), "some were cut");
    for request in &requests {
        assert!(request.headers().get("x-api-key").is_none());
    }
    assert!(
        requests
            .iter()
            .any(|request| request.headers().contains_key("range"))
    );
}

#[tokio::test]
async fn training_weights_come_from_a_model_of_a_moment() {
    let bench = Bench::start().await;
    let training = bench.training().await;
    let saved = training.save_state("0001").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let download = || {
        let place = folder.path().to_owned();
        bench
            .service
            .download_training_weights(&saved.path, |download| download.with_folder(place))
    };
    let done = download().await.unwrap();
    let name = format!("{}_weights_0001", training.model_id());
    assert_eq!(done.path, folder.path().join(name));
    assert_eq!(names(&done.path), FILES);
    let rest = bench.service.create_rest_client();
    let left = rest.list_user_checkpoints(100, 0).await.unwrap();
    let left: Vec<_> = left
        .checkpoints
        .iter()
        .map(|left| &left.tinker_path)
        .collect();
    assert_eq!(left, [&saved.path], "the files at the server are gone");

    let models = RouteMatcher::any().with_path_part("load_weights");
    let before = bench.emulator.journal().count(models.clone());
    download().await.unwrap_err();
    assert_eq!(
        bench.emulator.journal().count(models),
        before,
        "the place is taken"
    );
}
