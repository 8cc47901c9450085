//! Hands libFuzzer's bytes to [`gimmal_fuzz::sse`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| gimmal_fuzz::sse::run(input));
