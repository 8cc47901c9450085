//! Hands libFuzzer's bytes to [`gimmal_fuzz::cache_patterns`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| gimmal_fuzz::cache_patterns::run(input));
