//! Hands libFuzzer's bytes to [`gimmal_fuzz::semaphores`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| gimmal_fuzz::semaphores::run(input));
