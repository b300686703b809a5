//! Blocks while an image is made: each lies in the lowest place where it fits, and neighbours that are free become one.
//! So the image is dense. A start copies each page of it that it writes to, if only for a reference count; so blocks
//! that a training run wrote to lie together. Blocks are known by their number, which is the same in every build.
//! The search is slow, which does not matter there.

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

/// Where blocks lie.
#[derive(Clone, Copy)]
pub enum Layout {
    /// In two regions: the numbers of those that are written to ascend, 4 bytes each.
    Dense(&'static [u8]),
    /// Each on pages of its own, for the training.
    Spread,
}

/// What is written to grows by pieces of this size; all other memory is the other region's.
const CHUNK: usize = 32 << 10;
const CHUNKS: usize = arena::MOST.div_ceil(CHUNK);
const COLD: u8 = 0;
const HOT: u8 = 1;

static LAYOUT: Single<Layout> = Single::new(Layout::Dense(&[]));
/// Number of the next block.
static NUMBER: Single<u32> = Single::new(0);
static FIRST_FREE: Single<[usize; 2]> = Single::new([0; 2]);
static REGIONS: Single<[u8; CHUNKS]> = Single::new([COLD; CHUNKS]);

/// A block of a spread image begins with its page: distance to what follows, number, then the word of its size.
const SPREAD_HEAD: usize = 2 * size_of::<usize>();
pub const PAGE: usize = 4096;

/// # Safety
/// Called once, before the first block is wanted.
pub unsafe fn begin(layout: Layout) {
    // SAFETY: one thread.
    unsafe { *LAYOUT.get() = layout }
}

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
    let number = next_number();
    let region = if is_hot(number) { HOT } else { COLD };
    forecast::aside(size).unwrap_or_else(|| {
        // SAFETY: one thread, and the value is copied.
        let block = match unsafe { *LAYOUT.get() } {
            Layout::Spread => spread(size, number),
            Layout::Dense(_) => take(size, region),
        };
        forecast::note(block);
        block
    })
}

/// Whether the list of those that are written to goes on with this block.
fn is_hot(number: u32) -> bool {
    // SAFETY: one thread.
    let layout = unsafe { &mut *LAYOUT.get() };
    let Layout::Dense(hot) = layout else { return false };
    match hot.split_first_chunk() {
        Some((next, rest)) if u32::from_le_bytes(*next) == number => {
            *hot = rest;
            true
        }
        _ => false,
    }
}

fn next_number() -> u32 {
    // SAFETY: one thread.
    unsafe {
        let number = *NUMBER.get();
        *NUMBER.get() = number.wrapping_add(1);
        number
    }
}

/// A block on pages of its own.
fn spread(size: usize, number: u32) -> usize {
    let start = take((SPREAD_HEAD + size).next_multiple_of(PAGE), COLD);
    if start == 0 {
        return 0;
    }
    // SAFETY: a new block of that size.
    unsafe {
        let words = at(start).cast::<usize>();
        words.add(1).write(number as usize);
        words.add(2).write(size);
    }
    start + SPREAD_HEAD
}

/// The head of a region's list.
fn list(region: u8) -> *mut usize {
    FIRST_FREE.get().cast::<usize>().wrapping_add(region.into())
}

/// The place that tells which region the memory there belongs to; the arena's limit keeps it in bounds.
fn region(address: usize) -> *mut u8 {
    REGIONS.get().cast::<u8>().wrapping_add((address - arena::BASE) / CHUNK)
}

/// The lowest block of exactly that size: what remains of the place is never too small to be one.
fn take(size: usize, of: u8) -> usize {
    let mut link = list(of);
    // SAFETY: the list holds free blocks, linked by addresses in order; one thread.
    unsafe {
        while *link != 0 {
            let free = *link;
            let has = (*at(free)).size;
            if has == size || has >= size + SMALLEST {
                *link = (*at(free)).next;
                shorten(free, size);
                return free;
            }
            link = &raw mut (*at(free)).next;
        }
        if of == HOT && size + SMALLEST <= CHUNK {
            return if grow_hot() { take(size, HOT) } else { 0 };
        }
        let block = arena::take(size);
        if !block.is_null() {
            block.cast::<usize>().write(size);
        }
        block.expose_provenance()
    }
}

/// A further piece of memory for what is written to; what lies before it, up to its boundary, becomes free.
fn grow_hot() -> bool {
    let start = arena::next();
    let boundary = (start + SMALLEST).next_multiple_of(CHUNK);
    let taken = arena::take(boundary - start + CHUNK);
    if taken.is_null() {
        return false;
    }
    // SAFETY: memory that was taken just now, of at least these sizes.
    unsafe {
        *region(boundary) = HOT;
        for (block, size) in [(start, boundary - start), (boundary, CHUNK)] {
            (*at(block)).size = size;
            put_back(block);
        }
    }
    true
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
                put_back(block + size);
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
        let has = (*at(block)).size;
        match *LAYOUT.get() {
            _ if size > has => return false,
            // As long as it would be if it were not alone.
            Layout::Spread if has - size >= SMALLEST => (*at(block)).size = size,
            Layout::Spread => {}
            Layout::Dense(_) => shorten(block, size),
        }
        true
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
    unsafe {
        match *LAYOUT.get() {
            Layout::Spread => put_back(block - SPREAD_HEAD),
            Layout::Dense(_) => put_back(block),
        }
    }
}

/// # Safety
/// `block` is what [`take`] gave, or a part of it, and not used any more.
unsafe fn put_back(block: usize) {
    // SAFETY: as for `take`; `before` is the list's last block below this one, if there is one.
    unsafe {
        let first = list(*region(block));
        let (mut before, mut after) = (0, *first);
        while after != 0 && after < block {
            (before, after) = (after, (*at(after)).next);
        }
        (*at(block)).next = after;
        if before == 0 {
            *first = block;
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
    for region in [COLD, HOT] {
        // SAFETY: as for `take`; nobody uses what is free.
        unsafe {
            let mut block = *list(region);
            *list(region) = 0;
            while block != 0 {
                let Free { size, next } = at(block).read();
                write_bytes(at(block).cast::<u8>(), 0, size);
                arena::retract(block, block + size);
                block = next;
            }
        }
    }
}

/// The blocks of a spread image whose first block begins at `start`: where each lies, how long it is, and its number.
pub fn spread_blocks(image: &[u8], start: usize) -> impl Iterator<Item = (usize, usize, u32)> {
    let word = |at: usize| {
        let bytes = image.get(at..at + size_of::<usize>()).and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, usize::from_le_bytes)
    };
    let mut next = start;
    core::iter::from_fn(move || {
        while next < image.len() {
            let at = next;
            let length = word(at);
            next = at.saturating_add(length.max(PAGE).next_multiple_of(PAGE));
            if length != 0 {
                return Some((at, length, word(at + size_of::<usize>()) as u32));
            } // a page that was free has been cleared
        }
        None
    })
}
