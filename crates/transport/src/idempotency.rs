//! The key by which a server knows a request again, so that sending it twice has the effect of
//! sending it once. Where the header goes is the options' affair.

use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::time::Jitter;

/// Puts a key into `headers` unless the caller did, and returns whether there is one.
///
/// Methods that change nothing get none.
pub(crate) fn ensure_key(
    headers: &mut HeaderMap,
    name: &HeaderName,
    method: &Method,
    jitter: &dyn Jitter,
) -> bool {
    if headers.contains_key(name) {
        return true;
    }
    if method.is_safe() {
        return false;
    }
    headers.insert(name.clone(), random_key(jitter));
    true
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
        let mut headers = HeaderMap::new();
        let jitter = FixedJitter::new(0.0);
        assert!(!ensure_key(&mut headers, &NAME, &Method::GET, &jitter));
        assert!(headers.is_empty());
        headers.insert(NAME, HeaderValue::from_static("own"));
        for method in [Method::GET, Method::POST] {
            assert!(ensure_key(&mut headers, &NAME, &method, &jitter));
            assert_eq!(headers[NAME], "own");
        }
    }
}
