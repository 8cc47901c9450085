//! Notes on stretches of text: sources, places, speakers and the timing of words.
//!
//! A stretch is given in bytes of the text it belongs to, not in characters.

use serde_json::{Map, Value};

tagged! {
    /// A note on a stretch of text.
    #[derive(Debug)]
    pub enum Annotation {
        /// A web page it rests on.
        UrlCitation(UrlCitation) = "url_citation",
        /// A file it rests on.
        FileCitation(FileCitation) = "file_citation",
        /// A place on the map it is about.
        PlaceCitation(PlaceCitation) = "place_citation",
        /// Who speaks it, and how.
        SpeechAnnotation(SpeechAnnotation) = "speech_metadata",
        /// When a word of a recording is spoken.
        WordInfo(WordInfo) = "word_info",
    }
}

snake_wire! {
    /// A web page that a stretch of text rests on.
    #[derive(Debug)]
    pub struct UrlCitation {
        /// Its address.
        pub url: Option<String>,
        /// Its title.
        pub title: Option<String>,
        /// The first byte of the stretch.
        pub start_index: Option<i32>,
        /// The byte after the stretch.
        pub end_index: Option<i32>,
    }

    /// A file that a stretch of text rests on.
    #[derive(Debug)]
    pub struct FileCitation {
        /// Its name.
        pub file_name: Option<String>,
        /// Its address.
        pub document_uri: Option<String>,
        /// What the service calls the source.
        pub source: Option<String>,
        /// The page of it, when it has pages.
        pub page_number: Option<i32>,
        /// The picture of it, when it is one.
        pub media_id: Option<String>,
        /// What you noted on the document when you stored it.
        pub custom_metadata: Option<Map<String, Value>>,
        /// The first byte of the stretch.
        pub start_index: Option<i32>,
        /// The byte after the stretch.
        pub end_index: Option<i32>,
    }

    /// A place on the map that a stretch of text is about.
    #[derive(Debug)]
    pub struct PlaceCitation {
        /// Its name in the map service, such as `places/abc`.
        pub place_id: Option<String>,
        /// What it is called.
        pub name: Option<String>,
        /// Its page on the map.
        pub url: Option<String>,
        /// Reviews that were used.
        pub review_snippets: Vec<ReviewSnippet>,
        /// The first byte of the stretch.
        pub start_index: Option<i32>,
        /// The byte after the stretch.
        pub end_index: Option<i32>,
    }

    /// A review of a place by one of its visitors.
    #[derive(Debug)]
    pub struct ReviewSnippet {
        /// Its identifier.
        pub review_id: Option<String>,
        /// Its title.
        pub title: Option<String>,
        /// Its address.
        pub url: Option<String>,
    }

    /// Who speaks a stretch of text, and how.
    #[derive(Debug)]
    pub struct SpeechAnnotation {
        /// The speaker, by the name in the speech settings.
        pub speaker: Option<String>,
        /// How it is spoken, in words.
        pub style: Option<String>,
        /// The first byte of the stretch.
        pub start_index: Option<i32>,
        /// The byte after the stretch.
        pub end_index: Option<i32>,
    }

    /// When, and by whom, a word of a recording is spoken.
    #[derive(Debug)]
    pub struct WordInfo {
        /// The word.
        pub text: Option<String>,
        /// Who speaks, such as `spk_1`; only when speakers were to be told apart.
        pub speaker: Option<String>,
        /// When it begins, in seconds of the recording; only when times were asked for.
        pub start_offset: Option<String>,
        /// When it ends, in seconds of the recording; only when times were asked for.
        pub end_offset: Option<String>,
        /// Its first byte in the text.
        pub start_index: Option<i32>,
        /// The byte after it in the text.
        pub end_index: Option<i32>,
    }
}
