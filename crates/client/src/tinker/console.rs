//! Addresses of the web console, for people to look at what a program did. Nothing is sent.

use gimmal_types::tinker::ParsedCheckpointTinkerPath;
use url::form_urlencoded::byte_serialize;

/// Where the console of the service is.
pub const CONSOLE_URL: &str = "https://tinker.thinkingmachines.ai";

/// The page of a session; the list of all without one.
///
/// ```
/// use gimmal_client::tinker::console;
///
/// let page = console::session(Some("session-1"));
/// assert_eq!(page, "https://tinker.thinkingmachines.ai/sessions/session-1");
/// ```
pub fn session(session_id: Option<&str>) -> String {
    match session_id {
        Some(session_id) => format!("{CONSOLE_URL}/sessions/{session_id}"),
        None => format!("{CONSOLE_URL}/sessions"),
    }
}

/// The page of a training run.
pub fn training_run(training_run_id: &str) -> String {
    format!("{CONSOLE_URL}/training_runs/{training_run_id}")
}

/// The page of a checkpoint.
pub fn checkpoint(path: &ParsedCheckpointTinkerPath) -> String {
    let (run, id) = (
        encoded(path.training_run_id()),
        encoded(path.checkpoint_id()),
    );
    format!("{CONSOLE_URL}/checkpoints/{run}/{id}")
}

/// The page where a checkpoint can be talked to.
pub fn playground(path: &ParsedCheckpointTinkerPath) -> String {
    let path = encoded(path.tinker_path());
    format!("{CONSOLE_URL}/playground?mode=checkpoint&checkpoint={path}")
}

/// The page of an API key.
pub fn api_key(key_id: &str) -> String {
    format!("{CONSOLE_URL}/keys/{}", encoded(key_id))
}

/// The page where an API key can be made, with a name for it filled in.
pub fn new_api_key(name: &str) -> String {
    let name: String = byte_serialize(name.as_bytes()).collect();
    format!("{CONSOLE_URL}/keys?new_key=true&key_name={name}")
}

/// The text with everything but letters, digits and `-._` percent-encoded.
fn encoded(text: &str) -> String {
    // The form's own spelling of a blank and of a tilde has no place in a path.
    let pieces = byte_serialize(text.as_bytes());
    let pieces = pieces.map(|piece| piece.replace('+', "%20").replace("%7E", "~"));
    pieces.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_name_what_they_show() {
        let path: ParsedCheckpointTinkerPath =
            "tinker://run:1/sampler_weights/a b".parse().unwrap();
        assert_eq!(session(None), "https://tinker.thinkingmachines.ai/sessions");
        assert_eq!(
            checkpoint(&path),
            "https://tinker.thinkingmachines.ai/checkpoints/run%3A1/sampler_weights%2Fa%20b"
        );
        assert_eq!(
            playground(&path),
            "https://tinker.thinkingmachines.ai/playground?mode=checkpoint&checkpoint=\
             tinker%3A%2F%2Frun%3A1%2Fsampler_weights%2Fa%20b"
        );
        assert!(training_run("r").ends_with("/training_runs/r"));
        assert!(api_key("12/3").ends_with("/keys/12%2F3"));
        assert!(new_api_key("a b").ends_with("/keys?new_key=true&key_name=a+b"));
    }
}
