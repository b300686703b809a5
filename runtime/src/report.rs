//! What the host itself has to say, on stderr.

use rustix::fd::BorrowedFd;
use rustix::io::{Errno, write};

/// Status of a program that could not run to its end.
pub const FAILURE: i32 = 1;

/// Writes all parts to stderr. A closed or full stderr cannot be reported anywhere.
pub fn print(parts: &[&[u8]]) {
    for part in parts {
        let mut rest = *part;
        while !rest.is_empty() {
            // SAFETY: 2 is never closed here while it is borrowed; should it be missing, the kernel says EBADF.
            match write(unsafe { BorrowedFd::borrow_raw(2) }, rest) {
                Ok(written) => rest = &rest[written..],
                Err(Errno::INTR) => {}
                Err(_) => return,
            }
        }
    }
}

/// Ends the process at once.
pub fn exit(status: i32) -> ! {
    // SAFETY: _exit has no preconditions.
    unsafe { libc::_exit(status) }
}

/// Says what is wrong and ends the process.
pub fn fatal(parts: &[&[u8]]) -> ! {
    print(&[b"netloom: "]);
    print(parts);
    print(&[b"\n"]);
    exit(FAILURE)
}

/// A failed call of the host's own.
pub fn fatal_errno(action: &str, what: &[u8], errno: Errno) -> ! {
    let (name, text) = crate::errno::describe(errno);
    fatal(&[action.as_bytes(), b" \"", what, b"\": ", name.as_bytes(), b": ", text])
}
