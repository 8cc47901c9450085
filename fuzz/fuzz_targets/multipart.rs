//! Hands libFuzzer's bytes to [`gimmal_fuzz::multipart`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| gimmal_fuzz::multipart::run(input));
