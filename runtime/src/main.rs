//! netloom's host: runs a TypeScript program that lies behind it in its own file as a heap image, or, as the bare host,
//! makes such files.
//!
//! ```text
//! netloom-host compile SOURCE.js OUT.bc          an ES module to bytecode
//! netloom-host image IN.bc OUT [ATTACHMENT]      host, image and bytecode to a program
//! ```
#![no_std]
#![no_main]

extern crate alloc;

mod allocator;
mod arena;
mod builder;
mod call;
mod clock;
mod elf;
mod engine;
mod errno;
mod failure;
mod globals;
mod image;
mod native;
mod packed;
mod program;
mod report;
mod single;
mod sys;
mod text;
mod trace;

use core::ffi::{CStr, c_char, c_int};
use core::fmt::Write;

/// Where the C library starts us.
#[unsafe(no_mangle)]
extern "C" fn main(count: c_int, arguments: *const *const c_char) -> c_int {
    sys::set_arguments(arguments);
    let status = match program::find() {
        Some(file) => start(file),
        None => build(count, arguments),
    };
    report::exit(status)
}

/// The bare host: `compile` or `image`. Allocates nothing itself, since the image's memory begins with the image.
fn build(count: c_int, arguments: *const *const c_char) -> c_int {
    let mut list = [c""; builder::ARGUMENTS_MAX + 1];
    let given = (count.max(1) as usize - 1).min(list.len());
    for (index, place) in list.iter_mut().take(given).enumerate() {
        // SAFETY: the kernel's list of that many C strings; they live as long as the process.
        *place = unsafe { CStr::from_ptr(*arguments.add(index + 1)) };
    }
    builder::run(&list[..given])
}

/// Runs the program from its image, or without it from its bytecode.
fn start(file: &'static program::ProgramFile) -> c_int {
    // SAFETY: ignoring a signal runs no code. A closed pipe then is the EPIPE of a write.
    if unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) } == libc::SIG_ERR {
        report::fatal(&[b"cannot ignore SIGPIPE"]);
    }
    match image::map(file) {
        Ok(engine) => engine.run(),
        Err(errno) => {
            let bytecode = program::bytecode(file).unwrap_or_else(|reason| {
                let (name, text) = errno::describe(errno);
                let (other_name, other_text) = errno::describe(reason);
                report::fatal(&[
                    b"cannot map the program's image: ", name.as_bytes(), b": ", text,
                    b"; nor its bytecode: ", other_name.as_bytes(), b": ", other_text,
                ])
            });
            engine::load(bytecode).run()
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
