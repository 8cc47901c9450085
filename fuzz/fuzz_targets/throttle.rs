//! Hands libFuzzer's bytes to [`gimmal_fuzz::throttle`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| gimmal_fuzz::throttle::run(input));
