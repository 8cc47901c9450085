//! Hands libFuzzer's bytes to [`gimmal_fuzz::cache_keys`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| gimmal_fuzz::cache_keys::run(input));
