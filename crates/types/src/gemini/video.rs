//! Making of films by the Veo models; Vertex only.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Image, Video};

wire! {
    /// What a film is made from; at least one of the three.
    pub struct GenerateVideosSource {
        /// What it shows.
        pub prompt: Option<String>,
        /// Its first picture.
        pub image: Option<Box<Image>>,
        /// The film that it continues.
        pub video: Option<Box<Video>>,
    }

    /// How films are made.
    pub struct GenerateVideosConfig {
        /// How many.
        pub number_of_videos: Option<i32>,
        /// Where to store them, as a `gs://` prefix, instead of returning bytes.
        pub output_gcs_uri: Option<String>,
        /// Frames per second.
        pub fps: Option<i32>,
        /// Length in seconds.
        pub duration_seconds: Option<i32>,
        /// Makes the result repeatable.
        pub seed: Option<i32>,
        /// Width to height: `16:9` or `9:16`.
        pub aspect_ratio: Option<String>,
        /// Lines, such as `720p` or `1080p`.
        pub resolution: Option<String>,
        /// Whether people may be shown: `dont_allow`, `allow_adult` or `allow_all`.
        pub person_generation: Option<String>,
        /// The Pub/Sub topic that is told of progress.
        pub pubsub_topic: Option<String>,
        /// What must not be in them.
        pub negative_prompt: Option<String>,
        /// Let the model improve the prompt first.
        pub enhance_prompt: Option<bool>,
        /// Make sound as well.
        pub generate_audio: Option<bool>,
        /// The last picture; the first is the source's.
        pub last_frame: Option<Box<Image>>,
        /// Pictures whose content or style is taken over.
        pub reference_images: Vec<VideoGenerationReferenceImage>,
        /// Where the source film is changed.
        pub mask: Option<Box<VideoGenerationMask>>,
        /// How the result is compressed.
        pub compression_quality: Option<VideoCompressionQuality>,
        /// Labels for the bill.
        pub labels: BTreeMap<String, String>,
        /// Addresses that are told when the work is done; not on Vertex.
        pub webhook_config: Option<Box<WebhookConfig>>,
        /// How a first picture of another shape is fitted in.
        pub resize_mode: Option<ImageResizeMode>,
    }

    /// A picture whose content or style a film takes over.
    #[derive(Debug)]
    pub struct VideoGenerationReferenceImage {
        /// The picture.
        pub image: Option<Box<Image>>,
        /// What is taken over.
        pub reference_type: Option<VideoGenerationReferenceType>,
    }

    /// Where a film is changed.
    #[derive(Debug)]
    pub struct VideoGenerationMask {
        /// The mask.
        pub image: Option<Box<Image>>,
        /// What happens there.
        pub mask_mode: Option<VideoGenerationMaskMode>,
    }

    /// Who is told when work is done.
    pub struct WebhookConfig {
        /// Addresses to call, instead of those registered for the project.
        pub uris: Vec<String>,
        /// Sent back with each call.
        pub user_metadata: Option<Map<String, Value>>,
    }

    /// A film that was made.
    #[derive(Debug)]
    pub struct GeneratedVideo {
        /// The film.
        pub video: Option<Box<Video>>,
    }

    /// The films of a finished [`GenerateVideosOperation`](super::GenerateVideosOperation).
    #[derive(Debug)]
    pub struct GenerateVideosResponse {
        /// The films.
        pub generated_videos: Vec<GeneratedVideo>,
        /// How many were held back.
        pub rai_media_filtered_count: Option<i32>,
        /// Why they were held back.
        pub rai_media_filtered_reasons: Vec<String>,
    }
}

open_enum! {
    /// What a film takes over from a picture.
    pub enum VideoGenerationReferenceType {
        /// The things it shows.
        Asset = "ASSET",
        /// Its style.
        Style = "STYLE",
    }

    /// What happens where the mask is.
    pub enum VideoGenerationMaskMode {
        /// Something is put in.
        Insert = "INSERT",
        /// What moves there is taken out.
        Remove = "REMOVE",
        /// What stands there is taken out.
        RemoveStatic = "REMOVE_STATIC",
        /// The film goes on beyond its edges.
        Outpaint = "OUTPAINT",
    }

    /// How a film is compressed.
    pub enum VideoCompressionQuality {
        /// For a small size.
        Optimized = "OPTIMIZED",
        /// Without loss.
        Lossless = "LOSSLESS",
    }

    /// How a picture of another shape is fitted in.
    pub enum ImageResizeMode {
        /// Its edges are cut off.
        Crop = "CROP",
        /// Bars are added.
        Pad = "PAD",
    }
}

impl GenerateVideosResponse {
    /// The films, without what is said about each.
    pub fn videos(&self) -> impl Iterator<Item = &Video> {
        self.generated_videos
            .iter()
            .filter_map(|generated| generated.video.as_deref())
    }
}
