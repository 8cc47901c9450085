//! Hands libFuzzer's bytes to [`gimmal_fuzz::content_range`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| gimmal_fuzz::content_range::run(input));
