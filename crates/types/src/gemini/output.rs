//! The form of generated pictures, sound and film.

use serde_json::Value;

wire! {
    /// How pictures are made.
    #[derive(Debug)]
    pub struct ImageConfig {
        /// Width to height, such as `16:9`.
        pub aspect_ratio: Option<String>,
        /// `1K`, `2K` or `4K`.
        pub image_size: Option<String>,
        /// Whether people may be shown; Vertex only.
        pub person_generation: Option<String>,
        /// Whether well-known people may be shown; Vertex only.
        pub prominent_people: Option<ProminentPeople>,
        /// The file form; Vertex only.
        pub image_output_options: Option<Box<ImageConfigImageOutputOptions>>,
    }

    /// The file form of pictures.
    #[derive(Debug)]
    pub struct ImageConfigImageOutputOptions {
        /// `image/png` or `image/jpeg`.
        pub mime_type: Option<String>,
        /// JPEG quality, 0 to 100.
        pub compression_quality: Option<i32>,
    }

    /// Details of one kind of output.
    #[derive(Debug)]
    pub struct ResponseFormat {
        /// Text.
        pub text: Option<Box<TextResponseFormat>>,
        /// A picture.
        pub image: Option<Box<ImageResponseFormat>>,
        /// Sound.
        pub audio: Option<Box<AudioResponseFormat>>,
        /// A film.
        pub video: Option<Box<VideoResponseFormat>>,
    }

    /// The form of text.
    #[derive(Debug)]
    pub struct TextResponseFormat {
        /// Its media type.
        pub mime_type: Option<String>,
        /// Its JSON Schema.
        pub json_schema: Option<Value> = "schema",
    }

    /// The form of a picture.
    #[derive(Debug)]
    pub struct ImageResponseFormat {
        /// Width to height.
        pub aspect_ratio: Option<AspectRatio>,
        /// Size.
        pub image_size: Option<ImageSize>,
        /// Media type.
        pub mime_type: Option<String>,
        /// In place or by URI.
        pub delivery: Option<Delivery>,
    }

    /// The form of sound.
    #[derive(Debug)]
    pub struct AudioResponseFormat {
        /// Media type.
        pub mime_type: Option<String>,
        /// Samples per second.
        pub sample_rate: Option<i32>,
        /// Bits per second.
        pub bit_rate: Option<i32>,
        /// In place or by URI.
        pub delivery: Option<Delivery>,
    }

    /// The form of a film.
    #[derive(Debug)]
    pub struct VideoResponseFormat {
        /// Width to height.
        pub aspect_ratio: Option<AspectRatio>,
        /// Size, such as `720p`.
        pub resolution: Option<String>,
        /// Length, such as `"8s"`.
        pub duration: Option<String>,
        /// In place or by URI.
        pub delivery: Option<Delivery>,
        /// Where to put it.
        pub gcs_uri: Option<String>,
    }
}

open_enum! {
    /// Whether well-known people may be shown.
    pub enum ProminentPeople {
        /// The service decides.
        Unspecified = "PROMINENT_PEOPLE_UNSPECIFIED",
        /// They may.
        Allow = "ALLOW_PROMINENT_PEOPLE",
        /// They may not.
        Block = "BLOCK_PROMINENT_PEOPLE",
    }

    /// How a medium is returned.
    pub enum Delivery {
        /// The service decides.
        Unspecified = "DELIVERY_UNSPECIFIED",
        /// In place.
        Inline = "INLINE",
        /// By URI.
        Uri = "URI",
    }

    /// Width to height.
    pub enum AspectRatio {
        /// The model decides.
        Unspecified = "ASPECT_RATIO_UNSPECIFIED",
        /// 1:1.
        OneByOne = "ASPECT_RATIO_ONE_BY_ONE",
        /// 2:3.
        TwoByThree = "ASPECT_RATIO_TWO_BY_THREE",
        /// 3:2.
        ThreeByTwo = "ASPECT_RATIO_THREE_BY_TWO",
        /// 3:4.
        ThreeByFour = "ASPECT_RATIO_THREE_BY_FOUR",
        /// 4:3.
        FourByThree = "ASPECT_RATIO_FOUR_BY_THREE",
        /// 4:5.
        FourByFive = "ASPECT_RATIO_FOUR_BY_FIVE",
        /// 5:4.
        FiveByFour = "ASPECT_RATIO_FIVE_BY_FOUR",
        /// 9:16.
        NineBySixteen = "ASPECT_RATIO_NINE_BY_SIXTEEN",
        /// 16:9.
        SixteenByNine = "ASPECT_RATIO_SIXTEEN_BY_NINE",
        /// 21:9.
        TwentyOneByNine = "ASPECT_RATIO_TWENTY_ONE_BY_NINE",
        /// 1:8.
        OneByEight = "ASPECT_RATIO_ONE_BY_EIGHT",
        /// 8:1.
        EightByOne = "ASPECT_RATIO_EIGHT_BY_ONE",
        /// 1:4.
        OneByFour = "ASPECT_RATIO_ONE_BY_FOUR",
        /// 4:1.
        FourByOne = "ASPECT_RATIO_FOUR_BY_ONE",
    }

    /// Sizes of pictures.
    pub enum ImageSize {
        /// The model decides.
        Unspecified = "IMAGE_SIZE_UNSPECIFIED",
        /// 512 pixels.
        FiveTwelve = "IMAGE_SIZE_FIVE_TWELVE",
        /// About 1,024 pixels.
        OneK = "IMAGE_SIZE_ONE_K",
        /// About 2,048 pixels.
        TwoK = "IMAGE_SIZE_TWO_K",
        /// About 4,096 pixels.
        FourK = "IMAGE_SIZE_FOUR_K",
    }
}
