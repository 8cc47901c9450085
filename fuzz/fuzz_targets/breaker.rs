//! Hands libFuzzer's bytes to [`gimmal_fuzz::breaker`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| gimmal_fuzz::breaker::run(input));
