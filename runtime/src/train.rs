//! The training run: which blocks of its image a program writes to. The program was made with each block on pages of its
//! own, and the kernel tells at the program's end which pages it had to copy.

use alloc::vec::Vec;
use alloc::{format, vec};
use core::ffi::{CStr, c_int, c_void};
use core::ptr::null_mut;
use rustix::fs::{Mode, OFlags};

use crate::build_file::contents;
use crate::image::SPREAD_START;
use crate::packed::{PAGE, spread_blocks};
use crate::program::{TRAILER_LENGTH, Trailer, read_exactly};
use crate::{errno, report};

/// Runs the program with our own streams and environment. The numbers of the blocks, ascending, 4 bytes each.
pub fn blocks_written(program: &'static CStr) -> Vec<u8> {
    let file = contents(program);
    let trailer = file.last_chunk::<TRAILER_LENGTH>().ok_or("it is too short");
    let trailer = trailer.and_then(Trailer::parse).unwrap_or_else(|wrong| damaged(wrong));
    let image = file
        .get(trailer.image.offset as usize..)
        .and_then(|rest| rest.get(..trailer.image.length as usize))
        .unwrap_or_else(|| damaged("its image lies outside of the file"));
    let pid = start(program);
    let copied = copied_pages(pid, trailer.base as usize / PAGE, image.len().div_ceil(PAGE));
    end(pid);
    let mut numbers: Vec<u32> = spread_blocks(image, SPREAD_START)
        .filter(|(at, length, _)| copied[at / PAGE..(at + length) / PAGE].contains(&true))
        .map(|(_, _, number)| number)
        .collect();
    numbers.sort_unstable();
    numbers.into_iter().flat_map(u32::to_le_bytes).collect()
}

fn damaged(wrong: &'static str) -> ! {
    report::fatal(&[b"train: this program file is damaged: ", wrong.as_bytes()])
}

fn checked(value: c_int, call: &str) -> c_int {
    if value < 0 {
        report::fatal_errno("train", call.as_bytes(), errno::last());
    }
    value
}

/// Starts the program and stops it at its end, while its memory is still there.
fn start(program: &CStr) -> c_int {
    // SAFETY: the child calls what a child may call, with live C strings; all else takes numbers.
    unsafe {
        let pid = checked(libc::fork(), "fork");
        if pid == 0 {
            checked(libc::ptrace(libc::PTRACE_TRACEME, 0, null(), null()) as c_int, "ptrace");
            libc::execv(program.as_ptr(), [program.as_ptr(), core::ptr::null()].as_ptr());
            report::fatal_errno("execute", program.to_bytes(), errno::last());
        }
        if !libc::WIFSTOPPED(wait(pid)) {
            report::fatal(&[b"train: the program did not start"]);
        }
        let options = libc::PTRACE_O_TRACEEXIT | libc::PTRACE_O_EXITKILL;
        let set =
            libc::ptrace(libc::PTRACE_SETOPTIONS, pid, null(), options as usize as *mut c_void);
        checked(set as c_int, "ptrace");
        run_to_exit(pid);
        pid
    }
}

fn null() -> *mut c_void {
    null_mut()
}

/// # Safety
/// `pid` is a stopped child that is traced.
unsafe fn run_to_exit(pid: c_int) {
    let mut signal = 0;
    loop {
        // SAFETY: numbers only.
        unsafe {
            let go = libc::ptrace(libc::PTRACE_CONT, pid, null(), signal as usize as *mut c_void);
            checked(go as c_int, "ptrace");
        }
        let status = wait(pid);
        if !libc::WIFSTOPPED(status) {
            report::fatal(&[b"train: the program was ended by a signal"]);
        }
        if status >> 8 == libc::SIGTRAP | libc::PTRACE_EVENT_EXIT << 8 {
            return;
        }
        signal = libc::WSTOPSIG(status);
    }
}

fn wait(pid: c_int) -> c_int {
    crate::sys::wait(pid).unwrap_or_else(|errno| report::fatal_errno("train", b"waitpid", errno))
}

/// For each page whether the process has a copy of its own.
fn copied_pages(pid: c_int, first: usize, count: usize) -> Vec<bool> {
    const PRESENT: u64 = 1 << 63;
    const SWAPPED: u64 = 1 << 62;
    const OF_FILE: u64 = 1 << 61;
    let path = format!("/proc/{pid}/pagemap");
    let mut entries = vec![0; count * size_of::<u64>()];
    let read = rustix::fs::open(path.as_str(), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .and_then(|fd| read_exactly(&fd, &mut entries, (first * size_of::<u64>()) as u64));
    if let Err(errno) = read {
        report::fatal_errno("read", path.as_bytes(), errno);
    }
    let (entries, _) = entries.as_chunks();
    entries
        .iter()
        .map(|entry| u64::from_le_bytes(*entry))
        .map(|entry| entry & (PRESENT | SWAPPED) != 0 && entry & OF_FILE == 0)
        .collect()
}

/// Lets it go.
fn end(pid: c_int) {
    // SAFETY: numbers only.
    checked(unsafe { libc::ptrace(libc::PTRACE_DETACH, pid, null(), null()) } as c_int, "ptrace");
    wait(pid);
}
