//! A bug that was planted for the fuzzer to find before it looks for others: a byte behind the end of what was allocated, once
//! it has found out four bytes that lead there.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let [b'b', b'u', b'g', b'!', rest @ ..] = bytes {
        let copy = rest.to_vec();
        // SAFETY: none; this is the bug.
        std::hint::black_box(unsafe { copy.as_ptr().add(copy.capacity()).read_volatile() });
    }
});
