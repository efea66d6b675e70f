//! The target `ids` for libFuzzer; `tools/fuzz` defines it.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| skimlog_fuzz::run_one("ids", input));
