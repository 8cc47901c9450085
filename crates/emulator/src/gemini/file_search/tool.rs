//! The `fileSearch` tool: which stores a request wants searched, how, and the search itself.

use serde_json::Value;

use crate::{
    engine::words,
    gemini::{
        errors::ApiError,
        fields::{self, integer, list, object, string},
        file_search::{Grounding, filter::Filter},
        service::Call,
    },
    route::Backend,
};

/// The chunks found for a request that does not say how many.
const DEFAULT_CHUNKS: usize = 5;
const MOST_CHUNKS: i64 = 100;
/// The most stores searched for one request.
const MOST_STORES: usize = 5;

/// Searches the stores the tools name for what fits the question; nothing when they name none.
pub(crate) fn retrieve(
    tools: Option<&Value>,
    question: &str,
    call: &Call<'_>,
) -> Result<Option<Grounding>, ApiError> {
    let tools: &[Value] = match tools {
        Some(Value::Array(tools)) => tools,
        Some(single) => std::slice::from_ref(single),
        None => &[],
    };
    let mut grounding: Option<Grounding> = None;
    for (at, tool) in tools.iter().enumerate() {
        let at = format!("tools[{at}]");
        let Some(tool) = tool.as_object() else {
            continue;
        };
        let Some(wanted) = object(tool, "fileSearch", &at)? else {
            continue;
        };
        if call.target.backend == Backend::Vertex {
            return Err(ApiError::unknown_field("fileSearch", &at));
        }
        let at = fields::join(&at, "fileSearch");
        fields::FILE_SEARCH.check(wanted, &at, call.target.backend)?;
        let refused = |field: &str, problem: String| {
            Err(ApiError::bad_request(&fields::join(&at, field), problem))
        };
        let names = list(wanted, "fileSearchStoreNames");
        if names.is_empty() || names.len() > MOST_STORES {
            let problem = format!("fileSearchStoreNames must have 1 to {MOST_STORES} names.");
            return refused("fileSearchStoreNames", problem);
        }
        let limit = match integer(wanted, "topK", &at)? {
            None | Some(0) => DEFAULT_CHUNKS,
            Some(limit) if (1..=MOST_CHUNKS).contains(&limit) => limit.unsigned_abs() as usize,
            Some(limit) => {
                let problem = format!("topK is {limit}; it must be between 1 and {MOST_CHUNKS}.");
                return refused("topK", problem);
            }
        };
        let filter = string(wanted, "metadataFilter", &at)?.unwrap_or_default();
        let filter = Filter::parse(filter)?;
        let terms = words::terms(question);
        let mut found = Vec::new();
        for name in names {
            let full = name.as_str().unwrap_or_default();
            let Some(id) = full.strip_prefix("fileSearchStores/") else {
                let problem = format!("{name} is not the name of a file search store.");
                return refused("fileSearchStoreNames", problem);
            };
            let index = call.file_search.index(&call.owner(), id)?;
            let hits = index.search(&terms, &filter).into_iter();
            found.extend(hits.map(|hit| (full.to_owned(), hit)));
        }
        // A stable sort: equal scores stay in the order of the stores.
        found.sort_by(|(_, a), (_, b)| b.score.total_cmp(&a.score));
        found.truncate(limit);
        let grounding = grounding.get_or_insert_with(|| Grounding { chunks: Vec::new() });
        grounding.chunks.extend(found);
    }
    Ok(grounding)
}
