//! A program that stays. It reads what strangers send, so it is position-independent and no part of it has a fixed address:
//! a start evaluates the modules, from bytecode, in memory that the kernel chose.

use core::ffi::{CStr, c_int};

use crate::build_file::{contents, write_file};
use crate::program::{self, IMAGE_ALIGNMENT, Trailer, part};
use crate::{elf, engine, report};

const USAGE: &[u8] = b"usage: netloom-host program IN.bc OUT [ATTACHMENT]\n";

/// Runs the program.
pub fn start(file: &'static program::ProgramFile) -> c_int {
    let bytecode = program::bytecode(file)
        .unwrap_or_else(|errno| report::fatal_errno("map", b"the program's bytecode", errno));
    let engine = engine::load(bytecode);
    engine.settle();
    engine.run()
}

/// Makes a program.
pub fn build(arguments: &[&'static CStr]) -> c_int {
    match arguments {
        [mode, bytecode, out, rest @ ..] if mode.to_bytes() == b"program" && rest.len() <= 1 => {
            make_program(contents(bytecode), out, rest.first().map_or(&[], |path| contents(path)))
        }
        _ => {
            report::print(&[USAGE]);
            2
        }
    }
}

fn make_program(bytecode: &[u8], out: &CStr, attachment: &[u8]) -> c_int {
    let host = contents(c"/proc/self/exe");
    let start = host.len().next_multiple_of(IMAGE_ALIGNMENT as usize);
    let trailer = Trailer {
        image: part(start, 0),
        bytecode: part(start, bytecode.len()),
        attachment: part(start + bytecode.len(), attachment.len()),
        base: 0,
        build_id: elf::build_id(),
    };
    let gap = start - host.len();
    let parts = [(host, gap), (bytecode, 0), (attachment, 0), (&trailer.encode()[..], 0)];
    write_file(out, 0o755, &parts)
}
