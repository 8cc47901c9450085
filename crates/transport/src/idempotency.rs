//! The key by which a server knows a request again, so that sending it twice has the effect of
//! sending it once. Where the header goes is the options' affair.

use http::{HeaderName, HeaderValue, Method};

use crate::headers::LayeredHeaders;
use crate::time::Jitter;

/// The key of a call: the caller's own, or else a new one.
///
/// Methods that change nothing get none.
pub(crate) fn key(
    headers: &LayeredHeaders<'_>,
    name: &HeaderName,
    method: &Method,
    jitter: &dyn Jitter,
) -> Option<HeaderValue> {
    match headers.get(name) {
        Some(own) => Some(own.clone()),
        None => (!method.is_safe()).then(|| random_key(jitter)),
    }
}

/// A random (version 4) UUID in its usual spelling.
fn random_key(jitter: &dyn Jitter) -> HeaderValue {
    let mut bits = 0_u128;
    for _ in 0..4 {
        // A fraction has 53 random bits, of which a portion takes the first 32.
        let portion = (jitter.fraction() * 2_f64.powi(32)) as u32;
        bits = bits << 32 | u128::from(portion);
    }
    let bits = bits & !(0xF << 76) | 4 << 76;
    let bits = bits & !(0b11 << 62) | 0b10 << 62;
    let digits = format!("{bits:032x}");
    let mut key = String::with_capacity(36);
    for (position, digit) in digits.chars().enumerate() {
        if matches!(position, 8 | 12 | 16 | 20) {
            key.push('-');
        }
        key.push(digit);
    }
    HeaderValue::try_from(key).unwrap_or_else(|_| unreachable!("digits and hyphens are text"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use http::HeaderMap;

    use super::*;
    use crate::time::{FixedJitter, ThreadRngJitter};

    const NAME: HeaderName = HeaderName::from_static("idempotency-key");

    #[test]
    fn the_key_is_a_uuid_made_of_the_injected_chance() {
        let key = |fraction| random_key(&FixedJitter::new(fraction));
        assert_eq!(key(0.0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(key(0.5), "80000000-8000-4000-8000-000080000000");
        let drawn: BTreeSet<_> = (0..1_000)
            .map(|_| random_key(&ThreadRngJitter).as_bytes().to_vec())
            .collect();
        assert_eq!(drawn.len(), 1_000);
    }

    #[test]
    fn the_callers_key_stays_and_safe_methods_need_none() {
        let (mut own, none) = (HeaderMap::new(), HeaderMap::new());
        let jitter = FixedJitter::new(0.0);
        let layered = LayeredHeaders::new([&none; 4]);
        assert_eq!(key(&layered, &NAME, &Method::GET, &jitter), None);
        own.insert(NAME, HeaderValue::from_static("own"));
        for method in [Method::GET, Method::POST] {
            let layered = LayeredHeaders::new([&none, &own, &none, &none]);
            assert_eq!(key(&layered, &NAME, &method, &jitter).unwrap(), "own");
        }
    }
}
