#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| agai_session_core::testing::fuzzing::object(input));
