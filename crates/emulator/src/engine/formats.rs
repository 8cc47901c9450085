//! One valid text for each string format a schema may name. All fixed, so that answers repeat.

/// A text of the format, or `None` for formats that say nothing about the text.
pub(crate) fn example(format: &str) -> Option<&'static str> {
    Some(match format {
        "date-time" => "2026-01-01T00:00:00Z",
        "date" => "2026-01-01",
        "time" => "00:00:00Z",
        "duration" => "PT1H",
        "email" => "someone@example.com",
        "hostname" => "example.com",
        "ipv4" => "192.0.2.1",
        "ipv6" => "2001:db8::1",
        "uri" | "url" => "https://example.com/",
        "uuid" => "00000000-0000-4000-8000-000000000000",
        "byte" => "AAAA",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_parse() {
        let time = example("date-time").expect("a format");
        assert!(time.parse::<jiff::Timestamp>().is_ok());
        assert!(
            example("date")
                .expect("a format")
                .parse::<jiff::civil::Date>()
                .is_ok()
        );
        assert_eq!(example("enum"), None);
    }
}
