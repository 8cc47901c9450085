//! The sources a reply rests on.

use crate::Bytes64;

wire! {
    /// The sources a reply rests on.
    #[derive(Debug)]
    pub struct GroundingMetadata {
        /// The sources.
        pub grounding_chunks: Vec<GroundingChunk>,
        /// Which section rests on which source.
        pub grounding_supports: Vec<GroundingSupport>,
        /// What was searched for.
        pub web_search_queries: Vec<String>,
        /// Which pictures were searched for.
        pub image_search_queries: Vec<String>,
        /// What was searched for in the caller's data; Vertex only.
        pub retrieval_queries: Vec<String>,
        /// Whether a search helps.
        pub retrieval_metadata: Option<Box<RetrievalMetadata>>,
        /// What must be shown with the reply.
        pub search_entry_point: Option<Box<SearchEntryPoint>>,
        /// Token for the Maps widget.
        pub google_maps_widget_context_token: Option<String>,
        /// Where to report a source; Vertex only.
        pub source_flagging_uris: Vec<GroundingMetadataSourceFlaggingUri>,
    }

    /// One source.
    #[derive(Debug)]
    pub struct GroundingChunk {
        /// A web page.
        pub web: Option<Box<GroundingChunkWeb>>,
        /// A passage of the caller's data.
        pub retrieved_context: Option<Box<GroundingChunkRetrievedContext>>,
        /// A place.
        pub maps: Option<Box<GroundingChunkMaps>>,
        /// A picture.
        pub image: Option<Box<GroundingChunkImage>>,
    }

    /// A web page.
    #[derive(Debug)]
    pub struct GroundingChunkWeb {
        /// Its address.
        pub uri: Option<String>,
        /// Its title.
        pub title: Option<String>,
        /// Its domain; Vertex only.
        pub domain: Option<String>,
    }

    /// A picture.
    #[derive(Debug)]
    pub struct GroundingChunkImage {
        /// The page that shows it.
        pub source_uri: Option<String>,
        /// The picture.
        pub image_uri: Option<String>,
        /// Title of the page.
        pub title: Option<String>,
        /// Domain of the page.
        pub domain: Option<String>,
    }

    /// A passage of the caller's data.
    #[derive(Debug)]
    pub struct GroundingChunkRetrievedContext {
        /// Where it is.
        pub uri: Option<String>,
        /// Title of the document.
        pub title: Option<String>,
        /// The passage.
        pub text: Option<String>,
        /// Full name of the document; Vertex only.
        pub document_name: Option<String>,
        /// The passage with its place; Vertex only.
        pub rag_chunk: Option<Box<RagChunk>>,
        /// Metadata of the document; developer API only.
        pub custom_metadata: Vec<GroundingChunkCustomMetadata>,
        /// The store it is in; developer API only.
        pub file_search_store: Option<String>,
        /// The page it is on; developer API only.
        pub page_number: Option<i32>,
        /// The medium it is in; developer API only.
        pub media_id: Option<String>,
    }

    /// One metadata entry of a document.
    #[derive(Debug)]
    pub struct GroundingChunkCustomMetadata {
        /// Its key.
        pub key: Option<String>,
        /// Its text.
        pub string_value: Option<String>,
        /// Its number.
        pub numeric_value: Option<f64>,
        /// Its list of texts.
        pub string_list_value: Option<Box<GroundingChunkStringList>>,
    }

    /// A list of texts.
    #[derive(Debug)]
    pub struct GroundingChunkStringList {
        /// The texts.
        pub values: Vec<String>,
    }

    /// A place.
    #[derive(Debug)]
    pub struct GroundingChunkMaps {
        /// Its identifier.
        pub place_id: Option<String>,
        /// Its name.
        pub title: Option<String>,
        /// What is known of it.
        pub text: Option<String>,
        /// Its page.
        pub uri: Option<String>,
        /// Reviews it was judged by.
        pub place_answer_sources: Option<Box<GroundingChunkMapsPlaceAnswerSources>>,
        /// A way to it.
        pub route: Option<Box<GroundingChunkMapsRoute>>,
    }

    /// A way from one place to another.
    #[derive(Debug)]
    pub struct GroundingChunkMapsRoute {
        /// Its length in metres.
        pub distance_meters: Option<i32>,
        /// The time it takes.
        pub duration: Option<String>,
        /// Its shape, encoded.
        pub encoded_polyline: Option<String>,
    }

    /// Reviews a place was judged by.
    #[derive(Debug)]
    pub struct GroundingChunkMapsPlaceAnswerSources {
        /// The reviews.
        pub review_snippets: Vec<GroundingChunkMapsPlaceAnswerSourcesReviewSnippet>,
        /// The reviews, under an older name.
        pub review_snippet: Vec<GroundingChunkMapsPlaceAnswerSourcesReviewSnippet>,
        /// Where to report one.
        pub flag_content_uri: Option<String>,
    }

    /// One review.
    #[derive(Debug)]
    pub struct GroundingChunkMapsPlaceAnswerSourcesReviewSnippet {
        /// Its identifier.
        pub review_id: Option<String>,
        /// Its text.
        pub review: Option<String>,
        /// Its title.
        pub title: Option<String>,
        /// Who wrote it.
        pub author_attribution: Option<Box<GroundingChunkMapsPlaceAnswerSourcesAuthorAttribution>>,
        /// Its page.
        pub google_maps_uri: Option<String>,
        /// How long ago it was written.
        pub relative_publish_time_description: Option<String>,
        /// Where to report it.
        pub flag_content_uri: Option<String>,
    }

    /// Who wrote a review.
    #[derive(Debug)]
    pub struct GroundingChunkMapsPlaceAnswerSourcesAuthorAttribution {
        /// Name.
        pub display_name: Option<String>,
        /// Picture.
        pub photo_uri: Option<String>,
        /// Page.
        pub uri: Option<String>,
    }

    /// A passage and its place.
    #[derive(Debug)]
    pub struct RagChunk {
        /// The passage.
        pub text: Option<String>,
        /// Its pages.
        pub page_span: Option<Box<RagChunkPageSpan>>,
        /// Its identifier.
        pub chunk_id: Option<String>,
        /// The file it is in.
        pub file_id: Option<String>,
    }

    /// Pages of a passage.
    #[derive(Debug)]
    pub struct RagChunkPageSpan {
        /// First page.
        pub first_page: Option<i32>,
        /// Last page.
        pub last_page: Option<i32>,
    }

    /// Where to report a source.
    #[derive(Debug)]
    pub struct GroundingMetadataSourceFlaggingUri {
        /// The source.
        pub source_id: Option<String>,
        /// The address.
        pub flag_content_uri: Option<String>,
    }

    /// A section of the reply and the sources it rests on.
    #[derive(Debug)]
    pub struct GroundingSupport {
        /// The section.
        pub segment: Option<Box<Segment>>,
        /// The sources, by their place in the list.
        pub grounding_chunk_indices: Vec<i32>,
        /// How well each supports it, 0 to 1.
        pub confidence_scores: Vec<f64>,
        /// Parts the section was rendered from.
        pub rendered_parts: Vec<i32>,
    }

    /// A section of a reply.
    #[derive(Debug)]
    pub struct Segment {
        /// Which part.
        pub part_index: Option<i32>,
        /// First byte.
        pub start_index: Option<i32>,
        /// First byte after it.
        pub end_index: Option<i32>,
        /// The text.
        pub text: Option<String>,
    }

    /// Whether a search helps.
    #[derive(Debug)]
    pub struct RetrievalMetadata {
        /// How likely it helps, 0 to 1.
        pub google_search_dynamic_retrieval_score: Option<f64>,
    }

    /// What must be shown with a reply that searched.
    #[derive(Debug)]
    pub struct SearchEntryPoint {
        /// HTML to show.
        pub rendered_content: Option<String>,
        /// The same for programs.
        pub sdk_blob: Option<Bytes64>,
    }
}
