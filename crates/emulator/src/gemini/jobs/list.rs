//! Lists of jobs: newest first, filtered, in pages.

use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    gemini::{errors::ApiError, jobs::Filter, page, service::Call},
    reply::Reply,
};

const DEFAULT_PAGE: usize = 100;

/// A page of `items` under `key`, given with their numbers, the newest of which is the highest.
/// Items that `filter` does not hold of are left out.
pub(crate) fn newest_first(
    items: impl IntoIterator<Item = (u64, Value)>,
    key: &str,
    filter: &Filter,
    call: &Call<'_>,
) -> Result<Reply, ApiError> {
    let page = page::Request::read(call.query, DEFAULT_PAGE)?;
    let mut items: Vec<(u64, Value)> = items
        .into_iter()
        .filter(|(number, _)| page.after.is_none_or(|after| *number < after))
        .filter(|(_, item)| filter.holds(item))
        .collect();
    items.sort_unstable_by_key(|(number, _)| std::cmp::Reverse(*number));
    let more = items.len() > page.size;
    items.truncate(page.size);
    let mut body = json!({});
    if let Some((last, _)) = items.last().filter(|_| more) {
        body["nextPageToken"] = page::token(*last).into();
    }
    if !items.is_empty() {
        body[key] = items.into_iter().map(|(_, item)| item).collect();
    }
    Ok(Reply::json(StatusCode::OK, &body))
}
