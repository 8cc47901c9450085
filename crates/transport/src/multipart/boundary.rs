//! The line between parts: 32 hexadecimal digits drawn at random that occur in no part.

use memchr::memmem;

use crate::time::Jitter;

/// Draws a boundary that occurs in none of `contents`.
pub(super) fn choose(jitter: &dyn Jitter, contents: &[impl AsRef<[u8]>]) -> String {
    let mut number = draw(jitter);
    loop {
        let boundary = format!("{number:032x}");
        let finder = memmem::Finder::new(&boundary);
        let occurs = |content: &[u8]| finder.find(content).is_some();
        if !contents.iter().any(|content| occurs(content.as_ref())) {
            return boundary;
        }
        // Counting on ends even where the jitter always draws the same.
        number = number.wrapping_add(1);
    }
}

fn draw(jitter: &dyn Jitter) -> u128 {
    // A fraction has 53 random bits, so 32 of them are whole.
    (0..4).fold(0, |number, _| {
        let fraction = jitter.fraction().clamp(0.0, 1.0);
        let bits = (fraction * f64::from(u32::MAX)) as u32;
        (number << 32) | u128::from(bits)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{FixedJitter, ThreadRngJitter};

    const NOTHING: [&str; 0] = [];

    #[test]
    fn chk_req_1_thirty_two_hexadecimal_digits() {
        let boundary = choose(&ThreadRngJitter, &NOTHING);
        assert_eq!(boundary.len(), 32);
        assert!(boundary.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_ne!(boundary, choose(&ThreadRngJitter, &NOTHING));
    }

    #[test]
    fn a_boundary_occurs_in_no_part() {
        let jitter = FixedJitter::new(0.5);
        let first = choose(&jitter, &NOTHING);
        assert_eq!(first, "7fffffff7fffffff7fffffff7fffffff");
        let second = choose(&jitter, &[format!("x{first}y")]);
        assert_eq!(second, "7fffffff7fffffff7fffffff80000000");
        let third = choose(&jitter, &[first, second]);
        assert_eq!(third, "7fffffff7fffffff7fffffff80000001");
    }
}
