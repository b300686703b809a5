//! Pipes to a child.

use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use rustix::io::{Errno, retry_on_intr};
use rustix::pipe::{PipeFlags, pipe_with};

/// Both ends above 2, so that the child can put them in their places in any order.
pub fn pipe() -> Result<(OwnedFd, OwnedFd), Errno> {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
    Ok((lifted(read)?, lifted(write)?))
}

fn lifted(fd: OwnedFd) -> Result<OwnedFd, Errno> {
    if fd.as_raw_fd() > 2 { Ok(fd) } else { rustix::io::fcntl_dupfd_cloexec(&fd, 3) }
}

/// Makes reads and writes of our own end return instead of waiting.
pub fn set_nonblocking(fd: BorrowedFd) -> Result<(), Errno> {
    rustix::fs::fcntl_setfl(fd, rustix::fs::OFlags::NONBLOCK)
}

/// A write that gives 0 when the pipe is full and `None` when nobody reads.
pub fn write_some(fd: impl AsFd, bytes: &[u8]) -> Result<Option<usize>, Errno> {
    match retry_on_intr(|| rustix::io::write(&fd, bytes)) {
        Err(Errno::AGAIN) => Ok(Some(0)),
        Err(Errno::PIPE) => Ok(None),
        written => written.map(Some),
    }
}
