//! Debug output of requests for pictures, films and embeddings: settings are shown, words and
//! pictures of the caller's are only said to be there.

use std::fmt;

use super::{
    ComputeTokensRequest, EditImageConfig, EmbedContentConfig, GenerateImagesConfig,
    GenerateVideosConfig, GenerateVideosSource, RecontextImageSource, SegmentImageSource,
    StyleReferenceConfig, SubjectReferenceConfig, WebhookConfig,
};
use crate::wire::WireField;

/// Stands for a value that must not be shown.
struct Hidden(bool);

impl fmt::Debug for Hidden {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.0 { "set" } else { "absent" })
    }
}

macro_rules! redacted {
    ($($name:ident { shows: [$($shown:ident),* $(,)?], hides: [$($hidden:ident),* $(,)?] })*) => { $(
        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter
                    .debug_struct(stringify!($name))
                    $(.field(stringify!($hidden), &Hidden(!self.$hidden.is_absent())))*
                    $(.field(stringify!($shown), &self.$shown))*
                    .finish_non_exhaustive()
            }
        }
    )* };
}

redacted! {
    ComputeTokensRequest { shows: [], hides: [contents] }
    EmbedContentConfig {
        shows: [
            task_type, output_dimensionality, mime_type, auto_truncate, document_ocr,
            audio_track_extraction,
        ],
        hides: [title]
    }
    GenerateImagesConfig {
        shows: [
            output_gcs_uri, number_of_images, aspect_ratio, guidance_scale, seed,
            safety_filter_level, person_generation, language, output_mime_type,
            output_compression_quality, add_watermark, labels, image_size, enhance_prompt,
        ],
        hides: [negative_prompt]
    }
    EditImageConfig {
        shows: [
            output_gcs_uri, number_of_images, aspect_ratio, guidance_scale, seed,
            safety_filter_level, person_generation, language, output_mime_type,
            output_compression_quality, add_watermark, labels, edit_mode, base_steps,
        ],
        hides: [negative_prompt]
    }
    RecontextImageSource { shows: [], hides: [prompt, person_image, product_images] }
    SegmentImageSource { shows: [], hides: [prompt, image, scribble_image] }
    StyleReferenceConfig { shows: [], hides: [style_description] }
    SubjectReferenceConfig { shows: [subject_type], hides: [subject_description] }
    GenerateVideosSource { shows: [], hides: [prompt, image, video] }
    GenerateVideosConfig {
        shows: [
            number_of_videos, output_gcs_uri, fps, duration_seconds, seed, aspect_ratio, resolution,
            person_generation, pubsub_topic, enhance_prompt, generate_audio, compression_quality,
            labels, resize_mode,
        ],
        hides: [negative_prompt, last_frame, reference_images, mask, webhook_config]
    }
    WebhookConfig { shows: [], hides: [uris, user_metadata] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_do_not_show() {
        let shown = [
            format!("{:?}", GenerateVideosSource::new().set_prompt("secret")),
            format!(
                "{:?}",
                GenerateImagesConfig::new().set_negative_prompt("secret")
            ),
            format!("{:?}", EmbedContentConfig::new().set_title("secret")),
            format!("{:?}", WebhookConfig::new().set_uris(["secret"])),
            format!(
                "{:?}",
                StyleReferenceConfig::new().set_style_description("secret")
            ),
        ];
        for text in shown {
            assert!(!text.contains("secret") && text.contains("set"), "{text}");
        }
        let settings = format!("{:?}", GenerateImagesConfig::new().set_number_of_images(2));
        assert!(settings.contains("number_of_images: Some(2)"), "{settings}");
    }
}
