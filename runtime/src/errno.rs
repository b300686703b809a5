//! Names of error numbers.

use core::ffi::CStr;
use rustix::io::{Errno, retry_on_intr};

macro_rules! names {
    ($($name:ident),* $(,)?) => {
        /// The name of an errno of this kernel, as "ENOENT".
        fn name(errno: i32) -> Option<&'static str> {
            match errno {
                $(libc::$name => Some(stringify!($name)),)*
                _ => None,
            }
        }
    };
}

names! {
    EPERM, ENOENT, ESRCH, EINTR, EIO, ENXIO, E2BIG, ENOEXEC, EBADF, ECHILD, EAGAIN, ENOMEM, EACCES,
    EFAULT, ENOTBLK, EBUSY, EEXIST, EXDEV, ENODEV, ENOTDIR, EISDIR, EINVAL, ENFILE, EMFILE, ENOTTY,
    ETXTBSY, EFBIG, ENOSPC, ESPIPE, EROFS, EMLINK, EPIPE, EDOM, ERANGE, EDEADLK, ENAMETOOLONG, ENOLCK,
    ENOSYS, ENOTEMPTY, ELOOP, ENOMSG, EIDRM, ECHRNG, EL2NSYNC, EL3HLT, EL3RST, ELNRNG, EUNATCH, ENOCSI,
    EL2HLT, EBADE, EBADR, EXFULL, ENOANO, EBADRQC, EBADSLT, EBFONT, ENOSTR, ENODATA, ETIME, ENOSR,
    ENONET, ENOPKG, EREMOTE, ENOLINK, EADV, ESRMNT, ECOMM, EPROTO, EMULTIHOP, EDOTDOT, EBADMSG,
    EOVERFLOW, ENOTUNIQ, EBADFD, EREMCHG, ELIBACC, ELIBBAD, ELIBSCN, ELIBMAX, ELIBEXEC, EILSEQ,
    ERESTART, ESTRPIPE, EUSERS, ENOTSOCK, EDESTADDRREQ, EMSGSIZE, EPROTOTYPE, ENOPROTOOPT,
    EPROTONOSUPPORT, ESOCKTNOSUPPORT, EOPNOTSUPP, EPFNOSUPPORT, EAFNOSUPPORT, EADDRINUSE, EADDRNOTAVAIL,
    ENETDOWN, ENETUNREACH, ENETRESET, ECONNABORTED, ECONNRESET, ENOBUFS, EISCONN, ENOTCONN, ESHUTDOWN,
    ETOOMANYREFS, ETIMEDOUT, ECONNREFUSED, EHOSTDOWN, EHOSTUNREACH, EALREADY, EINPROGRESS, ESTALE,
    EUCLEAN, ENOTNAM, ENAVAIL, EISNAM, EREMOTEIO, EDQUOT, ENOMEDIUM, EMEDIUMTYPE, ECANCELED, ENOKEY,
    EKEYEXPIRED, EKEYREVOKED, EKEYREJECTED, EOWNERDEAD, ENOTRECOVERABLE, ERFKILL, EHWPOISON,
}

/// Name and text of an error, as "ENOENT" and "No such file or directory".
pub fn describe(errno: Errno) -> (&'static str, &'static [u8]) {
    // SAFETY: strerror of musl returns a constant text for any number.
    let text = unsafe { CStr::from_ptr(libc::strerror(errno.raw_os_error())) };
    (name(errno.raw_os_error()).unwrap_or("EUNKNOWN"), text.to_bytes())
}

/// The value of a call of the C library, or the errno it left.
pub fn check<T: PartialOrd + Default>(value: T) -> Result<T, Errno> {
    if value >= T::default() {
        return Ok(value);
    }
    Err(last())
}

/// What a call of the C library has just left.
pub fn last() -> Errno {
    // SAFETY: the C library's errno of this thread is always there.
    Errno::from_raw_os_error(unsafe { *libc::__errno_location() })
}

/// Repeats a call of the C library that a signal interrupted.
pub fn retry<T: PartialOrd + Default>(mut call: impl FnMut() -> T) -> Result<T, Errno> {
    retry_on_intr(|| check(call()))
}
