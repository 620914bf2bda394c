#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| iamc_fuzz::run("reach", bytes));
