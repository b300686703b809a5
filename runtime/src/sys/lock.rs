//! flock(2) with a time limit.

use core::mem::zeroed;
use core::ptr::null_mut;
use rustix::fd::{AsRawFd, BorrowedFd};
use rustix::io::Errno;

use super::clock::monotonic;
use crate::call::Call;
use crate::errno::{check, retry};
use crate::failure::{Failure, Outcome};

/// The timer ticks on, so that a tick that comes before flock(2) waits is not the last.
const TICK_MICROSECONDS: libc::suseconds_t = 10_000;

/// `flock(fd, operation, timeoutMs?)`: ETIMEDOUT when the limit is over.
pub fn flock<'js>(call: &Call<'js>) -> Outcome<'js> {
    let (fd, operation) = (call.fd(0)?, call.integer(1, "operation")?);
    let limited = !call.value(2).is_undefined() && operation & (libc::LOCK_NB | libc::LOCK_UN) == 0;
    if limited {
        within(fd, operation, call.milliseconds(2, "timeoutMs")?)?;
    } else {
        // SAFETY: takes numbers only.
        retry(|| unsafe { libc::flock(fd.as_raw_fd(), operation) })?;
    }
    call.done()
}

fn within(fd: BorrowedFd, operation: i32, milliseconds: f64) -> Result<(), Failure> {
    let deadline = monotonic()? + milliseconds;
    // SAFETY: takes numbers only.
    match retry(|| unsafe { libc::flock(fd.as_raw_fd(), operation | libc::LOCK_NB) }) {
        Err(Errno::WOULDBLOCK) => {}
        other => return other.map(drop).map_err(Failure::from),
    }
    let alarm = Alarm::start(milliseconds)?;
    let locked = wait(fd, operation, deadline);
    alarm.stop()?;
    locked
}

fn wait(fd: BorrowedFd, operation: i32, deadline: f64) -> Result<(), Failure> {
    loop {
        // SAFETY: takes numbers only.
        match check(unsafe { libc::flock(fd.as_raw_fd(), operation) }) {
            Err(Errno::INTR) if monotonic()? < deadline => {}
            Err(Errno::INTR) => return Err(Errno::TIMEDOUT.into()),
            other => return other.map(drop).map_err(Failure::from),
        }
    }
}

/// SIGALRM that does nothing but interrupt, and what was there before.
struct Alarm {
    action: libc::sigaction,
    mask: libc::sigset_t,
    timer: libc::itimerval,
}

extern "C" fn interrupt(_signal: i32) {}

impl Alarm {
    fn start(milliseconds: f64) -> Result<Self, Errno> {
        // SAFETY: all three are plain data that the calls below fill.
        let mut before: Self = unsafe { zeroed() };
        // SAFETY: pointers are to live data of the right type; the handler touches nothing.
        unsafe {
            let mut action: libc::sigaction = zeroed();
            action.sa_sigaction = interrupt as *const () as usize;
            check(libc::sigaction(libc::SIGALRM, &action, &mut before.action))?;
            let mut alarm: libc::sigset_t = zeroed();
            check(libc::sigemptyset(&mut alarm))?;
            check(libc::sigaddset(&mut alarm, libc::SIGALRM))?;
            check(libc::sigprocmask(libc::SIG_UNBLOCK, &alarm, &mut before.mask))?;
            check(libc::setitimer(
                libc::ITIMER_REAL,
                &ticks_from(milliseconds),
                &mut before.timer,
            ))?;
        }
        Ok(before)
    }

    fn stop(self) -> Result<(), Errno> {
        // SAFETY: gives back what `start` was given.
        unsafe {
            check(libc::setitimer(libc::ITIMER_REAL, &self.timer, null_mut()))?;
            check(libc::sigprocmask(libc::SIG_SETMASK, &self.mask, null_mut()))?;
            check(libc::sigaction(libc::SIGALRM, &self.action, null_mut()))?;
        }
        Ok(())
    }
}

/// First after that long, then every tick.
fn ticks_from(milliseconds: f64) -> libc::itimerval {
    let microseconds = (milliseconds.clamp(0.0, 1e12) * 1000.0) as i64;
    let first = microseconds.max(1);
    libc::itimerval {
        it_value: libc::timeval { tv_sec: first / 1_000_000, tv_usec: first % 1_000_000 },
        it_interval: libc::timeval { tv_sec: 0, tv_usec: TICK_MICROSECONDS },
    }
}
