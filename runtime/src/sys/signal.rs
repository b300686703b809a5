//! Signals by way of a descriptor.

use core::mem::zeroed;
use core::ptr::null_mut;
use rquickjs::Value;

use crate::call::{Call, integer};
use crate::errno::check;
use crate::failure::{Failure, Outcome};

/// `signalfd(signals)`: they are blocked, and read from the descriptor as struct signalfd_siginfo.
pub fn signalfd<'js>(call: &Call<'js>) -> Outcome<'js> {
    let value = call.value(0);
    let Some(signals) = value.as_array() else {
        return Err(Failure::Type("signals: want an array".into()));
    };
    // SAFETY: a signal set is plain data; pointers are to live ones.
    let fd = unsafe {
        let mut set: libc::sigset_t = zeroed();
        check(libc::sigemptyset(&mut set))?;
        for signal in signals.iter::<Value>() {
            check(libc::sigaddset(&mut set, integer(&signal?, "signal")?))?;
        }
        check(libc::sigprocmask(libc::SIG_BLOCK, &set, null_mut()))?;
        check(libc::signalfd(-1, &set, libc::SFD_CLOEXEC))?
    };
    call.number(fd)
}
