//! Hands libFuzzer's bytes to [`gimmal_fuzz::url_templates`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| gimmal_fuzz::url_templates::run(input));
