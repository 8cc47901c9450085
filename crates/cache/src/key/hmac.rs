//! HMAC-SHA-256 (RFC 2104) over a message that is fed in pieces.
//!
//! It exists so that a long text is hashed where it lies. It compares nothing: there is no
//! verification here that would need constant time.

use sha2::{Digest, Sha256};

const BLOCK_BYTES: usize = 64;

/// Takes the pieces of a message.
pub(crate) type Sink<'a> = dyn FnMut(&[u8]) + 'a;

/// The code of whatever `message` feeds, under `key`.
pub(crate) fn sha256(key: &[u8], message: &mut dyn FnMut(&mut Sink<'_>)) -> [u8; 32] {
    let mut block = [0_u8; BLOCK_BYTES];
    if key.len() > BLOCK_BYTES {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }

    let mut inner = Sha256::new();
    inner.update(block.map(|byte| byte ^ 0x36));
    message(&mut |bytes| inner.update(bytes));

    let mut outer = Sha256::new();
    outer.update(block.map(|byte| byte ^ 0x5c));
    outer.update(inner.finalize());
    outer.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(key: &[u8], message: &[u8]) -> String {
        let code = sha256(key, &mut |update| message.chunks(3).for_each(&mut *update));
        code.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Test cases 1, 2 and 6 of RFC 4231.
    #[test]
    fn published_vectors() {
        assert_eq!(
            hex(&[0x0b; 20], b"Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
        assert_eq!(
            hex(b"Jefe", b"what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            hex(
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First"
            ),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }
}
