//! Reading what the user names, with errors that name the path.

use std::io::Read as _;
use std::path::Path;

use gimmal_client::gemini::planner::ModelTable;

use crate::exit::Failure;

/// A text file that must exist and not be empty.
pub(crate) fn read_text(path: &Path, what: &str) -> anyhow::Result<String> {
    let shown = path.display();
    let bytes = std::fs::read(path)
        .map_err(|error| Failure::usage(format!("cannot read the {what} {shown}: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to() + 1;
        Failure::usage(format!("the {what} {shown} is not UTF-8 (byte {place})"))
    })?;
    if text.trim().is_empty() {
        return Err(Failure::usage(format!("the {what} {shown} is empty")));
    }
    Ok(text)
}

/// The argument itself, or standard input for `-`.
pub(crate) fn text_or_stdin(argument: &str) -> anyhow::Result<String> {
    if argument != "-" {
        return Ok(argument.to_owned());
    }
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| Failure::usage(format!("cannot read standard input: {error}")))?;
    Ok(text)
}

/// The model table of a file, or the built-in one.
pub(crate) fn model_table(path: Option<&Path>) -> anyhow::Result<ModelTable> {
    let Some(path) = path else {
        return Ok(ModelTable::default());
    };
    let text = read_text(path, "price table")?;
    ModelTable::from_json(text.as_bytes())
        .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}
