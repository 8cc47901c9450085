//! The boxes of an MP4 file (ISO/IEC 14496-12 and -15) around a stream of pictures: one track of
//! samples of the same length, all in one chunk.

use bytes::Bytes;

use crate::{
    engine::film::{
        Shape,
        frames::{self, Colour, PROFILE},
    },
    rng::Rng,
};

/// Units of time to the second.
const SCALE: u32 = 1_000;
/// How many pictures a second has.
const PICTURES: u32 = 2;
/// No rotation, no scaling: the matrix that leaves a picture as it is.
const AS_IT_IS: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];

/// A film of that many seconds. The same seed gives the same film.
pub(crate) fn film(shape: Shape, seconds: u32, seed: u64) -> Bytes {
    let pictures: Vec<Vec<u8>> = (0..seconds.max(1) * PICTURES)
        .map(|at| picture(shape, seed, at))
        .collect();
    let kind = boxed(b"ftyp", &[b"isom", &[0, 0, 2, 0], b"isomiso2avc1mp41"]);
    // The index has the same size wherever the pictures begin, so a first draft tells its size.
    let draft = index(shape, &pictures, 0).len();
    let begins = kind.len() + draft + 8;
    let index = index(shape, &pictures, u32::try_from(begins).unwrap_or(u32::MAX));
    let samples: Vec<&[u8]> = pictures.iter().map(Vec::as_slice).collect();
    [kind, index, boxed(b"mdat", &samples)].concat().into()
}

/// A picture with its length ahead of it, as samples are kept.
fn picture(shape: Shape, seed: u64, at: u32) -> Vec<u8> {
    let mut rng = Rng::new(seed);
    let mut sample = |low: u64, high: u64| (low + rng.next_u64() % (high - low)) as u8;
    let (blue, red, luma) = (sample(40, 216), sample(40, 216), sample(80, 160));
    let unit = frames::picture(shape, at % 2 == 1, |x, y| Colour {
        // A band of light wanders through the picture.
        luma: luma.saturating_add(if (u32::from(x + y) + at).is_multiple_of(4) {
            60
        } else {
            0
        }),
        blue,
        red,
    });
    [len(&unit).to_be_bytes().as_slice(), &unit].concat()
}

/// Everything there is to know about the film before its pictures.
fn index(shape: Shape, pictures: &[Vec<u8>], begins: u32) -> Vec<u8> {
    let step = SCALE / PICTURES;
    let count = u32::try_from(pictures.len()).unwrap_or(u32::MAX);
    let length = count * step;
    let sides = (u32::from(shape.width) << 16, u32::from(shape.height) << 16);
    let header = full(
        b"mvhd",
        0,
        &[
            &words(&[0, 0, SCALE, length, 0x1_0000]),
            &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            &words(&AS_IT_IS),
            &words(&[0, 0, 0, 0, 0, 0, 2]),
        ],
    );
    // Enabled, in the film and in its preview.
    let track = full(
        b"tkhd",
        7,
        &[
            &words(&[0, 0, 1, 0, length, 0, 0, 0, 0]),
            &words(&AS_IT_IS),
            &words(&[sides.0, sides.1]),
        ],
    );
    let media = boxed(
        b"mdia",
        &[
            // The language is "und", undetermined, in five bits a letter.
            &full(b"mdhd", 0, &[&words(&[0, 0, SCALE, length, 0x55C4_0000])]),
            &full(
                b"hdlr",
                0,
                &[&words(&[0]), b"vide", &words(&[0; 3]), b"film\0"],
            ),
            &boxed(
                b"minf",
                &[
                    &full(b"vmhd", 1, &[&words(&[0, 0])]),
                    // The samples are in this very file.
                    &boxed(
                        b"dinf",
                        &[&full(b"dref", 0, &[&words(&[1]), &full(b"url ", 1, &[])])],
                    ),
                    &table(shape, pictures, count, step, begins),
                ],
            ),
        ],
    );
    boxed(b"moov", &[&header, &boxed(b"trak", &[&track, &media])])
}

/// Where each sample is, how large it is and how long it lasts.
fn table(shape: Shape, pictures: &[Vec<u8>], count: u32, step: u32, begins: u32) -> Vec<u8> {
    let sizes: Vec<u32> = pictures.iter().map(|picture| len(picture)).collect();
    boxed(
        b"stbl",
        &[
            &full(b"stsd", 0, &[&words(&[1]), &entry(shape)]),
            &full(b"stts", 0, &[&words(&[1, count, step])]),
            &full(b"stsc", 0, &[&words(&[1, 1, count, 1])]),
            &full(b"stsz", 0, &[&words(&[0, count]), &words(&sizes)]),
            &full(b"stco", 0, &[&words(&[1, begins])]),
        ],
    )
}

/// How to read the samples.
fn entry(shape: Shape) -> Vec<u8> {
    let sequence = frames::sequence_parameters(shape);
    let picture = frames::picture_parameters();
    let short = |bytes: &[u8]| u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes();
    let configuration = boxed(
        b"avcC",
        &[
            &[1],
            &PROFILE,
            // Lengths of four bytes; one set of each kind.
            &[0xFF, 0xE1],
            &short(&sequence),
            &sequence,
            &[1],
            &short(&picture),
            &picture,
        ],
    );
    boxed(
        b"avc1",
        &[
            &[0, 0, 0, 0, 0, 0, 0, 1],
            &words(&[0; 4]),
            &shape.width.to_be_bytes(),
            &shape.height.to_be_bytes(),
            // 72 dots to the inch, one picture to the sample, no name, 24 bits of colour.
            &words(&[0x48_0000, 0x48_0000, 0]),
            &[0, 1],
            &[0; 32],
            &[0, 24, 0xFF, 0xFF],
            &configuration,
        ],
    )
}

fn boxed(name: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    [(len(&content) + 8).to_be_bytes().as_slice(), name, &content].concat()
}

/// A box with a version, which is 0, and flags.
fn full(name: &[u8; 4], flags: u32, parts: &[&[u8]]) -> Vec<u8> {
    boxed(name, &[&flags.to_be_bytes(), &parts.concat()])
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

fn len(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::gemini::media;

    #[test]
    fn a_film_says_how_long_it_lasts() {
        for (shape, seconds) in [(Shape::WIDE, 8), (Shape::TALL, 1)] {
            let film = film(shape, seconds, 7);
            let read = |range: std::ops::Range<u64>| {
                Ok(film.slice(range.start as usize..range.end as usize))
            };
            let found = media::duration(film.len() as u64, read);
            assert_eq!(found, Some(Duration::from_secs(seconds.into())));
        }
    }

    #[test]
    fn the_index_points_at_the_first_picture() {
        let film = film(Shape::WIDE, 2, 7);
        let at = film
            .windows(4)
            .position(|name| name == b"stco")
            .expect("a table");
        let begins = u32::from_be_bytes(film[at + 12..at + 16].try_into().expect("4 bytes"));
        let begins = begins as usize;
        assert_eq!(&film[begins - 4..begins], b"mdat");
        assert_eq!(film[begins + 4], 0x65, "a picture of its own");
        let first = u32::from_be_bytes(film[begins..begins + 4].try_into().expect("4 bytes"));
        assert_eq!(film[begins + first as usize + 8], 0x65, "and the next");
    }

    #[test]
    fn seeds_make_films_differ() {
        assert_eq!(film(Shape::TALL, 1, 1), film(Shape::TALL, 1, 1));
        assert_ne!(film(Shape::TALL, 1, 1), film(Shape::TALL, 1, 2));
    }
}
