//! The page that a repository shows. Nothing is sent or written here.

/// A page that says what the adapter belongs to and where it comes from.
pub(super) fn card(path: &str, base_model: &str) -> String {
    format!(
        "---\n\
         base_model: {base_model}\n\
         library_name: peft\n\
         tags:\n\
         - lora\n\
         - tinker\n\
         ---\n\
         \n\
         # Adapter of {base_model}\n\
         \n\
         A LoRA adapter of `{base_model}`, from the checkpoint `{path}`.\n"
    )
}

/// The checkpoints that a page names.
pub(super) fn checkpoints(page: &str) -> impl Iterator<Item = &str> {
    page.match_indices("tinker://").map(|(start, _)| {
        let path = &page[start..];
        let fine = |letter: char| letter.is_ascii_alphanumeric() || "-_.:/".contains(letter);
        let end = path.find(|letter| !fine(letter)).unwrap_or(path.len());
        path[..end].trim_end_matches(['.', ':', '/'])
    })
}
