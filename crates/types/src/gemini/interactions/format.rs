//! What an answer looks like: text, JSON of a schema, sound, pictures, films.

use serde_json::{Map, Value};

tagged! {
    /// What an answer looks like; anything else is taken for a JSON Schema.
    #[derive(Debug)]
    pub enum ResponseFormat {
        /// Words, or JSON of a schema.
        Text(TextResponseFormat) = "text",
        /// Sound.
        Audio(AudioResponseFormat) = "audio",
        /// Pictures.
        Image(ImageResponseFormat) = "image",
        /// Films.
        Video(VideoResponseFormat) = "video",
    }
}

by_shape! {
    /// What an answer looks like, in one way or several.
    #[derive(Debug)]
    pub enum ResponseFormats {
        /// One way.
        One(ResponseFormat) = "object",
        /// Several, such as words and sound.
        Several(Vec<ResponseFormat>) = "list",
    }
}

snake_wire! {
    /// Words, or JSON of a schema.
    #[derive(Debug)]
    pub struct TextResponseFormat {
        /// Words or JSON.
        pub mime_type: Option<TextResponseFormatMimeType>,
        /// JSON Schema of the answer; JSON only.
        pub schema: Option<Map<String, Value>>,
    }
}

open_enum! {
    /// Words or JSON.
    pub enum TextResponseFormatMimeType {
        /// JSON.
        ApplicationJson = "application/json",
        /// Words.
        TextPlain = "text/plain",
    }
}

snake_wire! {
    /// Sound.
    #[derive(Debug)]
    pub struct AudioResponseFormat {
        /// Its format.
        pub mime_type: Option<AudioResponseFormatMimeType>,
        /// Samples in a second, in hertz.
        pub sample_rate: Option<i32>,
        /// Bits in a second; MP3 and Opus only.
        pub bit_rate: Option<i32>,
        /// How it comes.
        pub delivery: Option<Delivery>,
    }
}

open_enum! {
    /// The format of sound that is made.
    pub enum AudioResponseFormatMimeType {
        /// MP3.
        Mp3 = "audio/mp3",
        /// Opus in an Ogg container.
        OggOpus = "audio/ogg_opus",
        /// Raw samples of 16 bits.
        L16 = "audio/l16",
        /// WAV.
        Wav = "audio/wav",
        /// A-law.
        Alaw = "audio/alaw",
        /// Mu-law.
        Mulaw = "audio/mulaw",
    }
}

snake_wire! {
    /// Pictures.
    #[derive(Debug)]
    pub struct ImageResponseFormat {
        /// Their format.
        pub mime_type: Option<ImageResponseFormatMimeType>,
        /// Their shape; the model decides when absent.
        pub aspect_ratio: Option<AspectRatio>,
        /// Their size.
        pub image_size: Option<ImageSize>,
        /// How they come.
        pub delivery: Option<Delivery>,
    }
}

open_enum! {
    /// The format of pictures that are made.
    pub enum ImageResponseFormatMimeType {
        /// JPEG.
        Jpeg = "image/jpeg",
    }
}

snake_wire! {
    /// Films.
    #[derive(Debug)]
    pub struct VideoResponseFormat {
        /// Their shape, `16:9` or `9:16`.
        pub aspect_ratio: Option<AspectRatio>,
        /// Their resolution; 720p when absent.
        pub resolution: Option<Resolution>,
        /// Their length, in seconds such as `8s`.
        pub duration: Option<String>,
        /// How they come.
        pub delivery: Option<Delivery>,
        /// Where they are stored; needed on Vertex when they come as addresses.
        pub gcs_uri: Option<String>,
    }
}

open_enum! {
    /// How media come.
    pub enum Delivery {
        /// In the answer.
        Inline = "inline",
        /// As an address.
        Uri = "uri",
    }

    /// The resolution of a film, by its lines.
    pub enum Resolution {
        /// 360 lines.
        P360 = "360p",
        /// 720 lines.
        P720 = "720p",
        /// 1080 lines.
        P1080 = "1080p",
        /// 2160 lines.
        K4 = "4k",
    }

    /// The size of a picture, by its longer side.
    pub enum ImageSize {
        /// 512 pixels.
        Pixels512 = "512",
        /// About 1,000 pixels.
        K1 = "1K",
        /// About 2,000 pixels.
        K2 = "2K",
        /// About 4,000 pixels.
        K4 = "4K",
    }

    /// The shape of a picture or a film, width to height.
    pub enum AspectRatio {
        /// As wide as high.
        Square = "1:1",
        /// Upright, as photographs are.
        R2x3 = "2:3",
        /// Lying, as photographs are.
        R3x2 = "3:2",
        /// Upright, as old screens are.
        R3x4 = "3:4",
        /// Lying, as old screens are.
        R4x3 = "4:3",
        /// Upright, for feeds.
        R4x5 = "4:5",
        /// Lying, nearly square.
        R5x4 = "5:4",
        /// Upright, as phones are.
        R9x16 = "9:16",
        /// Lying, as screens are.
        R16x9 = "16:9",
        /// Lying, as cinemas are.
        R21x9 = "21:9",
        /// A high strip.
        R1x4 = "1:4",
        /// A wide strip.
        R4x1 = "4:1",
        /// A very high strip.
        R1x8 = "1:8",
        /// A very wide strip.
        R8x1 = "8:1",
    }
}
