//! Hands libFuzzer's bytes to [`gimmal_fuzz::limiters`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| gimmal_fuzz::limiters::run(input));
