//! Which section of a medium a part means, and how media come back.

wire! {
    /// A section of a video.
    #[derive(Debug)]
    pub struct VideoMetadata {
        /// Where it starts, such as `"10s"`.
        pub start_offset: Option<String>,
        /// Where it ends.
        pub end_offset: Option<String>,
        /// Frames looked at per second.
        pub fps: Option<f64>,
        /// Which layers of the video are read.
        pub content_layers: Vec<VideoMetadataContentLayer>,
    }

    /// A section of an audio file.
    #[derive(Debug)]
    pub struct AudioMetadata {
        /// Where it starts, such as `"10s"`.
        pub start_offset: Option<String>,
        /// Where it ends.
        pub end_offset: Option<String>,
    }

    /// Pages of a document.
    #[derive(Debug)]
    pub struct DocumentMetadata {
        /// First page, counted from 1.
        pub start_page: Option<i32>,
        /// Last page.
        pub end_page: Option<i32>,
        /// Which layers of the pages are read.
        pub content_layers: Vec<DocumentMetadataContentLayer>,
    }

    /// Cells of a spreadsheet.
    #[derive(Debug)]
    pub struct SpreadsheetMetadata {
        /// A range such as `A1:C10`.
        pub visible_cells: Option<String>,
        /// Which sheet, counted from 0.
        pub sheet_index: Option<i32>,
        /// Which layers of the cells are read.
        pub content_layers: Vec<SpreadsheetMetadataContentLayer>,
    }

    /// Who speaks and how.
    #[derive(Debug)]
    pub struct SpeechMetadata {
        /// Name of the speaker.
        pub speaker: Option<String>,
        /// Way of speaking, in words.
        pub style: Option<String>,
    }

    /// Text of spoken audio.
    #[derive(Debug)]
    pub struct Transcription {
        /// The text.
        pub text: Option<String>,
        /// True when no more text follows for this utterance.
        pub finished: Option<bool>,
        /// Language, such as `en-US`.
        pub language_code: Option<String>,
        /// Which speaker, when speakers are told apart.
        pub speaker_label: Option<String>,
        /// Words with their times.
        pub words: Vec<WordInfo>,
        /// Where the utterance starts.
        pub start_offset: Option<String>,
        /// Where it ends.
        pub end_offset: Option<String>,
    }

    /// One spoken word.
    #[derive(Debug)]
    pub struct WordInfo {
        /// The word.
        pub word: Option<String>,
        /// Where it starts.
        pub start_offset: Option<String>,
        /// Where it ends.
        pub end_offset: Option<String>,
    }

    /// How spoken audio is turned into text.
    #[derive(Debug)]
    pub struct AudioTranscriptionConfig {
        /// Languages that may be spoken.
        pub language_codes: Vec<String>,
        /// Find the language by listening.
        pub language_auto: Option<LanguageAuto>,
        /// Likely languages.
        pub language_hints: Option<LanguageHints>,
        /// Words that may occur.
        pub custom_vocabulary: Vec<String>,
        /// Phrases that may occur.
        pub adaptation_phrases: Vec<String>,
        /// Give the time of each word.
        pub word_timestamp: Option<bool>,
        /// Tell speakers apart.
        pub diarization: Option<bool>,
        /// How literal the text is.
        pub mode: Option<AudioTranscriptionConfigMode>,
        /// The text that is read out, when it is known.
        pub source_text: Option<String>,
    }

    /// Asks for the language to be found by listening; has no settings.
    #[derive(Debug)]
    pub struct LanguageAuto {
    }

    /// Languages that are likely spoken.
    #[derive(Debug)]
    pub struct LanguageHints {
        /// The languages, such as `en-US`.
        pub language_codes: Vec<String>,
    }
}

open_enum! {
    /// Layers of a video.
    pub enum VideoMetadataContentLayer {
        /// Not said.
        Unspecified = "CONTENT_LAYER_UNSPECIFIED",
        /// The pictures.
        Frames = "FRAMES",
        /// The sound.
        Audio = "AUDIO",
        /// The spoken text.
        Transcript = "TRANSCRIPT",
    }

    /// Layers of a document.
    pub enum DocumentMetadataContentLayer {
        /// Not said.
        Unspecified = "CONTENT_LAYER_UNSPECIFIED",
        /// The page as a picture.
        PageImage = "PAGE_IMAGE",
        /// The text of the page.
        PageText = "PAGE_TEXT",
    }

    /// Layers of a spreadsheet.
    pub enum SpreadsheetMetadataContentLayer {
        /// Not said.
        Unspecified = "CONTENT_LAYER_UNSPECIFIED",
        /// The values.
        Data = "DATA",
        /// The formulas.
        Formulas = "FORMULAS",
        /// The look.
        Visual = "VISUAL",
    }

    /// How literal a transcription is.
    pub enum AudioTranscriptionConfigMode {
        /// The service decides.
        Unspecified = "MODE_UNSPECIFIED",
        /// Every sound as spoken.
        Verbatim = "VERBATIM",
        /// Cleaned up.
        Smart = "SMART",
    }
}
