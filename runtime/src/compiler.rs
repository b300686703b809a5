//! The build's first step: an ES module to bytecode.

use alloc::vec::Vec;
use core::ffi::{CStr, c_int};
use rquickjs::context::intrinsic;
use rquickjs::{Context, Module, WriteOptions};

use crate::builder::{contents, write_file};
use crate::engine::{Intrinsics, new_runtime, or_fatal};
use crate::{report, trace};

/// `netloom-compiler SOURCE.js OUT.bc`
pub fn run(arguments: &[&CStr]) -> c_int {
    let [source, out] = arguments else {
        report::print(&[b"usage: netloom-compiler SOURCE.js OUT.bc\n"]);
        return 2;
    };
    write_file(out, 0o644, &[(&compile(contents(source)), 0)])
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
