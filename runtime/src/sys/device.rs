//! ioctl(2) and uname(2).

use rustix::fd::AsRawFd;

use crate::call::Call;
use crate::errno::retry;
use crate::failure::Outcome;

/// `ioctl(fd, request, argument)`: a number as it is, or a buffer, which the kernel may fill.
pub fn ioctl<'js>(call: &Call<'js>) -> Outcome<'js> {
    let (fd, request) = (call.fd(0)?, call.integer::<u32>(1, "request")?);
    let argument = match call.value(2) {
        value if value.is_number() => call.integer::<i64>(2, "argument")? as usize,
        _ => call.bytes(2, "argument")?.as_mut_ptr().expose_provenance(),
    };
    // SAFETY: the script gives the request a buffer of the size that its definition demands; nothing else can know.
    call.number(retry(|| unsafe { libc::ioctl(fd.as_raw_fd(), request as _, argument) })?)
}

/// `uname()`
pub fn uname<'js>(call: &Call<'js>) -> Outcome<'js> {
    let (name, object) = (rustix::system::uname(), call.new_object()?);
    object.set("sysname", call.text(name.sysname().to_bytes())?)?;
    object.set("nodename", call.text(name.nodename().to_bytes())?)?;
    object.set("release", call.text(name.release().to_bytes())?)?;
    object.set("version", call.text(name.version().to_bytes())?)?;
    object.set("machine", call.text(name.machine().to_bytes())?)?;
    Ok(object.into_value())
}
