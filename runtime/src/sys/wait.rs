//! poll(2) and timers.

use alloc::vec::Vec;
use rquickjs::{Array, Value};
use rustix::event::{PollFd, PollFlags};
use rustix::fd::IntoRawFd;
use rustix::io::Errno;
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags};

use super::clock::{monotonic, timespec};
use crate::call::{Call, borrow_fd, integer};
use crate::failure::{Failure, Outcome};

/// `poll(fds, timeoutMs)`: the ready events of each; EINTR goes on with what is left of the time.
pub fn poll<'js>(call: &Call<'js>) -> Outcome<'js> {
    let mut fds = descriptors(&call.value(0))?;
    let timeout = call.milliseconds(1, "timeoutMs")?;
    wait(&mut fds, (timeout >= 0.0).then_some(timeout))?;
    let ready = Array::new(call.ctx.clone())?;
    for (index, fd) in fds.iter().enumerate() {
        ready.set(index, i32::from(fd.revents().bits()))?;
    }
    Ok(ready.into_value())
}

fn descriptors(value: &Value) -> Result<Vec<PollFd<'static>>, Failure> {
    let Some(array) = value.as_array() else {
        return Err(Failure::Type("fds: want an array".into()));
    };
    let mut fds = Vec::with_capacity(array.len());
    for item in array.iter::<rquickjs::Object>() {
        let item = item?;
        let fd = borrow_fd(integer(&item.get("fd")?, "fd")?)?;
        let events = PollFlags::from_bits_retain(integer(&item.get("events")?, "events")?);
        fds.push(PollFd::from_borrowed_fd(fd, events));
    }
    Ok(fds)
}

/// Waits at most that many milliseconds; for ever without.
pub fn wait(fds: &mut [PollFd], milliseconds: Option<f64>) -> Result<usize, Errno> {
    let Some(limit) = milliseconds else {
        return rustix::io::retry_on_intr(|| rustix::event::poll(fds, None));
    };
    if limit == 0.0 {
        return rustix::io::retry_on_intr(|| rustix::event::poll(fds, Some(&timespec(0.0))));
    }
    let deadline = monotonic()? + limit;
    loop {
        let left = timespec(deadline - monotonic()?);
        match rustix::event::poll(fds, Some(&left)) {
            Err(Errno::INTR) => {}
            ready => return ready,
        }
    }
}

/// `timerfdCreate(clock)`
pub fn timerfd_create<'js>(call: &Call<'js>) -> Outcome<'js> {
    let clock = match call.integer(0, "clock")? {
        libc::CLOCK_REALTIME => TimerfdClockId::Realtime,
        libc::CLOCK_MONOTONIC => TimerfdClockId::Monotonic,
        libc::CLOCK_BOOTTIME => TimerfdClockId::Boottime,
        _ => return Err(Errno::INVAL.into()),
    };
    call.number(rustix::time::timerfd_create(clock, TimerfdFlags::CLOEXEC)?.into_raw_fd())
}

/// `timerfdSettime(fd, valueMs, intervalMs)`: from now on; both 0 stops it.
pub fn timerfd_settime<'js>(call: &Call<'js>) -> Outcome<'js> {
    let (fd, interval) = (call.fd(0)?, call.milliseconds(2, "intervalMs")?);
    let value = call.milliseconds(1, "valueMs")?;
    // 0 would stop a timer that is to repeat: it begins with its interval then.
    let first = if value > 0.0 { value } else { interval };
    let times = Itimerspec { it_interval: timespec(interval), it_value: timespec(first) };
    rustix::time::timerfd_settime(fd, TimerfdTimerFlags::empty(), &times)?;
    call.done()
}
