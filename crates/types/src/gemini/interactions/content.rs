//! Content of an interaction: text, sound, pictures, films and documents, and how media are read.
//!
//! Says nothing of turns; who said what is told by the steps.

use super::{Annotation, AudioMimeType, DocumentMimeType, ImageMimeType, VideoMimeType};
use crate::Bytes64;

tagged! {
    /// One piece of what a person or a model says.
    #[derive(Debug)]
    pub enum Content {
        /// Words.
        Text(TextContent) = "text",
        /// A picture.
        Image(ImageContent) = "image",
        /// Sound.
        Audio(AudioContent) = "audio",
        /// A film.
        Video(VideoContent) = "video",
        /// A document such as a PDF.
        Document(DocumentContent) = "document",
    }
}

snake_wire! {
    /// Words, and where they come from.
    #[derive(Debug)]
    pub struct TextContent {
        /// The words.
        pub text: Option<String>,
        /// Sources and speech marks of stretches of the words.
        pub annotations: Vec<Annotation>,
    }

    /// A picture, by its bytes or by its address.
    #[derive(Debug)]
    pub struct ImageContent {
        /// The bytes of the picture; excludes `uri`.
        pub data: Option<Bytes64>,
        /// Where the picture lies; excludes `data`.
        pub uri: Option<String>,
        /// Its format.
        pub mime_type: Option<ImageMimeType>,
        /// How closely the model looks, which decides how many tokens it costs.
        pub resolution: Option<MediaResolution>,
    }

    /// Sound, by its bytes or by its address.
    #[derive(Debug)]
    pub struct AudioContent {
        /// The bytes of the recording; excludes `uri`.
        pub data: Option<Bytes64>,
        /// Where the recording lies; excludes `data`.
        pub uri: Option<String>,
        /// Its format.
        pub mime_type: Option<AudioMimeType>,
        /// How many channels it has.
        pub channels: Option<i32>,
        /// Samples in a second, in hertz.
        pub sample_rate: Option<i32>,
        /// How the model listens.
        pub processing: Option<AudioProcessing>,
    }

    /// A film, by its bytes or by its address.
    #[derive(Debug)]
    pub struct VideoContent {
        /// The bytes of the film; excludes `uri`.
        pub data: Option<Bytes64>,
        /// Where the film lies; excludes `data`.
        pub uri: Option<String>,
        /// Its format.
        pub mime_type: Option<VideoMimeType>,
        /// A name of yours by which the model may refer to it.
        pub name: Option<String>,
        /// How closely the model looks, which decides how many tokens it costs.
        pub resolution: Option<MediaResolution>,
        /// How the model watches.
        pub processing: Option<VideoProcessing>,
    }

    /// A document, by its bytes or by its address.
    #[derive(Debug)]
    pub struct DocumentContent {
        /// The bytes of the document; excludes `uri`.
        pub data: Option<Bytes64>,
        /// Where the document lies; excludes `data`.
        pub uri: Option<String>,
        /// Its format.
        pub mime_type: Option<DocumentMimeType>,
        /// How closely the model looks at pages, which decides how many tokens they cost.
        pub resolution: Option<MediaResolution>,
        /// How the model reads.
        pub processing: Option<DocumentProcessing>,
    }
}

by_shape! {
    /// How a recording is listened to: a mode by its name, or with settings.
    #[derive(Debug)]
    pub enum AudioProcessing {
        /// A mode with its own settings.
        Mode(AudioProcessingEnum) = "text",
        /// A mode with settings of yours.
        Settings(AudioMediaProcessing) = "object",
    }

    /// How a film is watched: a mode by its name, or with settings.
    #[derive(Debug)]
    pub enum VideoProcessing {
        /// A mode with its own settings.
        Mode(ProcessingEnum) = "text",
        /// A mode with settings of yours.
        Settings(MediaProcessing) = "object",
    }

    /// How a document is read: a mode by its name, or with settings.
    #[derive(Debug)]
    pub enum DocumentProcessing {
        /// A mode with its own settings.
        Mode(DocumentProcessingEnum) = "text",
        /// A mode with settings of yours.
        Settings(DocumentMediaProcessing) = "object",
    }
}

tagged! {
    /// Settings of how a recording is listened to.
    #[derive(Debug)]
    pub enum AudioMediaProcessing {
        /// Once from start to end.
        Static(AudioStaticMediaProcessing) = "static",
    }

    /// Settings of how a film is watched.
    #[derive(Debug)]
    pub enum MediaProcessing {
        /// Once, in frames taken at a steady rate.
        Static(StaticMediaProcessing) = "static",
    }

    /// Settings of how a document is read.
    #[derive(Debug)]
    pub enum DocumentMediaProcessing {
        /// Once, page by page.
        Static(DocumentStaticMediaProcessing) = "static",
    }
}

snake_wire! {
    /// The stretch of a recording that is listened to.
    #[derive(Debug)]
    pub struct AudioStaticMediaProcessing {
        /// Where it begins, in seconds such as `10.5s`.
        pub start_offset: Option<String>,
        /// Where it ends, in seconds such as `30s`; after `start_offset`.
        pub end_offset: Option<String>,
    }

    /// The stretch of a film that is watched, and what of it.
    #[derive(Debug)]
    pub struct StaticMediaProcessing {
        /// What is taken from the film; everything when empty.
        pub content_layers: Vec<StaticMediaProcessingContentLayer>,
        /// Frames that are looked at in a second.
        pub fps: Option<f64>,
        /// Where it begins, in seconds such as `10.5s`.
        pub start_offset: Option<String>,
        /// Where it ends, in seconds such as `30s`; after `start_offset`.
        pub end_offset: Option<String>,
    }

    /// Which part of a document is read.
    #[derive(Debug)]
    pub struct DocumentStaticMediaProcessing {
        /// For documents with pages.
        pub page_options: Option<Box<PageProcessingOptions>>,
        /// For spreadsheets.
        pub spreadsheet_options: Option<Box<SpreadsheetProcessingOptions>>,
    }

    /// Which pages are read, and what of them.
    #[derive(Debug)]
    pub struct PageProcessingOptions {
        /// What is taken from a page; everything when empty.
        pub content_layers: Vec<PageProcessingOptionsContentLayer>,
        /// The first page, counted from 1.
        pub start_page: Option<i32>,
        /// The last page, counted from 1 and read as well.
        pub end_page: Option<i32>,
    }

    /// Which cells are read, and what of them.
    #[derive(Debug)]
    pub struct SpreadsheetProcessingOptions {
        /// What is taken from a cell; everything when empty.
        pub content_layers: Vec<SpreadsheetProcessingOptionsContentLayer>,
        /// The sheet, counted from 1; all of them when absent.
        pub sheet_index: Option<i32>,
        /// The cells in A1 notation, such as `A1:D10`; the used area when absent.
        pub visible_cells: Option<String>,
    }
}

open_enum! {
    /// How closely the model looks at media; more costs more tokens.
    pub enum MediaResolution {
        /// Few tokens.
        Low = "low",
        /// The middle.
        Medium = "medium",
        /// Many tokens.
        High = "high",
        /// The most there is.
        UltraHigh = "ultra_high",
    }

    /// A way to listen, by its name.
    pub enum AudioProcessingEnum {
        /// Once from start to end.
        Static = "static",
    }

    /// A way to watch, by its name.
    pub enum ProcessingEnum {
        /// Once, in frames taken at a steady rate.
        Static = "static",
        /// As often, and wherever, the model wants to look.
        Agentic = "agentic",
    }

    /// A way to read, by its name.
    pub enum DocumentProcessingEnum {
        /// Once, page by page.
        Static = "static",
    }

    /// What is taken from a film.
    pub enum StaticMediaProcessingContentLayer {
        /// Pictures.
        Frames = "frames",
        /// Sound.
        Audio = "audio",
        /// The spoken words as text.
        Transcript = "transcript",
    }

    /// What is taken from a page.
    pub enum PageProcessingOptionsContentLayer {
        /// How it looks.
        PageImage = "page_image",
        /// Its text.
        PageText = "page_text",
    }

    /// What is taken from a cell.
    pub enum SpreadsheetProcessingOptionsContentLayer {
        /// How it looks.
        Visual = "visual",
        /// Its value.
        Data = "data",
        /// Its formula.
        Formulas = "formulas",
    }
}

from_text!(
    AudioProcessing::Mode,
    VideoProcessing::Mode,
    DocumentProcessing::Mode
);
