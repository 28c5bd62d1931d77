//! Random bytes from the operating system.

use std::time::Duration;

/// `N` random bytes.
///
/// # Panics
/// When the operating system has no randomness to give, which Linux rules out once it has booted.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
}

/// Fills `bytes` at random. One call for many tokens costs one system call.
///
/// # Panics
/// See [`bytes()`].
pub fn fill(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("Linux gives randomness once it has booted");
}

/// An owner token: 32 hexadecimal digits that no one else has.
pub fn token() -> String {
    data_encoding::HEXLOWER.encode(&bytes::<16>())
}

/// A number from 0 up to but without `bound`, evenly enough for waiting times.
pub fn below(bound: u32) -> u32 {
    u32::from_le_bytes(bytes()) % bound.max(1)
}

/// Between half and the whole of `wait`, so that those who collided do not collide again.
pub fn jitter(wait: Duration) -> Duration {
    let share = f64::from(below(1_000)) / 2_000.0;
    wait.mul_f64(0.5 + share)
}
