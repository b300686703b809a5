//! The modes of the build: a module to bytecode, bytecode to a program, or to one that a training run can watch.

use alloc::ffi::CString;
use alloc::vec::Vec;
use core::ffi::{CStr, c_int, c_void};
use core::ptr;
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};

use crate::build_file::{contents, write_file};
use crate::packed::Layout;
use crate::program::{IMAGE_ALIGNMENT, Trailer, part};
use crate::{arena, clock, elf, errno, forecast, image, report};

const USAGE: &[u8] = b"usage: netloom-host compile SOURCE.js OUT.bc\n       netloom-host image IN.bc OUT [ATTACHMENT [HOT]]\n       netloom-host spread IN.bc OUT\n";

/// Does what the arguments say.
pub fn run(arguments: &[&'static CStr]) -> c_int {
    match arguments {
        [mode, source, out] if mode.to_bytes() == b"compile" => compile(source, out),
        [mode, bytecode, out, rest @ ..] if mode.to_bytes() == b"image" && rest.len() <= 2 => {
            let [attachment, hot] = [0, 1].map(|index| rest.get(index).copied());
            make_program(Inputs { bytecode, out, attachment, hot, spread: false })
        }
        [mode, bytecode, out] if mode.to_bytes() == b"spread" => {
            make_program(Inputs { bytecode, out, attachment: None, hot: None, spread: true })
        }
        _ => {
            report::print(&[USAGE]);
            2
        }
    }
}

/// Hands over to the compiler, which lies beside the host.
fn compile(source: &CStr, out: &CStr) -> c_int {
    let compiler = beside_host(b"netloom-compiler");
    let arguments = [compiler.as_ptr(), source.as_ptr(), out.as_ptr(), ptr::null()];
    let environment = [ptr::null()];
    // SAFETY: C strings, and lists of them that end with a null.
    unsafe { libc::execve(compiler.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    report::fatal_errno("execute", compiler.to_bytes(), errno::last())
}

/// The path of a file in the folder of the host's own.
fn beside_host(name: &[u8]) -> CString {
    let own = rustix::fs::readlink(c"/proc/self/exe", Vec::new())
        .unwrap_or_else(|errno| report::fatal_errno("read", b"/proc/self/exe", errno));
    let own = own.to_bytes();
    let folder = own.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    CString::new([&own[..folder], name].concat()).unwrap_or_default()
}

struct Inputs {
    bytecode: &'static CStr,
    out: &'static CStr,
    attachment: Option<&'static CStr>,
    /// Numbers of the blocks that training runs wrote to.
    hot: Option<&'static CStr>,
    /// Each block on pages of its own.
    spread: bool,
}

/// The image is made on a stack at a fixed address and with the clock stopped: what is left of either in the heap is
/// the same in every build.
const STACK: usize = 16 << 20;
const STACK_TOP: usize = arena::BASE - STACK;

fn make_program(mut inputs: Inputs) -> c_int {
    let flags = MapFlags::PRIVATE | MapFlags::NORESERVE | MapFlags::FIXED_NOREPLACE;
    let at = ptr::with_exposed_provenance_mut::<c_void>(STACK_TOP - STACK);
    // SAFETY: MAP_FIXED_NOREPLACE replaces nothing. The new process has all memory to itself until it ends, since this
    // one is stopped that long; the stack is as long as what is mapped.
    let status = unsafe {
        let mapped = mmap_anonymous(at, STACK, ProtFlags::READ | ProtFlags::WRITE, flags);
        if mapped != Ok(at) {
            report::fatal(&[b"the address of the builder's stack is taken"]);
        }
        let top = ptr::with_exposed_provenance_mut(STACK_TOP);
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        let pid = libc::clone(on_fixed_stack, top, flags, (&raw mut inputs).cast());
        let mut status = 0;
        if pid < 0 || libc::waitpid(pid, &mut status, 0) != pid {
            report::fatal(&[b"cannot start the builder's process"]);
        }
        status
    };
    if libc::WIFEXITED(status) {
        return libc::WEXITSTATUS(status);
    }
    report::fatal(&[b"the builder's process was ended by a signal"])
}

extern "C" fn on_fixed_stack(inputs: *mut c_void) -> c_int {
    // SAFETY: handed in by `make_program`, which is stopped.
    let inputs = unsafe { &*inputs.cast::<Inputs>() };
    clock::stop();
    let host = contents(c"/proc/self/exe");
    let bytecode = contents(inputs.bytecode);
    let attachment = inputs.attachment.map_or(&[][..], contents);
    let hot = inputs.hot.map_or(&[][..], contents);
    let layout = if inputs.spread { Layout::Spread } else { Layout::Dense(hot) };
    if !inputs.spread {
        forecast::learn(|| _ = image::make(bytecode, layout));
    }
    let image = image::make(bytecode, layout);
    let image_at = host.len().next_multiple_of(IMAGE_ALIGNMENT as usize);
    let bytecode_at = image_at + image.len();
    let trailer = Trailer {
        image: part(image_at, image.len()),
        bytecode: part(bytecode_at, bytecode.len()),
        attachment: part(bytecode_at + bytecode.len(), attachment.len()),
        base: arena::BASE as u64,
        build_id: elf::build_id(),
    };
    let gap = image_at - host.len();
    write_file(
        inputs.out,
        0o755,
        &[(host, gap), (image, 0), (bytecode, 0), (attachment, 0), (&trailer.encode(), 0)],
    )
}
