//! Blocks while an image is made: each lies in the lowest place where it fits, and neighbours that are free become one. So
//! the image is dense and a start touches few pages of it. The search is slow, which does not matter there.

use core::ptr::{self, write_bytes};

use crate::single::Single;
use crate::{arena, forecast};

/// What is free is linked in the order of addresses; the word before a block in use is its `size`, too.
struct Free {
    /// With this word: the distance to what follows.
    size: usize,
    /// 0 at the end.
    next: usize,
}

/// A block, or what is left of one, is a multiple of this and at least [`SMALLEST`].
const STEP: usize = 8;
const SMALLEST: usize = size_of::<Free>();

static FIRST_FREE: Single<usize> = Single::new(0);

fn at(address: usize) -> *mut Free {
    ptr::with_exposed_provenance_mut(address)
}

/// Bytes from a block's word to what follows it, for `size` bytes after the word; `None` if there is no such number.
fn block_size(size: usize) -> Option<usize> {
    let size = size.checked_add(size_of::<usize>())?.checked_next_multiple_of(STEP)?;
    Some(size.max(SMALLEST))
}

/// The address of the word of a block for `size` bytes, or 0.
pub fn allocate(size: usize) -> usize {
    let Some(size) = block_size(size) else { return 0 };
    forecast::aside(size).unwrap_or_else(|| {
        let block = lowest(size);
        forecast::note(block);
        block
    })
}

/// The lowest block of exactly that size: how much of it there is depends on nothing else.
fn lowest(size: usize) -> usize {
    let mut link = FIRST_FREE.get();
    // SAFETY: the list holds free blocks, linked by addresses in order; one thread.
    unsafe {
        while *link != 0 {
            let free = *link;
            let room = (*at(free)).size;
            if room == size || room >= size + SMALLEST {
                *link = (*at(free)).next;
                shorten(free, size);
                return free;
            }
            link = &raw mut (*at(free)).next;
        }
        let block = arena::take(size);
        if !block.is_null() {
            block.cast::<usize>().write(size);
        }
        block.expose_provenance()
    }
}

/// Gives back what a block has beyond `size`, if that can be a block.
///
/// # Safety
/// `block` is the address of a block's word, and its user needs no more than `size` bytes of it, word included.
unsafe fn shorten(block: usize, size: usize) {
    // SAFETY: as promised; the rest is of no use to anybody.
    unsafe {
        let rest = (*at(block)).size - size;
        if rest >= SMALLEST {
            (*at(block)).size = size;
            if !forecast::is_aside(block) {
                (*at(block + size)).size = rest;
                give_back(block + size);
            }
        }
    }
}

/// Keeps `size` bytes of a block after its word, if it has as many.
///
/// # Safety
/// As for [`free`], but for those bytes.
pub unsafe fn resize(block: usize, size: usize) -> bool {
    let Some(size) = block_size(size) else { return false };
    // SAFETY: as promised by the caller.
    unsafe {
        let fits = size <= (*at(block)).size;
        if fits {
            shorten(block, size);
        }
        fits
    }
}

/// # Safety
/// `block` is the address of the word of a block that is not used any more.
pub unsafe fn free(block: usize) {
    if forecast::is_aside(block) {
        return forecast::leave_aside();
    }
    forecast::note_end(block);
    // SAFETY: as promised by the caller.
    unsafe { give_back(block) }
}

/// # Safety
/// As for [`free`], and the block is of the image.
unsafe fn give_back(block: usize) {
    // SAFETY: as for `allocate`; `before` is the list's last block below this one, if there is one.
    unsafe {
        let (mut before, mut after) = (0, *FIRST_FREE.get());
        while after != 0 && after < block {
            (before, after) = (after, (*at(after)).next);
        }
        (*at(block)).next = after;
        if before == 0 {
            *FIRST_FREE.get() = block;
        } else {
            (*at(before)).next = block;
        }
        join_with_next(block);
        if before != 0 {
            join_with_next(before);
        }
    }
}

/// # Safety
/// `free` is a block of the list.
unsafe fn join_with_next(free: usize) {
    // SAFETY: both are free blocks.
    unsafe {
        let next = (*at(free)).next;
        if next == free + (*at(free)).size {
            (*at(free)).size += (*at(next)).size;
            (*at(free)).next = (*at(next)).next;
        }
    }
}

/// Ends the packing: what is free at the end goes back to the arena, and what is free elsewhere is cleared and lost.
pub fn finish() {
    forecast::finish();
    // SAFETY: as for `allocate`; nobody uses what is free.
    unsafe {
        let mut block = *FIRST_FREE.get();
        *FIRST_FREE.get() = 0;
        while block != 0 {
            let Free { size, next } = at(block).read();
            write_bytes(at(block).cast::<u8>(), 0, size);
            arena::retract(block, block + size);
            block = next;
        }
    }
}
