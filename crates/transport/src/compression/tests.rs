//! Packing and unpacking, with all codings that are built in.

use std::num::NonZeroU32;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::body::ByteStream;
use crate::compression::{ContentCoding, Decompressor, RequestCompression, unpack};
use crate::error::{Error, ErrorKind, Persistence};

fn packing() -> Vec<ContentCoding> {
    let all = [ContentCoding::Gzip, ContentCoding::Zstd];
    all.into_iter().filter(|it| it.is_built_in()).collect()
}

fn packed(coding: ContentCoding, body: &[u8]) -> Vec<u8> {
    coding.pack(body).unwrap()
}

/// Unpacks chunks of this size.
fn plain(mut decompressor: Decompressor, body: &[u8], chunk: usize) -> Result<Vec<u8>, Error> {
    let mut plain = Vec::new();
    for chunk in body.chunks(chunk.max(1)) {
        decompressor.push(Bytes::copy_from_slice(chunk));
        while let Some(piece) = decompressor.next_piece() {
            plain.extend(piece?);
        }
    }
    decompressor.finish();
    while let Some(piece) = decompressor.next_piece() {
        plain.extend(piece?);
    }
    Ok(plain)
}

fn of(coding: ContentCoding) -> Decompressor {
    Decompressor::new(coding).unwrap()
}

proptest! {
    #[test]
    fn chunk_boundaries_do_not_matter(
        body in vec(any::<u8>(), 0..3_000),
        repeat in 1..20_usize,
        chunk in 1..100_usize,
    ) {
        let body = body.repeat(repeat);
        for coding in packing() {
            let packed = packed(coding, &body);
            prop_assert_eq!(&plain(of(coding), &packed, chunk).unwrap(), &body);
            prop_assert_eq!(&plain(of(coding), &packed, usize::MAX).unwrap(), &body);
        }
    }

    #[test]
    fn whatever_comes_there_is_an_end(start in 0..3_usize, noise in vec(any::<u8>(), 0..300)) {
        for coding in packing().into_iter().chain([ContentCoding::Deflate]) {
            let Some(decompressor) = Decompressor::new(coding) else { continue };
            let mut body = [&b""[..], b"\x1f\x8b\x08\0", b"\x28\xb5\x2f\xfd"][start].to_vec();
            body.extend(&noise);
            let _ = plain(decompressor, &body, 7);
        }
    }
}

#[test]
fn several_members_are_one_body() {
    for coding in packing() {
        let body = [
            packed(coding, b"one "),
            packed(coding, b""),
            packed(coding, b"two"),
        ]
        .concat();
        for chunk in [1, usize::MAX] {
            assert_eq!(plain(of(coding), &body, chunk).unwrap(), b"one two");
        }
    }
}

#[test]
fn an_empty_body_stays_empty() {
    for coding in packing() {
        assert_eq!(plain(of(coding), b"", 1).unwrap(), b"");
    }
}

#[test]
fn chk_gz_1_what_is_not_packed_is_handed_on() {
    for coding in packing() {
        for body in [&b"{\"a\": 1}"[..], b"x", b"not packed at all"] {
            assert_eq!(plain(of(coding), body, 1).unwrap(), body);
            assert_eq!(plain(of(coding), body, usize::MAX).unwrap(), body);
        }
    }
}

#[test]
fn a_body_that_ends_early_is_a_lost_connection() {
    for coding in packing() {
        let body = packed(coding, b"some text that is long enough to be cut");
        for cut in 1..body.len() {
            let error = plain(of(coding), &body[..cut], usize::MAX).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Io, "{coding} cut at {cut}");
            assert_eq!(error.persistence(), Persistence::Temporary);
            let expected = format!("connection failed: {coding} data ends early");
            assert_eq!(error.to_string(), expected);
        }
    }
}

#[test]
fn corrupt_data_is_an_error_that_says_so() {
    for coding in packing() {
        let mut wrong = packed(coding, &b"some text, ".repeat(100));
        // The first byte after the fixed part of the header cannot have all bits set.
        let first = if coding == ContentCoding::Gzip { 10 } else { 4 };
        wrong[first] = 0xff;
        let mut followed = packed(coding, b"text");
        followed.extend(b"and more");
        for body in [wrong, followed] {
            let error = plain(of(coding), &body, usize::MAX).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode);
            let expected = format!("reply could not be read: {coding} data is corrupt: ");
            assert!(error.to_string().starts_with(&expected), "{error}");
        }
    }
}

#[cfg(feature = "gzip")]
#[test]
fn a_wrong_checksum_is_noticed() {
    let mut body = packed(ContentCoding::Gzip, b"text");
    let checksum = body.len() - 8;
    body[checksum] ^= 1;
    let error = plain(of(ContentCoding::Gzip), &body, usize::MAX).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
}

#[cfg(feature = "gzip")]
#[test]
fn deflate_comes_with_and_without_its_wrapper() {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, ZlibEncoder};

    let mut wrapped = ZlibEncoder::new(Vec::new(), Compression::fast());
    wrapped.write_all(b"{\"text\": 1}").unwrap();
    let mut bare = DeflateEncoder::new(Vec::new(), Compression::fast());
    bare.write_all(b"{\"text\": 1}").unwrap();
    for body in [wrapped.finish().unwrap(), bare.finish().unwrap()] {
        for chunk in [1, usize::MAX] {
            let plain = plain(of(ContentCoding::Deflate), &body, chunk);
            assert_eq!(plain.unwrap(), b"{\"text\": 1}");
        }
    }
}

#[test]
fn a_bomb_is_stopped_by_its_ratio() {
    let mebibyte = 1024 * 1024;
    let ratio = NonZeroU32::new(200).unwrap();
    for coding in packing() {
        let harmless = packed(coding, &vec![0; 16 * mebibyte]);
        let plain_harmless = plain(of(coding).with_max_ratio(ratio), &harmless, 1000);
        assert_eq!(plain_harmless.unwrap().len(), 16 * mebibyte);

        let bomb = packed(coding, &vec![0; 64 * mebibyte]);
        let mut decompressor = of(coding).with_max_ratio(ratio);
        decompressor.push(bomb.into());
        let mut unpacked = 0;
        let error = loop {
            match decompressor.next_piece().unwrap() {
                Ok(piece) => unpacked += piece.len(),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::ResponseTooLarge);
        assert_eq!(error.persistence(), Persistence::Permanent);
        assert!(unpacked <= 17 * mebibyte, "{unpacked} bytes got through");
        assert!(decompressor.next_piece().is_none(), "the error is the end");
    }
}

#[cfg(feature = "zstd")]
#[test]
fn a_zstd_window_beyond_the_standard_is_refused() {
    use std::io::Write;

    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(27).unwrap();
    encoder.include_contentsize(false).unwrap();
    encoder.write_all(&vec![7; 200_000]).unwrap();
    encoder.flush().unwrap();
    let body = encoder.finish().unwrap();
    let error = plain(of(ContentCoding::Zstd), &body, usize::MAX).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
}

#[tokio::test]
async fn a_long_run_of_pieces_lets_other_tasks_go() {
    for coding in packing() {
        let body = ByteStream::from_bytes(packed(coding, &vec![0; 1024 * 1024]).into());
        let mut body = unpack(body, Some(coding), None);
        let (mut pieces, mut pauses) = (0, 0);
        while let Some(piece) = stream::poll_fn(|cx| {
            let polled = body.poll_next_unpin(cx);
            pauses += u32::from(polled.is_pending());
            polled
        })
        .next()
        .await
        {
            piece.unwrap();
            pieces += 1;
        }
        assert_eq!((pieces, pauses), (64, 8), "{coding}");
    }
}

#[tokio::test]
async fn a_stream_that_ends_early_is_interrupted() {
    for coding in packing() {
        let body = packed(coding, b"some text that is long enough to be cut");
        let cut = body.len() - 3;
        let body = ByteStream::from_bytes(Bytes::copy_from_slice(&body[..cut]));
        let mut stream = unpack(body, Some(coding), Some(NonZeroU32::MAX));
        let error = loop {
            if let Err(error) = stream.next().await.unwrap() {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::StreamInterrupted);
        assert_eq!(error.bytes_received(), Some(cut as u64));
        assert!(stream.next().await.is_none());
    }
}

fn settings() -> Vec<RequestCompression> {
    vec![
        #[cfg(feature = "gzip")]
        RequestCompression::gzip(),
        #[cfg(feature = "zstd")]
        RequestCompression::zstd(),
    ]
}

#[tokio::test]
async fn only_bodies_that_shrink_are_packed() {
    for setting in settings() {
        let long = Bytes::from(vec![b'x'; 14 * 1024]);
        let (packed, coding) = setting.pack(&long).await.unwrap();
        assert!(packed.len() < 100);
        assert_eq!(plain(of(coding), &packed, 50).unwrap(), long);

        let short = long.slice(1..);
        assert!(setting.pack(&short).await.is_none(), "below the threshold");
        let eager = setting.with_min_bytes(0);
        assert!(eager.pack(&short).await.is_some());
        assert!(eager.pack(&Bytes::from_static(b"{}")).await.is_none());
        assert!(eager.pack(&Bytes::new()).await.is_none());
    }
    let off = RequestCompression::off().with_min_bytes(0);
    assert!(off.pack(&Bytes::from(vec![0; 1_000])).await.is_none());
}

#[tokio::test]
async fn a_long_body_is_packed_elsewhere_with_the_same_result() {
    let long = Bytes::from(vec![b'x'; 1024 * 1024]);
    for setting in settings() {
        let (packed, coding) = setting.pack(&long).await.unwrap();
        assert_eq!(packed, coding.pack(&long).unwrap());
    }
}

#[test]
fn without_a_runtime_a_long_body_is_packed_on_the_spot() {
    let long = Bytes::from(vec![b'x'; 1024 * 1024]);
    for setting in settings() {
        let packed = futures_util::FutureExt::now_or_never(setting.pack(&long));
        assert!(packed.unwrap().is_some());
    }
}
