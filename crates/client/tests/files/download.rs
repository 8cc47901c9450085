//! Reading files: whole, in pieces, as they arrive and to the disk.

use futures_util::TryStreamExt as _;
use gimmal_client::transport::testing::Reply;
use gimmal_client::types::gemini::{File, GeneratedVideo, Video};
use http::{HeaderName, HeaderValue};

use crate::service::scripted;

const URI: &str = "https://generativelanguage.googleapis.com/v1beta/files/a:download?alt=media";

fn whole() -> Reply {
    Reply::status(200).with_chunk("01234").with_chunk("56789")
}

fn piece() -> Reply {
    let name = HeaderName::from_static("content-range");
    let range = HeaderValue::from_static("bytes 3-6/10");
    Reply::status(206)
        .with_chunk("3456")
        .with_header(name, range)
}

#[tokio::test]
async fn a_file_is_found_by_all_that_names_it() {
    let (client, http) = scripted([whole(), whole(), whole(), whole()]);
    let files = client.files();
    let video = Video::new().set_uri(URI);
    let file = File::new().set_name("files/a").set_download_uri(URI);
    for download in [
        files.download("a"),
        files.download(&file),
        files.download(&video),
        files.download(&GeneratedVideo::new().set_video(video.clone())),
    ] {
        assert_eq!(download.send().await.unwrap().into_body(), "0123456789");
    }
    for request in http.requests() {
        assert_eq!(request.path_and_query(), "/v1/files/a:download?alt=media");
    }
}

#[tokio::test]
async fn a_piece_is_a_piece_whether_the_server_knows_ranges_or_not() {
    for served in [piece, whole] {
        let (client, http) = scripted([served(), served()]);
        let files = client.files();
        let read = files.download("a").set_range(3..7).send().await.unwrap();
        assert_eq!(read.into_body(), "3456");
        let streamed = files.download("a").set_range(3..=6).stream().await.unwrap();
        let pieces: Vec<_> = streamed.into_body().try_collect().await.unwrap();
        assert_eq!(pieces.concat(), b"3456");
        for request in http.requests() {
            assert_eq!(request.header("range"), Some("bytes=3-6"));
        }
    }
}

#[tokio::test]
async fn a_file_is_saved_and_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("film.mp4");
    let (client, http) = scripted([whole(), whole()]);
    let files = client.files();
    let saved = files.download("a").save(&target).await.unwrap();
    assert_eq!(saved.bytes, 10);
    assert_eq!(std::fs::read(&target).unwrap(), b"0123456789");

    let error = files.download("a").save(&target).await.unwrap_err();
    assert!(error.to_string().contains("film.mp4"), "{error}");
    assert_eq!(http.request_count(), 1);
    let again = files.download("a").with_overwrite().save(&target);
    assert_eq!(again.await.unwrap().bytes, 10);

    let piece = files.download("a").set_range(..5).save(&target);
    let error = piece.await.unwrap_err();
    assert!(error.to_string().contains("only whole files"), "{error}");
}
