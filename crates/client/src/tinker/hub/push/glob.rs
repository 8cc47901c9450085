//! Patterns of file names. Where the files are does not matter here.

/// Whether a path, or the name at its end, fits one of the patterns.
pub(super) fn fits_one(patterns: &[String], path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    patterns.iter().any(|pattern| {
        [path, name]
            .iter()
            .any(|text| fits(pattern.as_bytes(), text.as_bytes()))
    })
}

/// `**` stands for anything, `*` for anything but `/`.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    match pattern {
        [] => text.is_empty(),
        [b'*', b'*', rest @ ..] => (0..=text.len()).any(|cut| fits(rest, &text[cut..])),
        [b'*', rest @ ..] => {
            let end = text.iter().position(|letter| *letter == b'/');
            (0..=end.unwrap_or(text.len())).any(|cut| fits(rest, &text[cut..]))
        }
        [first, rest @ ..] => text
            .split_first()
            .is_some_and(|(letter, text)| letter == first && fits(rest, text)),
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case("*.json", "adapter_config.json", true)]
    #[test_case("*.json", "sub/a.json", true; "by its name")]
    #[test_case("sub/*", "sub/a.json", true)]
    #[test_case("sub/*", "sub/deep/a.json", false)]
    #[test_case("sub/**", "sub/deep/a.json", true)]
    #[test_case("a", "ab", false)]
    #[test_case("**", "", true; "nothing is anything")]
    fn patterns_fit(pattern: &str, path: &str, expected: bool) {
        assert_eq!(fits_one(&[pattern.to_owned()], path), expected);
    }
}
