//! netloom's host: runs a TypeScript program that lies behind it in its own file, or, as the bare host, makes such files. It
//! is built twice: for programs of one call, which are heap images at a fixed address, and with the feature `daemon` for those
//! that stay, which start from bytecode, lie at another address each time and give memory back.
//!
//! ```text
//! netloom-host compile SOURCE.js OUT.bc          an ES module to bytecode (netloom-compiler beside it does it)
//! netloom-host image IN.bc OUT [ATTACHMENT [HOT]]  host, image and bytecode to a program; HOT names its busy blocks
//! netloom-host spread IN.bc OUT                  the same for a training run: each block on pages of its own
//! netloom-host program IN.bc OUT [ATTACHMENT]    the daemons' host: host and bytecode to a program
//! netloom-compiler train SPREAD OUT              runs such a program and writes down which blocks it wrote to
//! ```
#![no_std]

extern crate alloc;

#[cfg_attr(feature = "daemon", path = "freeing_allocator.rs")]
mod allocator;
#[cfg(not(feature = "daemon"))]
mod arena;
mod build_file;
#[cfg(not(feature = "daemon"))]
mod builder;
mod building;
mod call;
mod clock;
#[cfg(not(feature = "daemon"))]
mod compiler;
#[cfg(feature = "daemon")]
mod daemon;
mod elf;
mod engine;
mod errno;
mod exception;
mod failure;
#[cfg(not(feature = "daemon"))]
mod forecast;
mod globals;
#[cfg(not(feature = "daemon"))]
mod image;
mod native;
#[cfg(not(feature = "daemon"))]
mod oneshot;
#[cfg(not(feature = "daemon"))]
mod packed;
mod program;
mod property;
mod report;
mod single;
mod sys;
mod table;
mod text;
mod trace;
#[cfg(not(feature = "daemon"))]
mod train;

use core::ffi::{CStr, c_char, c_int};
use core::fmt::Write;

#[cfg(feature = "daemon")]
use daemon::{build, start};
#[cfg(not(feature = "daemon"))]
use {builder::run as build, oneshot::start};

/// The longest line: `image IN OUT ATTACHMENT HOT`.
const ARGUMENTS_MAX: usize = 5;

/// The whole of `netloom-host`; the status to leave with.
pub fn host(count: c_int, arguments: *const *const c_char) -> c_int {
    sys::set_arguments(arguments);
    match program::find() {
        Some(file) => {
            ignore_write_signals();
            start(file)
        }
        None => build(&list_of(count, arguments)[..given(count)]),
    }
}

/// The whole of `netloom-compiler`: a program of its own, so that programs carry no parser.
#[cfg(not(feature = "daemon"))]
pub fn compiler(count: c_int, arguments: *const *const c_char) -> c_int {
    compiler::run(&list_of(count, arguments)[..given(count)])
}

/// Ends the process.
pub fn leave(status: c_int) -> ! {
    report::exit(status)
}

/// How many arguments are looked at.
fn given(count: c_int) -> usize {
    (count.max(1) as usize - 1).min(ARGUMENTS_MAX + 1)
}

/// The arguments after the name. Allocates nothing, since the image's memory begins with the image.
fn list_of(count: c_int, arguments: *const *const c_char) -> [&'static CStr; ARGUMENTS_MAX + 1] {
    let mut list = [c""; ARGUMENTS_MAX + 1];
    for (index, place) in list.iter_mut().take(given(count)).enumerate() {
        // SAFETY: the kernel's list of that many C strings; they live as long as the process.
        *place = unsafe { CStr::from_ptr(*arguments.add(index + 1)) };
    }
    list
}

/// A closed pipe then is the EPIPE of a write, and RLIMIT_FSIZE its EFBIG.
fn ignore_write_signals() {
    for signal in [libc::SIGPIPE, libc::SIGXFSZ] {
        // SAFETY: ignoring a signal runs no code.
        if unsafe { libc::signal(signal, libc::SIG_IGN) } == libc::SIG_ERR {
            report::fatal(&[b"cannot ignore SIGPIPE and SIGXFSZ"]);
        }
    }
}

struct Stderr;

impl Write for Stderr {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        report::print(&[text.as_bytes()]);
        Ok(())
    }
}

/// The last net: a fault of the host itself, or no memory for its own needs.
#[panic_handler]
fn panic(info: &core::panic::PanicInfo) -> ! {
    if writeln!(Stderr, "netloom: {}", info.message()).is_err() {
        report::print(&[b"netloom: the host failed\n"]);
    }
    report::exit(report::FAILURE)
}

/// `core` refers to it; with `panic = "abort"` nobody calls it.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// Likewise.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    report::exit(report::FAILURE)
}
