//! What only the build needs: an ES module to bytecode, and the training run.

use alloc::vec::Vec;
use core::ffi::{CStr, c_int};
use rquickjs::context::intrinsic;
use rquickjs::{Context, Module, WriteOptions};

use crate::build_file::{contents, write_file};
use crate::engine::{Intrinsics, new_runtime, or_fatal};
use crate::{report, trace, train};

const USAGE: &[u8] =
    b"usage: netloom-compiler SOURCE.js OUT.bc\n       netloom-compiler train SPREAD OUT.hot\n";

/// `netloom-compiler SOURCE.js OUT.bc` or `netloom-compiler train SPREAD OUT.hot`
pub fn run(arguments: &[&'static CStr]) -> c_int {
    match arguments {
        [source, out] => write_file(out, 0o644, &[(&compile(contents(source)), 0)]),
        [mode, program, out] if mode.to_bytes() == b"train" => {
            write_file(out, 0o644, &[(&train::blocks_written(program), 0)])
        }
        _ => {
            report::print(&[USAGE]);
            2
        }
    }
}

/// The bytecode of an ES module. Functions keep line numbers and lose their source.
fn compile(source: &[u8]) -> Vec<u8> {
    let runtime = new_runtime();
    let context = or_fatal(Context::custom::<(Intrinsics, intrinsic::Eval)>(&runtime));
    context.with(|ctx| {
        let options = WriteOptions { strip_source: true, ..Default::default() };
        let module = Module::declare(ctx.clone(), "main", source);
        module
            .and_then(|module| module.write(options))
            .unwrap_or_else(|_| trace::fatal_exception(&ctx))
    })
}
