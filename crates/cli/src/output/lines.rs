//! Lines on standard output, flushed at once.

use std::fmt::Display;
use std::io::Write as _;
use std::time::{Duration, SystemTime};

use gimmal_client::types::Timestamp;
use serde::Serialize;

/// A line of text.
pub(crate) fn line(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

/// A value as indented JSON.
pub(crate) fn json<T: Serialize + ?Sized>(value: &T) -> anyhow::Result<()> {
    line(&serde_json::to_string_pretty(value)?)
}

/// A value as one line of JSON.
pub(crate) fn json_line<T: Serialize + ?Sized>(value: &T) -> anyhow::Result<()> {
    line(&serde_json::to_string(value)?)
}

/// A whole number with commas between groups of three digits.
pub(crate) fn grouped(number: impl Display) -> String {
    let text = number.to_string();
    let digits = text.trim_start_matches('-');
    let mut out = text[..text.len() - digits.len()].to_owned();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A point in time, in UTC and without fractions of a second.
pub(crate) fn whole_seconds(time: &SystemTime) -> String {
    let seconds = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let whole = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    Timestamp::try_from(whole)
        .map(|time| time.to_string())
        .unwrap_or_default()
}

/// An amount of money: cents are enough above a dollar, six places below.
pub(crate) fn usd(amount: f64) -> String {
    // What is left over from adding floats is not money.
    let amount = if amount.abs() < 5e-8 { 0.0 } else { amount };
    let sign = if amount < 0.0 { "-" } else { "" };
    let amount = amount.abs();
    if amount >= 1.0 {
        format!("{sign}${amount:.2}")
    } else {
        format!("{sign}${amount:.6}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(-1000), "-1,000");
    }

    #[test]
    fn small_amounts_keep_their_digits() {
        assert_eq!(usd(12.345), "$12.35");
        assert_eq!(usd(0.001_567), "$0.001567");
        assert_eq!(usd(-0.5), "-$0.500000");
        assert_eq!(usd(-1.7e-18), "$0.000000");
    }
}
