//! What of its allocations a program keeps. It is evaluated twice: the first time, in a process of its own, only to learn
//! which blocks are still in use at the end. The second time those lie side by side in the image, and the others aside, where
//! they leave no gaps. Both times ask for the same blocks in the same order: a build reads no clock and no random number.

use core::ffi::c_void;
use core::ptr::{null_mut, with_exposed_provenance_mut};
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};

use crate::single::Single;
use crate::{arena, report};

/// More allocations than this are not told apart.
const ALLOCATIONS: usize = 1 << 24;
/// Bytes of the arena whose blocks can be told.
const ARENA: usize = 1 << 28;
/// Where blocks lie that will not last: always at the same place, for what is left of their addresses in the image.
const ASIDE: usize = arena::BASE + (4 << 30);
const ASIDE_SIZE: usize = 1 << 30;

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    /// Nothing is known.
    Off,
    Learning,
    Following,
}

struct Forecast {
    mode: Mode,
    /// Allocations so far.
    count: usize,
    /// One byte for each allocation: it is in use at the end.
    lasts: *mut bool,
    /// While learning: the number of the allocation of each word of the arena.
    numbers: *mut u32,
    /// First free address aside, and how many blocks are in use there.
    next: usize,
    aside: usize,
}

static FORECAST: Single<Forecast> = Single::new(Forecast {
    mode: Mode::Off,
    count: 0,
    lasts: null_mut(),
    numbers: null_mut(),
    next: ASIDE,
    aside: 0,
});

fn forecast() -> &'static mut Forecast {
    // SAFETY: one thread, and no function here keeps the reference while it calls another that takes it.
    unsafe { &mut *FORECAST.get() }
}

fn map<T>(at: usize, size: usize, flags: MapFlags) -> Option<*mut T> {
    let at = with_exposed_provenance_mut::<c_void>(at);
    let flags = flags | MapFlags::NORESERVE;
    // SAFETY: without MAP_FIXED an anonymous mapping replaces nothing.
    let mapped = unsafe { mmap_anonymous(at, size, ProtFlags::READ | ProtFlags::WRITE, flags) };
    mapped.ok().map(|place| place.cast())
}

/// Has the program evaluated in a process of its own, and learns from that. Where there is no memory for it, the image
/// gets gaps.
pub fn learn(evaluate: impl FnOnce()) {
    let numbers = map::<u32>(0, ARENA / 8 * size_of::<u32>(), MapFlags::PRIVATE);
    let lasts = map::<bool>(0, ALLOCATIONS, MapFlags::SHARED);
    let fixed = MapFlags::PRIVATE | MapFlags::FIXED_NOREPLACE;
    let aside = map::<u8>(ASIDE, ASIDE_SIZE, fixed).filter(|place| place.addr() == ASIDE);
    let (Some(numbers), Some(lasts), Some(_)) = (numbers, lasts, aside) else { return };
    (forecast().numbers, forecast().lasts) = (numbers, lasts);
    // SAFETY: one thread; the child goes on with a copy of everything and leaves from here.
    unsafe {
        let pid = libc::fork();
        if pid == 0 {
            forecast().mode = Mode::Learning;
            evaluate();
            report::exit(0);
        }
        let mut status = 0;
        if pid < 0 || libc::waitpid(pid, &mut status, 0) != pid {
            report::fatal(&[b"cannot start the process that evaluates the program first"]);
        }
        if status != 0 {
            report::exit(report::FAILURE); // it has said why
        }
    }
    forecast().mode = Mode::Following;
}

/// The address of the word of a block of `size` bytes if it will not last; `None` if it has its place in the image.
pub fn aside(size: usize) -> Option<usize> {
    let forecast = forecast();
    let number = forecast.count;
    forecast.count += 1;
    let block = forecast.next;
    let room = ASIDE + ASIDE_SIZE - block;
    if forecast.mode != Mode::Following || number >= ALLOCATIONS || size > room {
        return None;
    }
    // SAFETY: `number` is in bounds, and what is mapped there does not change any more.
    if unsafe { *forecast.lasts.add(number) } {
        return None;
    }
    forecast.next += size;
    forecast.aside += 1;
    // SAFETY: the block is mapped, and nobody else's.
    unsafe { with_exposed_provenance_mut::<usize>(block).write(size) };
    Some(block)
}

pub fn is_aside(block: usize) -> bool {
    (ASIDE..ASIDE + ASIDE_SIZE).contains(&block)
}

/// A block aside is not used any more.
pub fn leave_aside() {
    forecast().aside -= 1;
}

/// Notes that the last allocation got that block.
pub fn note(block: usize) {
    let forecast = forecast();
    let word = block.wrapping_sub(arena::BASE) / 8;
    let number = forecast.count - 1;
    if forecast.mode == Mode::Learning && number < ALLOCATIONS && word < ARENA / 8 {
        // SAFETY: both are in bounds.
        unsafe {
            forecast.numbers.add(word).write(number as u32);
            forecast.lasts.add(number).write(true);
        }
    }
}

/// Notes that the block is not used any more.
pub fn note_end(block: usize) {
    let forecast = forecast();
    let word = block.wrapping_sub(arena::BASE) / 8;
    if forecast.mode == Mode::Learning && word < ARENA / 8 {
        // SAFETY: the word is in bounds, and so is the number that was written there.
        unsafe { forecast.lasts.add(forecast.numbers.add(word).read() as usize).write(false) };
    }
}

/// The image is made; what lies aside is not in it, so nothing there may be in use.
pub fn finish() {
    if forecast().aside != 0 {
        report::fatal(&[b"the program was evaluated in another way the second time"]);
    }
}
