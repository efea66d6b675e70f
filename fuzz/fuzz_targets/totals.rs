//! The target `totals` for libFuzzer; `tools/fuzz` defines it.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| skimlog_fuzz::run_one("totals", input));
