//! Hands libFuzzer's bytes to [`gimmal_fuzz::durations`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| gimmal_fuzz::durations::run(input));
