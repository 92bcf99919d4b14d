//! `pow` of the C library's libm, the only function of it that anything here calls: so the binary needs no libm.so.
#![allow(unsafe_code)]

/// Raises `base` to `exponent`, for the template engine's `**`.
// SAFETY: the name, the arguments and the result are those of C's `pow`, which it stands for in this binary.
#[unsafe(no_mangle)]
extern "C" fn pow(base: f64, exponent: f64) -> f64 {
    libm::pow(base, exponent)
}
