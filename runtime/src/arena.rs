//! The memory that everything lives in: the engine's heap and Rust's. It only grows, in steps of a few MB, because
//! strict overcommit and RLIMIT_AS count what is reserved. While an image is made it is one piece at [`BASE`].

use core::ffi::c_void;
use core::ptr::{self, null_mut};
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

use crate::single::Single;

/// Where an image lies when it is made and when it is used: far from what the kernel places by itself, within 39 bits.
pub const BASE: usize = 0x10_0000_0000;

/// Most memory a program may have.
const LIMIT: usize = 1 << 30;
/// Given out once the limit was met, so that the exception can be made, caught and reported.
const RESERVE: usize = 1 << 20;
/// The most that is ever given out.
pub const MOST: usize = LIMIT + RESERVE;
const STEPS: [usize; 3] = [4 << 20, 1 << 20, 1 << 16];

struct Arena {
    next: usize,
    end: usize,
    mapped: usize,
    limit: usize,
    /// The image is being made: one piece, at its place.
    building: bool,
}

static ARENA: Single<Arena> =
    Single::new(Arena { next: 0, end: 0, mapped: 0, limit: LIMIT, building: false });

fn arena() -> &'static mut Arena {
    // SAFETY: one thread, and no function here keeps the reference while it calls another that takes it.
    unsafe { &mut *ARENA.get() }
}

impl Arena {
    fn take(&mut self, size: usize) -> *mut u8 {
        if size > self.end - self.next && !self.grow(size) {
            return null_mut();
        }
        let block = self.next;
        self.next += size;
        ptr::with_exposed_provenance_mut(block)
    }

    /// Maps more: behind what is there, or else anywhere; the rest of the old piece is then lost.
    fn grow(&mut self, size: usize) -> bool {
        let missing = size - (self.end - self.next);
        STEPS.iter().any(|step| {
            let more = missing.next_multiple_of(*step);
            self.mapped + more <= self.limit && self.grow_behind(more)
        }) || (!self.building && STEPS.iter().any(|step| self.grow_anywhere(size, *step)))
    }

    fn grow_behind(&mut self, more: usize) -> bool {
        let first = self.end == 0;
        let at = if first && self.building { BASE } else { self.end };
        if at == 0 || map_at(at, more).is_err() {
            return false;
        }
        if first {
            self.next = at;
        }
        self.end = at + more;
        self.mapped += more;
        true
    }

    fn grow_anywhere(&mut self, size: usize, step: usize) -> bool {
        let more = size.next_multiple_of(step);
        if self.mapped + more > self.limit {
            return false;
        }
        let Ok(at) = map(null_mut(), more, MapFlags::empty()) else { return false };
        self.next = at.expose_provenance();
        self.end = at.addr() + more;
        self.mapped += more;
        true
    }
}

fn map(at: *mut c_void, length: usize, flags: MapFlags) -> Result<*mut c_void, Errno> {
    let flags = flags | MapFlags::PRIVATE | MapFlags::NORESERVE;
    // SAFETY: without MAP_FIXED an anonymous mapping replaces nothing.
    unsafe { mmap_anonymous(at, length, ProtFlags::READ | ProtFlags::WRITE, flags) }
}

/// Maps exactly there, or not at all. Kernels before 4.17 take MAP_FIXED_NOREPLACE for a mere hint.
fn map_at(at: usize, length: usize) -> Result<(), Errno> {
    let place = map(ptr::with_exposed_provenance_mut(at), length, MapFlags::FIXED_NOREPLACE)?;
    if place.addr() == at {
        return Ok(());
    }
    // SAFETY: the mapping was made just now and nobody knows of it.
    unsafe { munmap(place, length) }?;
    Err(Errno::EXIST)
}

/// From here on memory is one piece at [`BASE`], to be written as an image.
pub fn begin_image() {
    arena().building = true;
}

/// What is given out from here on is not part of the image.
pub fn end_image() {
    arena().building = false;
}

pub fn is_building() -> bool {
    arena().building
}

/// Memory goes on behind an image that was mapped at [`BASE`]: from `next`, and up to `end` is mapped already.
pub fn resume(next: usize, end: usize) {
    *arena() = Arena { next, end, mapped: end - BASE, limit: LIMIT, building: false };
}

/// First address that was not given out.
pub fn next() -> usize {
    arena().next
}

/// A new block, or null. Sizes are multiples of 8, and so are addresses.
pub fn take(size: usize) -> *mut u8 {
    let block = arena().take(size);
    if block.is_null() && arena().limit == LIMIT {
        arena().limit += RESERVE;
    }
    block
}

/// Takes back the block from `start` to `end` if it is the last one.
pub fn retract(start: usize, end: usize) -> bool {
    let arena = arena();
    let possible = end == arena.next;
    if possible {
        arena.next = start;
    }
    possible
}

/// Makes the block that ends at `end` longer in its place; only the last one can be.
pub fn extend(end: usize, more: usize) -> bool {
    let arena = arena();
    let possible = end == arena.next && more <= arena.end - arena.next;
    if possible {
        arena.next += more;
    }
    possible
}
