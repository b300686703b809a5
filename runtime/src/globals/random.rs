//! `Math.random`. The engine's own would go on from the seed in the image, the same in every process.

use rustix::rand::{GetRandomFlags, getrandom};

use crate::call::Call;
use crate::failure::Outcome;

/// `Math.random()`: 53 bits from the kernel.
pub fn random<'js>(call: &Call<'js>) -> Outcome<'js> {
    let mut bytes = [0u8; 8];
    let mut filled = 0;
    while filled < bytes.len() {
        filled +=
            rustix::io::retry_on_intr(|| getrandom(&mut bytes[filled..], GetRandomFlags::empty()))?;
    }
    Ok(call.float((u64::from_ne_bytes(bytes) >> 11) as f64 / (1u64 << 53) as f64))
}
