//! The tables of pictures, films and embeddings against the routing recorded from the reference:
//! every field stands in both, at the same place, with the same inner table.

use std::collections::BTreeMap;

use super::mapping::{How, Table};
use super::{embeddings, images, videos};

/// By type: field, place, type of the inner table.
type Recorded = BTreeMap<String, Vec<(String, String, String)>>;

const RECORDED: &str = include_str!("../../tests/fixtures/media_converters.json");

/// Set by the call itself and no setting of the caller's.
const CONSTANT: [(&str, &str); 2] = [
    ("UpscaleImageAPIConfig", "number_of_images"),
    ("UpscaleImageAPIConfig", "mode"),
];

#[test]
fn tables_route_as_the_reference_does() {
    let recorded: Recorded = serde_json::from_str(RECORDED).unwrap();
    let of_embeddings = [
        ("EmbedContentConfig mldev", &embeddings::GEMINI_API),
        ("EmbedContentConfig PREDICT", &embeddings::PREDICT),
        (
            "EmbedContentConfig EMBED_CONTENT",
            &embeddings::EMBED_CONTENT,
        ),
        (
            "EmbedContentConfig BATCH_EMBED_CONTENTS",
            &embeddings::BATCH_EMBED_CONTENTS,
        ),
    ];
    let of_pictures: [&Table; 18] = [
        &images::IMAGE,
        &images::GENERATE_IMAGES,
        &images::EDIT_IMAGE,
        &images::REFERENCE_IMAGE,
        &images::MASK_REFERENCE,
        &images::CONTROL_REFERENCE,
        &images::UPSCALE_IMAGE,
        &images::RECONTEXT_SOURCE,
        &images::PRODUCT_IMAGE,
        &images::RECONTEXT_IMAGE,
        &images::SEGMENT_SOURCE,
        &images::SCRIBBLE_IMAGE,
        &images::SEGMENT_IMAGE,
        &videos::SOURCE,
        &videos::VIDEO,
        &videos::GENERATE_VIDEOS,
        &videos::REFERENCE_IMAGE,
        &videos::MASK,
    ];
    let mut ours: BTreeMap<&str, &Table> = of_embeddings.into_iter().collect();
    ours.extend(of_pictures.map(|table| (table.owner, table)));
    assert_eq!(
        ours.keys().collect::<Vec<_>>(),
        recorded.keys().collect::<Vec<_>>()
    );
    for (owner, table) in ours {
        assert_eq!(owner.split(' ').next(), Some(table.owner));
        let mut rules: Vec<_> = table
            .rules
            .iter()
            .map(|rule| {
                let inner = match rule.how {
                    How::AsIs | How::Standard => "",
                    How::By(inner) | How::EachBy(inner) => inner.owner,
                };
                (rule.from.to_owned(), rule.to.to_owned(), inner.to_owned())
            })
            .collect();
        let constant = |field: &str| CONSTANT.contains(&(owner, field));
        let mut expected = recorded[owner].clone();
        expected.retain(|(field, ..)| !constant(field));
        rules.sort();
        expected.sort();
        assert_eq!(rules, expected, "{owner}");
    }
}
