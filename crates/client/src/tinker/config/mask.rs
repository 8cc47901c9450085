//! How a key is shown to its owner: enough of it to tell keys apart, never enough to use one.

/// Shorter keys show their last two characters alone.
const LONG_ENOUGH: usize = 12;

/// The beginning and the end of a key, for messages.
///
/// ```
/// use gimmal_client::tinker::mask_api_key;
///
/// assert_eq!(mask_api_key("tml-abcdef123456"), "tml-ab...3456");
/// assert_eq!(mask_api_key("tml-ab12"), "******12");
/// ```
///
/// The first six and the last four characters of a key of twelve or more, the last two of one of
/// five to eleven, and nothing of a shorter one.
pub fn mask_api_key(key: &str) -> String {
    let characters: Vec<char> = key.chars().collect();
    let count = characters.len();
    let last = |n: usize| characters[count - n..].iter().collect::<String>();
    if count >= LONG_ENOUGH {
        let first: String = characters[..6].iter().collect();
        return format!("{first}...{}", last(4));
    }
    let shown = if count > 4 { 2 } else { 0 };
    format!("{}{}", "*".repeat(count - shown), last(shown))
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case("", "")]
    #[test_case("abcd", "****")]
    #[test_case("abcde", "***de")]
    #[test_case("tml-1234567", "*********67")]
    #[test_case("tml-12345678", "tml-12...5678")]
    fn a_short_key_is_hidden_but_for_its_end(key: &str, shown: &str) {
        assert_eq!(mask_api_key(key), shown);
    }
}
