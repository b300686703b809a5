//! Starting a program: clone(2) with shared memory, as vfork does, so nothing of ours is copied. The child sets itself
//! up with system calls alone and executes; why it could not it leaves in memory.

use core::ffi::{c_char, c_int, c_void};
use core::mem::{MaybeUninit, zeroed};
use core::ptr::null_mut;
use rustix::fd::{BorrowedFd, FromRawFd, OwnedFd};
use rustix::fs::{Mode, OFlags, RawDir};
use rustix::io::Errno;

use crate::errno::{self, check, retry};
use crate::single::Single;

/// What the child needs, all made before: lists that end with a null pointer, descriptors above 2.
pub struct Program {
    pub path: *const c_char,
    pub arguments: *const *const c_char,
    pub environment: *const *const c_char,
    pub stdin: c_int,
    pub stdout: c_int,
    pub stderr: c_int,
}

/// A running child.
pub struct Child {
    pub pid: i32,
    /// Readable when it has ended; missing before Linux 5.2.
    pub pidfd: Option<OwnedFd>,
}

struct Start<'a> {
    program: &'a Program,
    parent: i32,
    error: i32,
}

const STACK: usize = 32 << 10;
#[repr(align(64))]
struct Stack {
    _memory: [u8; STACK],
}
static CHILD_STACK: Single<Stack> = Single::new(Stack { _memory: [0; STACK] });

/// Executes the program. The error is the one of execve(2), or of what was to be done before.
pub fn start(program: &Program) -> Result<Child, Errno> {
    let mut start =
        Start { program, parent: rustix::process::getpid().as_raw_nonzero().get(), error: 0 };
    let mut pidfd: c_int = -1;
    // SAFETY: the child runs on a stack of its own while this thread is stopped, touches only `start`, and ends by
    // _exit or execve. Signals are blocked meanwhile: no handler runs in it.
    let pid = unsafe {
        let (mut all, mut before): (libc::sigset_t, libc::sigset_t) = (zeroed(), zeroed());
        check(libc::sigfillset(&mut all))?;
        default_action(libc::SIGCHLD)?; // if it is ignored, the kernel throws the status away
        check(libc::sigprocmask(libc::SIG_BLOCK, &all, &mut before))?;
        let top = CHILD_STACK.get().add(1).cast::<c_void>();
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD;
        let pid = check(libc::clone(run, top, flags, (&raw mut start).cast(), &raw mut pidfd));
        check(libc::sigprocmask(libc::SIG_SETMASK, &before, null_mut()))?;
        pid?
    };
    // SAFETY: the kernel wrote a new descriptor there, or nothing.
    let pidfd = (pidfd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(pidfd) });
    // SAFETY: the child has written it, if at all, before this thread went on.
    match unsafe { (&raw const start.error).read_volatile() } {
        0 => Ok(Child { pid, pidfd }),
        errno => {
            wait(pid)?;
            Err(Errno::from_raw_os_error(errno))
        }
    }
}

/// Waits for its end and gives the status as wait(2) tells it.
pub fn wait(pid: i32) -> Result<c_int, Errno> {
    let mut status = 0;
    // SAFETY: the pointer is to a live int.
    retry(|| unsafe { libc::waitpid(pid, &mut status, 0) })?;
    Ok(status)
}

/// As `wait`, but does not wait: `None` while it runs.
pub fn poll(pid: i32) -> Result<Option<c_int>, Errno> {
    let mut status = 0;
    // SAFETY: the pointer is to a live int.
    let ended = retry(|| unsafe { libc::waitpid(pid, &mut status, libc::WNOHANG) })?;
    Ok((ended == pid).then_some(status))
}

/// # Safety
/// A handler that goes away is not missed.
unsafe fn default_action(signal: c_int) -> Result<(), Errno> {
    // SAFETY: plain data; the default action.
    unsafe {
        let action: libc::sigaction = zeroed();
        check(libc::sigaction(signal, &action, null_mut()))?;
    }
    Ok(())
}

extern "C" fn run(start: *mut c_void) -> c_int {
    // SAFETY: `start` above handed this in and is stopped until the child has executed or ended.
    let start = unsafe { &mut *start.cast::<Start>() };
    let Err(errno) = execute(start);
    // SAFETY: alive, see above; volatile because the parent does not see this function run.
    unsafe { (&raw mut start.error).write_volatile(errno.raw_os_error()) };
    127
}

fn execute(start: &Start) -> Result<core::convert::Infallible, Errno> {
    let program = start.program;
    // SAFETY: numbers, live pointers to plain data, and lists that end with a null.
    unsafe {
        for signal in 1..=64 {
            match default_action(signal) {
                Ok(()) | Err(Errno::INVAL) => {} // KILL and STOP always are; two are the C library's own
                Err(errno) => return Err(errno),
            }
        }
        check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0))?;
        let parent = libc::getppid();
        if parent != start.parent && parent != 0 {
            return Err(Errno::SRCH); // it died before; 0: it is in an outer PID namespace
        }
        check(libc::dup2(program.stdin, 0))?;
        check(libc::dup2(program.stdout, 1))?;
        check(libc::dup2(program.stderr, 2))?;
        close_others()?;
        let mut none: libc::sigset_t = zeroed();
        check(libc::sigemptyset(&mut none))?;
        check(libc::sigprocmask(libc::SIG_SETMASK, &none, null_mut()))?;
        libc::execve(program.path, program.arguments, program.environment);
    }
    Err(errno::last())
}

/// Closes all from 3 on: also those that our own parent left open without close-on-exec.
fn close_others() -> Result<(), Errno> {
    // SAFETY: takes numbers only, and the child uses none of these descriptors any more.
    match check(unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) }) {
        Err(Errno::NOSYS | Errno::PERM) => close_listed(), // Linux before 5.9, or a filter from then
        other => other.map(drop),
    }
}

fn close_listed() -> Result<(), Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let list = rustix::fs::open(c"/proc/self/fd", flags, Mode::empty())?;
    let mut buffer = [MaybeUninit::uninit(); 2048];
    let mut entries = RawDir::new(&list, &mut buffer);
    while let Some(entry) = entries.next() {
        let fd = entry?.file_name().to_str().ok().and_then(|name| name.parse::<i32>().ok());
        if let Some(fd @ 3..) = fd {
            // SAFETY: not -1, and open: it was in the list. Closed by execve, not here, as one is the list itself.
            let fd = unsafe { BorrowedFd::borrow_raw(fd) };
            rustix::io::fcntl_setfd(fd, rustix::io::FdFlags::CLOEXEC)?;
        }
    }
    Ok(())
}
