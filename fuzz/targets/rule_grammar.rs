//! Looks for bytes that break what [`ratekeeper_fuzz::grammar`] says.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| ratekeeper_fuzz::grammar::check(input));

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    ratekeeper_fuzz::lines::mutate(data, size, max_size, seed, libfuzzer_sys::fuzzer_mutate)
});
