//! Tar archives, plain or gzipped: the regular files in them, and nothing else.

use std::io::Read as _;

use bytes::Bytes;
use flate2::read::GzDecoder;

use crate::gemini::{errors::ApiError, resources::read};

const BLOCK: usize = 512;
/// What an archive may unpack to.
const MOST_BYTES: u64 = 256 << 20;

/// The files of an archive by their paths in it.
pub(super) fn unpack(archive: &[u8]) -> Result<Vec<(String, Bytes)>, ApiError> {
    let refused = |why: &str| read::invalid("file", why);
    let mut plain = Vec::new();
    let tar = if archive.starts_with(&[0x1f, 0x8b]) {
        let mut decoder = GzDecoder::new(archive).take(MOST_BYTES);
        let read = decoder.read_to_end(&mut plain);
        read.map_err(|_| refused("the archive is damaged"))?;
        plain.as_slice()
    } else {
        archive
    };
    let mut files = Vec::new();
    let mut rest = tar;
    while let Some((header, after)) = rest.split_at_checked(BLOCK) {
        // Two empty blocks end an archive; one is enough to know.
        if header.iter().all(|byte| *byte == 0) {
            return Ok(files);
        }
        let size = number(&header[124..136]).ok_or_else(|| refused("it is no tar archive"))?;
        let content = after
            .get(..size)
            .ok_or_else(|| refused("the archive ends in a file"))?;
        let path = match text(&header[345..500]) {
            prefix if prefix.is_empty() || &header[257..262] != b"ustar" => text(&header[..100]),
            prefix => format!("{prefix}/{}", text(&header[..100])),
        };
        if matches!(header[156], b'0' | 0) {
            files.push((path, Bytes::copy_from_slice(content)));
        }
        rest = after
            .get(size.div_ceil(BLOCK) * BLOCK..)
            .unwrap_or_default();
    }
    if files.is_empty() {
        return Err(refused("it is no tar archive"));
    }
    Ok(files)
}

fn text(field: &[u8]) -> String {
    let end = field
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(field.len());
    String::from_utf8_lossy(&field[..end]).into_owned()
}

/// A number in octal digits.
fn number(field: &[u8]) -> Option<usize> {
    let text = text(field);
    usize::from_str_radix(text.trim(), 8).ok()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn tar(files: &[(&str, &str)]) -> Vec<u8> {
        let mut archive = Vec::new();
        for (path, content) in files {
            let mut header = vec![0_u8; BLOCK];
            header[..path.len()].copy_from_slice(path.as_bytes());
            let size = format!("{:011o}\0", content.len());
            header[124..136].copy_from_slice(size.as_bytes());
            header[156] = b'0';
            archive.extend(header);
            archive.extend(content.as_bytes());
            archive.resize(archive.len().div_ceil(BLOCK) * BLOCK, 0);
        }
        archive.extend([0; 2 * BLOCK]);
        archive
    }

    #[test]
    fn archives_are_unpacked_plain_and_gzipped() {
        let archive = tar(&[("a/b.txt", "hello"), ("c.txt", "")]);
        let expected = vec![
            ("a/b.txt".to_owned(), Bytes::from_static(b"hello")),
            ("c.txt".to_owned(), Bytes::new()),
        ];
        assert_eq!(unpack(&archive), Ok(expected.clone()));
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&archive).expect("to memory");
        assert_eq!(unpack(&gzip.finish().expect("to memory")), Ok(expected));
    }

    #[test]
    fn what_is_no_archive_is_refused() {
        let archive = tar(&[("a", "hello")]);
        for bad in [
            &b"hello"[..],
            &[b'x'; 600],
            &archive[..514],
            &[0x1f, 0x8b, 1],
        ] {
            assert!(unpack(bad).is_err());
        }
    }
}
