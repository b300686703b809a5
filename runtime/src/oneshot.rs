//! The start of a program of one call.

use core::ffi::c_int;

use crate::{engine, errno, image, program, report};

/// Runs the program from its image, or without it from its bytecode.
pub fn start(file: &'static program::ProgramFile) -> c_int {
    match image::map(file) {
        Ok(engine) => engine.run(),
        Err(errno) => {
            let bytecode = program::bytecode(file).unwrap_or_else(|reason| {
                let (name, text) = errno::describe(errno);
                let (other_name, other_text) = errno::describe(reason);
                report::fatal(&[
                    b"cannot map the program's image: ",
                    name.as_bytes(),
                    b": ",
                    text,
                    b"; nor its bytecode: ",
                    other_name.as_bytes(),
                    b": ",
                    other_text,
                ])
            });
            engine::load(bytecode).run()
        }
    }
}
