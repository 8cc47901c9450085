//! Hands libFuzzer's bytes to [`gimmal_fuzz::tinker_results`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| gimmal_fuzz::tinker_results::run(input));
