//! Clocks, sleep, random bytes.

use rustix::io::Errno;

use super::buffer::receive;
use crate::call::Call;
use crate::errno::check;
use crate::failure::Outcome;

/// A clock in milliseconds, read through the vDSO.
fn read(clock: libc::clockid_t) -> Result<f64, Errno> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is live and of the right type.
    check(unsafe { libc::clock_gettime(clock, &mut time) })?;
    Ok(time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6)
}

/// Milliseconds that only count up.
pub fn monotonic() -> Result<f64, Errno> {
    read(libc::CLOCK_MONOTONIC)
}

pub fn timespec(milliseconds: f64) -> rustix::time::Timespec {
    let nanoseconds = milliseconds.clamp(0.0, 1e15) * 1e6;
    rustix::time::Timespec {
        tv_sec: (nanoseconds / 1e9) as i64,
        tv_nsec: (nanoseconds % 1e9) as i64,
    }
}

/// `clockGettime(clock)`
pub fn clock_gettime<'js>(call: &Call<'js>) -> Outcome<'js> {
    Ok(call.float(read(call.integer(0, "clock")?)?))
}

/// `nanosleep(milliseconds)`: goes on after a signal.
pub fn nanosleep<'js>(call: &Call<'js>) -> Outcome<'js> {
    let mut rest = timespec(call.milliseconds(0, "milliseconds")?);
    loop {
        match rustix::thread::nanosleep(&rest) {
            rustix::thread::NanosleepRelativeResult::Ok => return call.done(),
            rustix::thread::NanosleepRelativeResult::Interrupted(remaining) => rest = remaining,
            rustix::thread::NanosleepRelativeResult::Err(errno) => return Err(errno.into()),
        }
    }
}

/// `getrandom(length)`
pub fn getrandom<'js>(call: &Call<'js>) -> Outcome<'js> {
    receive(call, call.integer(0, "length")?, |buffer| {
        let mut filled = 0;
        while filled < buffer.len() {
            match rustix::rand::getrandom(
                &mut buffer[filled..],
                rustix::rand::GetRandomFlags::empty(),
            ) {
                Ok(count) => filled += count,
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(filled)
    })
}
