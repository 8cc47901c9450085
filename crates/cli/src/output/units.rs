//! Sizes and times in words. Nothing is asked of a clock here.

use std::time::{Duration, SystemTime};

use super::whole_seconds;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Bytes in the largest unit of 1024 that is not above them, with one decimal.
pub(crate) fn size(bytes: u64) -> String {
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut size = bytes as f64 / 1024.0;
    let mut units = ["KB", "MB", "GB"].into_iter();
    let unit = loop {
        let unit = units.next().unwrap_or("TB");
        if size < 1024.0 || unit == "TB" {
            break unit;
        }
        size /= 1024.0;
    };
    format!("{size:.1} {unit}")
}

/// How long ago or ahead a time is; its date when that is more than thirty days.
pub(crate) fn relative(time: SystemTime, now: SystemTime) -> String {
    let (distance, is_past) = match now.duration_since(time) {
        Ok(past) => (past, true),
        Err(ahead) => (ahead.duration(), false),
    };
    let Some(words) = words(distance) else {
        let text = whole_seconds(&time);
        return text.split('T').next().unwrap_or_default().to_owned();
    };
    match (words, is_past) {
        (None, true) => "just now".to_owned(),
        (None, false) => "in less than a minute".to_owned(),
        (Some(words), true) => format!("{words} ago"),
        (Some(words), false) => format!("in {words}"),
    }
}

/// The distance in words; nothing for a minute or less, and no words for more than thirty days.
fn words(distance: Duration) -> Option<Option<String>> {
    let seconds = distance.as_secs();
    let days = seconds / DAY;
    let (count, unit) = match seconds {
        0..=MINUTE => return Some(None),
        seconds if seconds <= HOUR => (seconds / MINUTE, "minute"),
        seconds if seconds < DAY => (seconds / HOUR, "hour"),
        _ if days <= 7 => (days, "day"),
        _ if days <= 30 => (days / 7, "week"),
        _ => return None,
    };
    let plural = if count == 1 { "" } else { "s" };
    Some(Some(format!("{count} {unit}{plural}")))
}

#[cfg(test)]
mod tests {
    use gimmal_client::types::Timestamp;

    use super::*;

    fn at(text: &str) -> SystemTime {
        text.parse::<Timestamp>().unwrap().to_system_time()
    }

    /// Covers: CHK-CLI-4
    #[test]
    fn chk_cli_4_times_are_told_by_their_distance() {
        let now = at("2026-03-11T00:00:00Z");
        let told = |text: &str| relative(at(text), now);
        assert_eq!(told("2026-03-10T22:00:00Z"), "2 hours ago");
        assert_eq!(told("2026-03-11T02:00:00Z"), "in 2 hours");
        assert_eq!(told("2026-01-01T00:00:00Z"), "2026-01-01");
        assert_eq!(told("2026-03-10T23:58:59Z"), "1 minute ago");
        assert_eq!(told("2026-03-03T00:00:00Z"), "1 week ago");
    }

    #[test]
    fn the_units_of_time_change_where_they_should() {
        let now = at("2026-03-11T00:00:00Z");
        let past = |seconds: u64| relative(now - Duration::from_secs(seconds), now);
        let ahead = |seconds: u64| relative(now + Duration::from_secs(seconds), now);
        for (seconds, expected) in [
            (0, "just now"),
            (MINUTE, "just now"),
            (MINUTE + 1, "1 minute ago"),
            (HOUR, "60 minutes ago"),
            (HOUR + 1, "1 hour ago"),
            (DAY - 1, "23 hours ago"),
            (DAY, "1 day ago"),
            (8 * DAY - 1, "7 days ago"),
            (8 * DAY, "1 week ago"),
            (31 * DAY - 1, "4 weeks ago"),
            (31 * DAY, "2026-02-08"),
        ] {
            assert_eq!(past(seconds), expected, "{seconds}");
        }
        assert_eq!(ahead(30), "in less than a minute");
        assert_eq!(ahead(3 * DAY), "in 3 days");
        assert_eq!(ahead(365 * DAY), "2027-03-11");
    }

    #[test]
    fn sizes_have_one_decimal() {
        for (bytes, expected) in [
            (0, "0 B"),
            (512, "512 B"),
            (1_536, "1.5 KB"),
            (1 << 20, "1.0 MB"),
            (5 << 30, "5.0 GB"),
            (1 << 50, "1024.0 TB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }
}
