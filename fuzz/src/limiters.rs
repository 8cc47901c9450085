//! The rate limiter and the pause window under random schedules of virtual time: no window sees
//! more than is allowed, nobody goes during a pause, nobody overtakes, nobody waits for ever.

use arbitrary::{Arbitrary, Unstructured};

mod pause;
mod rate;

/// Runs the target: which of the two, its settings, then steps until the input is used up.
pub fn run(input: &[u8]) {
    let mut input = Unstructured::new(input);
    match bool::arbitrary(&mut input) {
        Ok(true) => rate::run(&mut input),
        Ok(false) => pause::run(&mut input),
        Err(_) => {}
    }
}
