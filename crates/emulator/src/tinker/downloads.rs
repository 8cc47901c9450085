//! Files behind signed addresses: good for a while, for anybody who has them, whole or in ranges.

use std::{sync::Arc, time::Duration};

use http::{HeaderValue, StatusCode, header};

use crate::{reply::Reply, rng};

use super::{
    paths::CheckpointPath,
    refusal::Refusal,
    runs,
    service::{Asked, Tinker},
    store::Store,
    time::seconds,
    trace,
    training::broken,
};

/// How long an address is good for.
pub(crate) const LIFETIME: Duration = Duration::from_secs(3600);
/// The commit that every file of the hub is of; clients of hubs will not do without one.
const COMMIT: HeaderValue = HeaderValue::from_static("0000000000000000000000000000000000000000");

/// An address for a file, named by its path.
pub(crate) fn url(tinker: &Tinker, asked: &Asked<'_>, path: &str) -> String {
    let scheme = if tinker.secure { "https" } else { "http" };
    let host = asked.header("host").unwrap_or("127.0.0.1");
    let expires = seconds(asked.now + LIFETIME);
    let seal = seal(tinker, expires, path);
    format!("{scheme}://{host}/api/v1/downloads/{path}?ticket={expires}-{seal:016x}")
}

/// Hands out what an address is for.
pub(crate) fn download(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let bad = || {
        Refusal::new(
            StatusCode::FORBIDDEN,
            "the address is not one of this server",
        )
    };
    let (ticket, path) = (asked.query("ticket").ok_or_else(bad)?, asked.about);
    let (expires, sealed) = ticket.split_once('-').ok_or_else(bad)?;
    let expires: u64 = expires.parse().map_err(|_| bad())?;
    if u64::from_str_radix(sealed, 16) != Ok(seal(tinker, expires, path)) {
        return Err(bad());
    }
    if expires <= seconds(asked.now) {
        return Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "the address has expired",
        ));
    }
    let bytes = content(tinker, path)?;
    part(asked.header("range"), asked.header("if-range"), bytes)
}

/// A file of the hub, the same at every revision: one that was given, or one that the engine makes
/// of a base model.
pub(crate) fn hub_file(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let bytes = match tinker.settings.hub.get(asked.about) {
        Some(bytes) => Some(bytes.clone()),
        None => made_file(tinker, asked.about)?,
    };
    let mut reply = match bytes {
        Some(bytes) => part(asked.header("range"), asked.header("if-range"), bytes)?,
        None => {
            let mut reply = Reply::text(StatusCode::NOT_FOUND, "Entry not found");
            let code = HeaderValue::from_static("EntryNotFound");
            reply.headers.insert("x-error-code", code);
            reply
        }
    };
    reply.headers.insert("x-repo-commit", COMMIT);
    Ok(reply)
}

fn made_file(tinker: &Tinker, path: &str) -> Result<Option<Vec<u8>>, Refusal> {
    let base = path
        .rsplit_once('/')
        .and_then(|(repository, file)| Some((tinker.base_model(repository).ok()?, file)));
    match base {
        Some((base, file)) => tinker.engine.file(&base, file).map_err(broken),
        None => Ok(None),
    }
}

fn content(tinker: &Tinker, path: &str) -> Result<Vec<u8>, Refusal> {
    let missing = || Refusal::not_found("the file is gone");
    if let Some(session) = path.strip_prefix("trace/") {
        return Ok(trace::write(&runs::done_in(tinker, session)));
    }
    let (checkpoint, file) = path.rsplit_once('/').ok_or_else(missing)?;
    let checkpoint = CheckpointPath::parse_bare(checkpoint).ok_or_else(missing)?;
    if file != "archive.tar" {
        return tinker.store.file(&checkpoint, file).map_err(|_| missing());
    }
    let mut archive = tar::Builder::new(Vec::new());
    for name in Store::files() {
        let bytes = tinker
            .store
            .file(&checkpoint, name)
            .map_err(|_| missing())?;
        let mut entry = tar::Header::new_gnu();
        entry.set_size(bytes.len() as u64);
        entry.set_mode(0o644);
        let added = archive.append_data(&mut entry, name, bytes.as_slice());
        added.map_err(|error| broken(super::engine::Problem::server(error.to_string())))?;
    }
    let done = archive.into_inner();
    done.map_err(|error| broken(super::engine::Problem::server(error.to_string())))
}

/// All of it, or from where a `Range` of the form `bytes=FROM-[TO]` says.
fn part(range: Option<&str>, if_range: Option<&str>, bytes: Vec<u8>) -> Result<Reply, Refusal> {
    let len = bytes.len();
    // By RFC 9110 a range counts only while the file is the version that `If-Range` names.
    let tag = format!("\"{:016x}\"", rng::digest_of(&bytes));
    let range = range.filter(|_| if_range.is_none_or(|version| version == tag));
    let asked = range.and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
    let bounds = asked.and_then(|(from, to)| {
        let from: usize = from.parse().ok()?;
        let to = to
            .parse()
            .map_or(len, |to: usize| to.saturating_add(1).min(len));
        Some((from, to))
    });
    let mut reply = match bounds {
        None => Reply::text(StatusCode::OK, bytes),
        Some((from, to)) if from < to => {
            let mut reply = Reply::text(StatusCode::PARTIAL_CONTENT, bytes[from..to].to_vec());
            let place = format!("bytes {from}-{}/{len}", to - 1);
            if let Ok(place) = HeaderValue::try_from(place) {
                reply.headers.insert(header::CONTENT_RANGE, place);
            }
            reply
        }
        Some(_) => {
            return Err(Refusal::new(
                StatusCode::RANGE_NOT_SATISFIABLE,
                format!("there are {len} bytes"),
            ));
        }
    };
    if let Ok(tag) = HeaderValue::try_from(tag) {
        reply.headers.insert(header::ETAG, tag);
    }
    let kind = HeaderValue::from_static("application/octet-stream");
    reply.headers.insert(header::CONTENT_TYPE, kind);
    let ranges = HeaderValue::from_static("bytes");
    reply.headers.insert(header::ACCEPT_RANGES, ranges);
    Ok(reply)
}

fn seal(tinker: &Tinker, expires: u64, path: &str) -> u64 {
    rng::mix(rng::digest(path) ^ rng::mix(expires ^ tinker.seed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let get = |range: Option<&str>| {
            let reply = part(range, None, b"0123456789".to_vec());
            reply.map(|reply| (reply.status.as_u16(), reply.body.concat()))
        };
        assert_eq!(get(None), Ok((200, b"0123456789".to_vec())));
        assert_eq!(get(Some("bytes=7-")), Ok((206, b"789".to_vec())));
        assert_eq!(get(Some("bytes=2-3")), Ok((206, b"23".to_vec())));
        assert!(get(Some("bytes=10-")).is_err());
        let other = part(Some("bytes=7-"), Some("\"old\""), b"0123456789".to_vec());
        assert_eq!(other.unwrap().status, StatusCode::OK);
    }
}
