//! How the services really answer: the replies of `predict` and of operations that make films,
//! whose shape depends on the backend. They exist to be converted into the public records.

use serde_json::{Map, Value};

use super::{
    EditImageResponse, EntityLabel, GenerateImagesResponse, GenerateVideosOperation,
    GenerateVideosResponse, GeneratedImage, GeneratedImageMask, GeneratedVideo, Image,
    RecontextImageResponse, SafetyAttributes, SegmentImageResponse, UpscaleImageResponse, Video,
};
use crate::Bytes64;

/// What the service calls a judgement of the prompt instead of a picture.
const PROMPT: &str = "Positive Prompt";

wire! {
    /// What `predict` answers for the models that make pictures.
    #[derive(Debug)]
    pub struct ImagePredictions {
        /// The pictures, and what was found in the prompt.
        pub predictions: Vec<ImagePrediction>,
        /// What was found in the prompt.
        pub positive_prompt_safety_attributes: Option<Box<ImagePrediction>>,
    }

    /// A picture with everything said about it, flat.
    #[derive(Debug)]
    pub struct ImagePrediction {
        /// Where it is stored.
        pub gcs_uri: Option<String>,
        /// Its bytes.
        pub bytes_base64_encoded: Option<Bytes64>,
        /// Their media type.
        pub mime_type: Option<String>,
        /// Why it is held back.
        pub rai_filtered_reason: Option<String>,
        /// What the filter found.
        pub safety_attributes: Option<Box<SafetyAttributes>>,
        /// What was judged.
        pub content_type: Option<String>,
        /// The improved prompt.
        pub prompt: Option<String>,
        /// What a mask covers.
        pub labels: Vec<EntityLabel>,
    }

    /// What is answered about films in the making.
    #[derive(Debug)]
    pub struct VideosOperationReply {
        /// Its name.
        pub name: Option<String>,
        /// What the service says about it.
        pub metadata: Option<Map<String, Value>>,
        /// True when it is over.
        pub done: Option<bool>,
        /// Why it failed.
        pub error: Option<Map<String, Value>>,
        /// The films.
        pub response: Option<Box<VideosReply>>,
    }

    /// The films: at this level on Vertex, one level down on the developer API.
    #[derive(Debug)]
    pub struct VideosReply {
        /// Everything, on the developer API.
        pub generate_video_response: Option<Box<VideosReply>>,
        /// The films of the developer API.
        pub generated_samples: Vec<VideoSample>,
        /// The films of Vertex.
        pub videos: Vec<VideoReply>,
        /// How many were held back.
        pub rai_media_filtered_count: Option<i32>,
        /// Why they were held back.
        pub rai_media_filtered_reasons: Vec<String>,
    }

    /// A film of the developer API.
    #[derive(Debug)]
    pub struct VideoSample {
        /// The film.
        pub video: Option<Box<VideoReply>>,
    }

    /// A film under the names of both services.
    #[derive(Debug)]
    pub struct VideoReply {
        /// Where it is, on the developer API.
        pub uri: Option<String>,
        /// Where it is stored, on Vertex.
        pub gcs_uri: Option<String>,
        /// Its bytes, on the developer API.
        pub encoded_video: Option<Bytes64>,
        /// Its bytes, on Vertex.
        pub bytes_base64_encoded: Option<Bytes64>,
        /// Its media type, on the developer API.
        pub encoding: Option<String>,
        /// Its media type, on Vertex.
        pub mime_type: Option<String>,
    }
}

impl ImagePrediction {
    /// The picture, unless there is none.
    fn image(&mut self) -> Option<Box<Image>> {
        let image = Image {
            gcs_uri: self.gcs_uri.take(),
            image_bytes: self.bytes_base64_encoded.take(),
            mime_type: self.mime_type.take(),
            ..Image::default()
        };
        (image != Image::default()).then(|| Box::new(image))
    }

    /// What the filter found, unless it said nothing.
    fn safety(&mut self) -> Option<Box<SafetyAttributes>> {
        let mut found = self.safety_attributes.take().unwrap_or_default();
        found.content_type = self.content_type.take().or(found.content_type);
        (*found != SafetyAttributes::default()).then_some(found)
    }
}

impl From<ImagePrediction> for GeneratedImage {
    fn from(mut prediction: ImagePrediction) -> Self {
        Self {
            image: prediction.image(),
            safety_attributes: prediction.safety(),
            rai_filtered_reason: prediction.rai_filtered_reason,
            enhanced_prompt: prediction.prompt,
            unknown_fields: prediction.unknown_fields,
        }
    }
}

impl From<ImagePrediction> for GeneratedImageMask {
    fn from(mut prediction: ImagePrediction) -> Self {
        Self {
            mask: prediction.image(),
            labels: prediction.labels,
            unknown_fields: prediction.unknown_fields,
        }
    }
}

impl From<ImagePredictions> for GenerateImagesResponse {
    fn from(reply: ImagePredictions) -> Self {
        let mut found = Self {
            unknown_fields: reply.unknown_fields,
            ..Self::default()
        };
        found.positive_prompt_safety_attributes = reply
            .positive_prompt_safety_attributes
            .and_then(|mut judgement| judgement.safety());
        for mut prediction in reply.predictions {
            if prediction.content_type.as_deref() == Some(PROMPT) {
                found.positive_prompt_safety_attributes = prediction.safety();
            } else {
                found.generated_images.push(prediction.into());
            }
        }
        found
    }
}

macro_rules! image_lists {
    ($($name:ident { $field:ident })*) => { $(
        impl From<ImagePredictions> for $name {
            fn from(reply: ImagePredictions) -> Self {
                Self {
                    $field: reply.predictions.into_iter().map(Into::into).collect(),
                    unknown_fields: reply.unknown_fields,
                }
            }
        }
    )* };
}

image_lists! {
    EditImageResponse { generated_images }
    UpscaleImageResponse { generated_images }
    RecontextImageResponse { generated_images }
    SegmentImageResponse { generated_masks }
}

impl From<VideosOperationReply> for GenerateVideosOperation {
    fn from(reply: VideosOperationReply) -> Self {
        Self {
            name: reply.name,
            metadata: reply.metadata,
            done: reply.done,
            error: reply.error,
            response: reply.response.map(|videos| Box::new((*videos).into())),
            unknown_fields: reply.unknown_fields,
        }
    }
}

impl From<VideosReply> for GenerateVideosResponse {
    fn from(reply: VideosReply) -> Self {
        if let Some(inner) = reply.generate_video_response {
            return (*inner).into();
        }
        let samples = reply.generated_samples.into_iter();
        let samples = samples.map(|sample| GeneratedVideo {
            video: sample.video.map(|video| Box::new((*video).into())),
            unknown_fields: sample.unknown_fields,
        });
        let videos = reply.videos.into_iter();
        let videos = videos.map(|video| GeneratedVideo::new().set_video(Video::from(video)));
        Self {
            generated_videos: samples.chain(videos).collect(),
            rai_media_filtered_count: reply.rai_media_filtered_count,
            rai_media_filtered_reasons: reply.rai_media_filtered_reasons,
            unknown_fields: reply.unknown_fields,
        }
    }
}

impl From<VideoReply> for Video {
    fn from(reply: VideoReply) -> Self {
        Self {
            uri: reply.uri.or(reply.gcs_uri),
            video_bytes: reply.encoded_video.or(reply.bytes_base64_encoded),
            mime_type: reply.encoding.or(reply.mime_type),
            unknown_fields: reply.unknown_fields,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn predictions(value: Value) -> ImagePredictions {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn the_judgement_of_the_prompt_is_no_picture() {
        let reply = predictions(json!({"predictions": [
            {"bytesBase64Encoded": "aW1n", "mimeType": "image/png"},
            {"contentType": "Positive Prompt",
             "safetyAttributes": {"categories": ["Violence"], "scores": [0.1]}},
            {"raiFilteredReason": "held back"},
        ]}));
        let found = GenerateImagesResponse::from(reply);
        assert_eq!(found.generated_images.len(), 2);
        assert_eq!(found.images().count(), 1);
        let prompt = found.positive_prompt_safety_attributes.unwrap();
        assert_eq!(prompt.scores, [0.1]);
        let held_back = &found.generated_images[1];
        assert!(held_back.image.is_none() && held_back.safety_attributes.is_none());
    }

    #[test]
    fn masks_have_labels() {
        let reply = predictions(json!({"predictions": [
            {"bytesBase64Encoded": "aW1n", "labels": [{"label": "cat", "score": 0.5}]}]}));
        let found = SegmentImageResponse::from(reply);
        assert_eq!(found.generated_masks[0].labels[0].score, Some(0.5));
    }

    #[test]
    fn films_of_both_services_are_read() {
        let replies = [
            json!({"response": {"generateVideoResponse": {"generatedSamples": [
                {"video": {"uri": "u", "encoding": "video/mp4"}}], "raiMediaFilteredCount": 1}}}),
            json!({"response": {"videos": [{"gcsUri": "u", "mimeType": "video/mp4"}],
                "raiMediaFilteredCount": 1}}),
        ];
        for reply in replies {
            let reply: VideosOperationReply = serde_json::from_value(reply).unwrap();
            let response = GenerateVideosOperation::from(reply).response.unwrap();
            assert_eq!(
                response.videos().collect::<Vec<_>>(),
                [&Video::from_uri("u", "video/mp4")]
            );
            assert_eq!(response.rai_media_filtered_count, Some(1));
        }
    }
}
