//! Watches over a child: its three pipes, its end, its time.

use alloc::vec::Vec;
use core::ffi::c_int;
use rustix::event::{PollFd, PollFlags};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::{Errno, retry_on_intr};

use super::child::{self, Child};
use super::clock::monotonic;
use super::pipe::{set_nonblocking, write_some};
use super::wait;
use crate::errno::check;
use crate::failure::Failure;

/// Until when it may run, in milliseconds of the monotonic clock, and how much it may say.
pub struct Limits {
    pub deadline: Option<f64>,
    pub output: usize,
}

/// What became of it.
pub struct Ended {
    /// As wait(2) tells it.
    pub status: c_int,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub timed_out: bool,
    pub output_exceeded: bool,
}

/// Our ends of its pipes.
pub struct Streams {
    stdin: Option<OwnedFd>,
    /// What its stdin did not take at first; mostly nothing.
    rest: Vec<u8>,
    fed: usize,
    stdout: Output,
    stderr: Output,
}

struct Output {
    pipe: Option<OwnedFd>,
    bytes: Vec<u8>,
    exceeded: bool,
}

/// Without a pidfd its end is asked for this often.
const ASK_MILLISECONDS: f64 = 20.0;
const CHUNK: usize = 64 << 10;

impl Streams {
    /// Feeds what its stdin takes at once, so that it is there before the program asks, and keeps the rest.
    pub fn new(
        stdin: OwnedFd,
        stdout: OwnedFd,
        stderr: OwnedFd,
        input: &[u8],
    ) -> Result<Self, Failure> {
        for pipe in [&stdin, &stdout, &stderr] {
            set_nonblocking(pipe.as_fd())?;
        }
        let written = if input.is_empty() { Some(0) } else { write_some(&stdin, input)? };
        let left = &input[written.unwrap_or(input.len())..];
        let mut rest = Vec::new();
        rest.try_reserve_exact(left.len())?;
        rest.extend_from_slice(left);
        let output = |pipe| Output { pipe: Some(pipe), bytes: Vec::new(), exceeded: false };
        let stdin = (!rest.is_empty()).then_some(stdin);
        Ok(Self { stdin, rest, fed: 0, stdout: output(stdout), stderr: output(stderr) })
    }

    /// Writes what the pipe takes; closes it after the last byte, or when nobody reads.
    fn feed(&mut self) -> Result<(), Errno> {
        let Some(stdin) = &self.stdin else { return Ok(()) };
        let left = &self.rest[self.fed..];
        self.fed += write_some(stdin, left)?.unwrap_or(left.len());
        if self.fed == self.rest.len() {
            self.stdin = None;
        }
        Ok(())
    }

    fn collect(&mut self, limit: usize) -> Result<(), Failure> {
        self.stdout.collect(limit)?;
        self.stderr.collect(limit)
    }

    fn exceeded(&self) -> bool {
        self.stdout.exceeded || self.stderr.exceeded
    }
}

impl Output {
    /// The pipe as long as it is read. One that said too much stays open: what ends the child is our signal.
    fn open_pipe(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().filter(|_| !self.exceeded).map(AsFd::as_fd)
    }

    /// Reads all that is there, up to `limit` in all.
    fn collect(&mut self, limit: usize) -> Result<(), Failure> {
        while !self.exceeded {
            let Some(pipe) = &self.pipe else { break };
            let length = self.bytes.len();
            self.bytes.try_reserve(CHUNK.min(limit - length + 1))?;
            match retry_on_intr(|| {
                rustix::io::read(pipe, rustix::buffer::spare_capacity(&mut self.bytes))
            }) {
                Ok(0) => self.pipe = None,
                Ok(_) => self.exceeded = self.bytes.len() > limit,
                Err(Errno::AGAIN) => break,
                Err(errno) => return Err(errno.into()),
            }
        }
        self.bytes.truncate(limit);
        Ok(())
    }
}

/// Waits until it has ended. Whatever goes wrong here, it does not live on.
pub fn supervise(child: &Child, mut streams: Streams, limits: &Limits) -> Result<Ended, Failure> {
    let mut timed_out = false;
    let watched = watch(child, &mut streams, limits, &mut timed_out);
    let status = match watched {
        Ok(Some(status)) => status,
        Ok(None) => child::wait(child.pid)?,
        Err(failure) => {
            kill(child)?;
            child::wait(child.pid)?;
            return Err(failure);
        }
    };
    let output_exceeded = streams.exceeded();
    Ok(Ended {
        status,
        stdout: streams.stdout.bytes,
        stderr: streams.stderr.bytes,
        timed_out,
        output_exceeded,
    })
}

/// The status if it was collected already.
fn watch(
    child: &Child,
    streams: &mut Streams,
    limits: &Limits,
    timed_out: &mut bool,
) -> Result<Option<c_int>, Failure> {
    let mut killed = false;
    loop {
        let left = match limits.deadline {
            Some(deadline) if !killed => Some((deadline - monotonic()?).max(0.0)),
            _ => None,
        };
        let ended = wait_for_something(child, streams, left)?;
        streams.feed()?;
        streams.collect(limits.output)?;
        if ended {
            return Ok(None);
        }
        if child.pidfd.is_none() {
            if let Some(status) = child::poll(child.pid)? {
                streams.collect(limits.output)?;
                return Ok(Some(status));
            }
        }
        let late = left == Some(0.0);
        if !killed && (late || streams.exceeded()) {
            kill(child)?;
            (killed, *timed_out) = (true, late && !streams.exceeded());
        }
    }
}

/// Whether the child has ended; false when there is something to read or to write, or the time is over.
fn wait_for_something(child: &Child, streams: &Streams, left: Option<f64>) -> Result<bool, Errno> {
    let mut fds = Vec::with_capacity(4);
    fds.extend(child.pidfd.iter().map(|fd| PollFd::new(fd, PollFlags::IN)));
    fds.extend(streams.stdin.iter().map(|fd| PollFd::new(fd, PollFlags::OUT)));
    for output in [&streams.stdout, &streams.stderr] {
        fds.extend(output.open_pipe().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
    }
    if child.pidfd.is_some() {
        wait::wait(&mut fds, left)?;
        return Ok(!fds[0].revents().is_empty());
    }
    wait::wait(&mut fds, Some(left.unwrap_or(ASK_MILLISECONDS).min(ASK_MILLISECONDS)))?;
    Ok(false)
}

fn kill(child: &Child) -> Result<(), Errno> {
    // SAFETY: takes numbers only; the child was not waited for, so the number is still its own.
    check(unsafe { libc::kill(child.pid, libc::SIGKILL) }).map(drop)
}
