//! Pictures and films in requests and replies of the Imagen and Veo models; Vertex only.

use std::collections::BTreeMap;

use crate::Bytes64;

wire! {
    /// A picture: its bytes, or where it is stored.
    #[derive(Debug)]
    pub struct Image {
        /// A `gs://` address.
        pub gcs_uri: Option<String>,
        /// The bytes.
        pub image_bytes: Option<Bytes64>,
        /// Their media type, such as `image/png`.
        pub mime_type: Option<String>,
    }

    /// A film: its bytes, or where it is stored.
    #[derive(Debug)]
    pub struct Video {
        /// A `gs://` address, or on the developer API the address to download it from.
        pub uri: Option<String>,
        /// The bytes.
        pub video_bytes: Option<Bytes64>,
        /// Their media type, such as `video/mp4`.
        pub mime_type: Option<String>,
    }

    /// What a filter found in a picture or a prompt.
    #[derive(Debug)]
    pub struct SafetyAttributes {
        /// Names of the categories.
        pub categories: Vec<String>,
        /// How much of each was found, from 0 to 1, in the order of the categories.
        pub scores: Vec<f64>,
        /// What was judged, such as `Positive Prompt`; absent for a picture.
        pub content_type: Option<String>,
    }

    /// A picture that was made, or the reason why it is held back.
    #[derive(Debug)]
    pub struct GeneratedImage {
        /// The picture; absent when it is held back.
        pub image: Option<Box<Image>>,
        /// Why it is held back, when the call asked for reasons.
        pub rai_filtered_reason: Option<String>,
        /// What the filter found, when the call asked for it.
        pub safety_attributes: Option<Box<SafetyAttributes>>,
        /// The prompt after the model improved it; holds the caller's own words.
        pub enhanced_prompt: Option<String>,
    }

    /// What `generate_images` returns.
    #[derive(Debug)]
    pub struct GenerateImagesResponse {
        /// The pictures, one for each asked for.
        pub generated_images: Vec<GeneratedImage>,
        /// What the filter found in the prompt, when the call asked for it.
        pub positive_prompt_safety_attributes: Option<Box<SafetyAttributes>>,
    }

    /// What `edit_image` returns.
    #[derive(Debug)]
    pub struct EditImageResponse {
        /// The pictures.
        pub generated_images: Vec<GeneratedImage>,
    }

    /// What `upscale_image` returns.
    #[derive(Debug)]
    pub struct UpscaleImageResponse {
        /// The picture, larger.
        pub generated_images: Vec<GeneratedImage>,
    }

    /// What `recontext_image` returns.
    #[derive(Debug)]
    pub struct RecontextImageResponse {
        /// The pictures.
        pub generated_images: Vec<GeneratedImage>,
    }

    /// What `segment_image` returns.
    #[derive(Debug)]
    pub struct SegmentImageResponse {
        /// The masks, the surest first.
        pub generated_masks: Vec<GeneratedImageMask>,
    }

    /// A mask that was found in a picture.
    #[derive(Debug)]
    pub struct GeneratedImageMask {
        /// The mask as a black and white picture.
        pub mask: Option<Box<Image>>,
        /// What it covers.
        pub labels: Vec<EntityLabel>,
    }

    /// A thing that was recognised.
    #[derive(Debug)]
    pub struct EntityLabel {
        /// What it is.
        pub label: Option<String>,
        /// How sure the model is, from 0 to 1.
        pub score: Option<f64>,
    }

    /// What `recontext_image` starts from.
    pub struct RecontextImageSource {
        /// What the new picture shows; for product pictures.
        pub prompt: Option<String>,
        /// The person who tries something on.
        pub person_image: Option<Box<Image>>,
        /// The products: what is tried on, or what is put into a new scene.
        pub product_images: Vec<ProductImage>,
    }

    /// A picture of a product.
    #[derive(Debug)]
    pub struct ProductImage {
        /// The picture.
        pub product_image: Option<Box<Image>>,
    }

    /// What `segment_image` works on.
    pub struct SegmentImageSource {
        /// What to look for, in the modes that take words.
        pub prompt: Option<String>,
        /// The picture.
        pub image: Option<Box<Image>>,
        /// Strokes that mark what is meant, in the interactive mode.
        pub scribble_image: Option<Box<ScribbleImage>>,
    }

    /// Strokes on a picture.
    #[derive(Debug)]
    pub struct ScribbleImage {
        /// White strokes on black, as large as the picture.
        pub image: Option<Box<Image>>,
    }

    /// How pictures are made.
    pub struct GenerateImagesConfig {
        /// Where to store them, as a `gs://` prefix, instead of returning bytes.
        pub output_gcs_uri: Option<String>,
        /// What must not be in them.
        pub negative_prompt: Option<String>,
        /// How many, 1 to 4.
        pub number_of_images: Option<i32>,
        /// Width to height, such as `16:9`.
        pub aspect_ratio: Option<String>,
        /// How closely the prompt is followed; larger is closer.
        pub guidance_scale: Option<f64>,
        /// Makes the result repeatable; not together with a watermark.
        pub seed: Option<i32>,
        /// From which risk on pictures are held back.
        pub safety_filter_level: Option<SafetyFilterLevel>,
        /// Whether people may be shown.
        pub person_generation: Option<PersonGeneration>,
        /// Return what the filter found.
        pub include_safety_attributes: Option<bool>,
        /// Return why a picture is held back.
        pub include_rai_reason: Option<bool>,
        /// The language of the prompt.
        pub language: Option<ImagePromptLanguage>,
        /// Media type of the pictures: `image/png` or `image/jpeg`.
        pub output_mime_type: Option<String>,
        /// Quality of JPEG pictures, 0 to 100.
        pub output_compression_quality: Option<i32>,
        /// Hide a watermark in the pictures.
        pub add_watermark: Option<bool>,
        /// Labels for the bill.
        pub labels: BTreeMap<String, String>,
        /// Length of the longer side: `1K` or `2K`.
        pub image_size: Option<String>,
        /// Let the model improve the prompt first.
        pub enhance_prompt: Option<bool>,
    }

    /// How a picture is edited.
    pub struct EditImageConfig {
        /// Where to store the results, as a `gs://` prefix, instead of returning bytes.
        pub output_gcs_uri: Option<String>,
        /// What must not be in them.
        pub negative_prompt: Option<String>,
        /// How many, 1 to 4.
        pub number_of_images: Option<i32>,
        /// Width to height, such as `16:9`.
        pub aspect_ratio: Option<String>,
        /// How closely the prompt is followed; larger is closer.
        pub guidance_scale: Option<f64>,
        /// Makes the result repeatable; not together with a watermark.
        pub seed: Option<i32>,
        /// From which risk on pictures are held back.
        pub safety_filter_level: Option<SafetyFilterLevel>,
        /// Whether people may be shown.
        pub person_generation: Option<PersonGeneration>,
        /// Return what the filter found.
        pub include_safety_attributes: Option<bool>,
        /// Return why a picture is held back.
        pub include_rai_reason: Option<bool>,
        /// The language of the prompt.
        pub language: Option<ImagePromptLanguage>,
        /// Media type of the pictures: `image/png` or `image/jpeg`.
        pub output_mime_type: Option<String>,
        /// Quality of JPEG pictures, 0 to 100.
        pub output_compression_quality: Option<i32>,
        /// Hide a watermark in the pictures.
        pub add_watermark: Option<bool>,
        /// Labels for the bill.
        pub labels: BTreeMap<String, String>,
        /// What kind of edit it is.
        pub edit_mode: Option<EditMode>,
        /// Steps of the sampling; more are better and slower.
        pub base_steps: Option<i32>,
    }

    /// How a picture is made larger.
    #[derive(Debug)]
    pub struct UpscaleImageConfig {
        /// Where to store the result, as a `gs://` prefix, instead of returning bytes.
        pub output_gcs_uri: Option<String>,
        /// From which risk on pictures are held back.
        pub safety_filter_level: Option<SafetyFilterLevel>,
        /// Whether people may be shown.
        pub person_generation: Option<PersonGeneration>,
        /// Return why a picture is held back.
        pub include_rai_reason: Option<bool>,
        /// Media type of the picture: `image/png` or `image/jpeg`.
        pub output_mime_type: Option<String>,
        /// Quality of a JPEG picture, 0 to 100.
        pub output_compression_quality: Option<i32>,
        /// Add detail before making it larger.
        pub enhance_input_image: Option<bool>,
        /// How much of the original's detail is kept, from 0 to 1.
        pub image_preservation_factor: Option<f64>,
        /// Labels for the bill.
        pub labels: BTreeMap<String, String>,
    }

    /// How a person or a product is put into a new picture.
    #[derive(Debug)]
    pub struct RecontextImageConfig {
        /// How many pictures, 1 to 4.
        pub number_of_images: Option<i32>,
        /// Steps of the sampling; more are better and slower.
        pub base_steps: Option<i32>,
        /// Where to store the results, as a `gs://` prefix, instead of returning bytes.
        pub output_gcs_uri: Option<String>,
        /// Makes the result repeatable; not together with a watermark.
        pub seed: Option<i32>,
        /// From which risk on pictures are held back.
        pub safety_filter_level: Option<SafetyFilterLevel>,
        /// Whether people may be shown.
        pub person_generation: Option<PersonGeneration>,
        /// Hide a watermark in the pictures.
        pub add_watermark: Option<bool>,
        /// Media type of the pictures: `image/png` or `image/jpeg`.
        pub output_mime_type: Option<String>,
        /// Quality of JPEG pictures, 0 to 100.
        pub output_compression_quality: Option<i32>,
        /// Let the model improve the prompt first.
        pub enhance_prompt: Option<bool>,
        /// Labels for the bill.
        pub labels: BTreeMap<String, String>,
    }

    /// How a picture is divided into masks.
    #[derive(Debug)]
    pub struct SegmentImageConfig {
        /// What is looked for.
        pub mode: Option<SegmentMode>,
        /// Most masks to return.
        pub max_predictions: Option<i32>,
        /// Least sureness of a mask, from 0 to 1.
        pub confidence_threshold: Option<f64>,
        /// How far a mask is widened, as a fraction of the picture's width.
        pub mask_dilation: Option<f64>,
        /// From which brightness on, 0 to 255, a pixel belongs to the mask; -1 keeps the shades.
        pub binary_color_threshold: Option<f64>,
        /// Labels for the bill.
        pub labels: BTreeMap<String, String>,
    }
}

open_enum! {
    /// From which risk on a picture is held back.
    pub enum SafetyFilterLevel {
        /// From low on.
        BlockLowAndAbove = "BLOCK_LOW_AND_ABOVE",
        /// From medium on.
        BlockMediumAndAbove = "BLOCK_MEDIUM_AND_ABOVE",
        /// Only high.
        BlockOnlyHigh = "BLOCK_ONLY_HIGH",
        /// Never.
        BlockNone = "BLOCK_NONE",
    }

    /// Whether people may be shown.
    pub enum PersonGeneration {
        /// Nobody.
        DontAllow = "DONT_ALLOW",
        /// Adults.
        AllowAdult = "ALLOW_ADULT",
        /// Adults and children.
        AllowAll = "ALLOW_ALL",
    }

    /// The language of a prompt.
    pub enum ImagePromptLanguage {
        /// The service finds out.
        Auto = "auto",
        /// English.
        English = "en",
        /// Japanese.
        Japanese = "ja",
        /// Korean.
        Korean = "ko",
        /// Hindi.
        Hindi = "hi",
        /// Chinese.
        Chinese = "zh",
        /// Portuguese.
        Portuguese = "pt",
        /// Spanish.
        Spanish = "es",
    }

    /// Kinds of edits.
    pub enum EditMode {
        /// The service decides from the references.
        Default = "EDIT_MODE_DEFAULT",
        /// Take out what the mask covers.
        InpaintRemoval = "EDIT_MODE_INPAINT_REMOVAL",
        /// Put something where the mask is.
        InpaintInsertion = "EDIT_MODE_INPAINT_INSERTION",
        /// Continue the picture beyond its edges.
        Outpaint = "EDIT_MODE_OUTPAINT",
        /// Follow a control picture.
        ControlledEditing = "EDIT_MODE_CONTROLLED_EDITING",
        /// Take over a style.
        Style = "EDIT_MODE_STYLE",
        /// Change the background.
        BackgroundSwap = "EDIT_MODE_BGSWAP",
        /// Show a product in a scene.
        ProductImage = "EDIT_MODE_PRODUCT_IMAGE",
    }

    /// What segmentation looks for.
    pub enum SegmentMode {
        /// What stands in front.
        Foreground = "FOREGROUND",
        /// What is behind it.
        Background = "BACKGROUND",
        /// What the prompt describes.
        Prompt = "PROMPT",
        /// Things of the classes that the prompt names.
        Semantic = "SEMANTIC",
        /// What the strokes mark.
        Interactive = "INTERACTIVE",
    }
}

impl Image {
    /// A picture of these bytes.
    ///
    /// ```
    /// use gimmal_types::gemini::Image;
    ///
    /// let image = Image::from_bytes(vec![0x89, b'P', b'N', b'G'], "image/png");
    /// assert_eq!(format!("{:?}", image.image_bytes), "Some(Bytes64(4 bytes))");
    /// ```
    pub fn from_bytes(bytes: impl Into<Bytes64>, mime_type: impl Into<String>) -> Self {
        Self::new()
            .set_image_bytes(bytes.into())
            .set_mime_type(mime_type)
    }

    /// A picture in Cloud Storage, by its `gs://` address.
    pub fn from_gcs_uri(uri: impl Into<String>, mime_type: impl Into<String>) -> Self {
        Self::new().set_gcs_uri(uri).set_mime_type(mime_type)
    }
}

impl Video {
    /// A film of these bytes.
    pub fn from_bytes(bytes: impl Into<Bytes64>, mime_type: impl Into<String>) -> Self {
        Self::new()
            .set_video_bytes(bytes.into())
            .set_mime_type(mime_type)
    }

    /// A film by its address, such as `gs://bucket/film.mp4`.
    pub fn from_uri(uri: impl Into<String>, mime_type: impl Into<String>) -> Self {
        Self::new().set_uri(uri).set_mime_type(mime_type)
    }
}

impl GenerateImagesResponse {
    /// The pictures that were not held back.
    pub fn images(&self) -> impl Iterator<Item = &Image> {
        self.generated_images
            .iter()
            .filter_map(|generated| generated.image.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Covers: Video.from_file
    #[test]
    fn films_are_bytes_or_an_address() {
        let film = Video::from_bytes(vec![1, 2, 3], "video/mp4");
        let expected = json!({"videoBytes": "AQID", "mimeType": "video/mp4"});
        assert_eq!(serde_json::to_value(film).unwrap(), expected);
        let film = Video::from_uri("gs://b/film.mp4", "video/mp4");
        assert_eq!(film.uri.as_deref(), Some("gs://b/film.mp4"));
        assert_eq!(film.video_bytes, None);
    }
}
