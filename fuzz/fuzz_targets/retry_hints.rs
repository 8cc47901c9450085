//! Hands libFuzzer's bytes to [`gimmal_fuzz::retry_hints`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| gimmal_fuzz::retry_hints::run(input));
