//! `cargo xtask proto`: Rust code from the messages of Tinker, without any foreign compiler.
//!
//! The messages are read by `protox` and the code is written by `prost-build`, both plain Rust.
//! The code is checked in, so that whoever builds the crates needs neither.

use std::path::Path;

use anyhow::Context as _;

/// Where the messages lie, and where their code goes.
const FOLDER: &str = "crates/types/proto";
const MESSAGES: &str = "tinker_public.proto";
const CODE: &str = "crates/types/src/tinker/proto/messages.rs";

const HEAD: &str = "\
//! The messages of `tinker_public.proto`, as `cargo xtask proto` writes them down. Not to be edited.
#![expect(missing_docs, reason = \"the messages are described where they are declared\")]

";

/// Writes the code, or with `check` only compares; true when all is well.
pub(crate) fn run(root: &Path, check: bool) -> anyhow::Result<bool> {
    let code = generate(&root.join(FOLDER))?;
    let path = root.join(CODE);
    if check {
        let found = std::fs::read_to_string(&path).with_context(|| format!("no {CODE}"))?;
        return Ok(found == code);
    }
    std::fs::write(&path, code).with_context(|| format!("{CODE} cannot be written"))?;
    Ok(true)
}

fn generate(folder: &Path) -> anyhow::Result<String> {
    let messages = protox::compile([MESSAGES], [folder]).context("the messages are not sound")?;
    let out = tempfile::tempdir().context("no folder for the code")?;
    prost_build::Config::new()
        .out_dir(out.path())
        .bytes(["."])
        .btree_map(["."])
        .compile_fds(messages)
        .context("no code for the messages")?;
    let made = out.path().join("tinker_public.rs");
    let made = std::fs::read_to_string(made).context("the code is not where it should be")?;
    Ok(format!("{HEAD}{made}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_that_of_the_messages() {
        assert!(run(&crate::workspace::root(), true).unwrap());
    }
}
