//! Blocks out of the arena, for the engine and for Rust. A block goes back to the list of its size class and is given
//! out again; nothing goes back to the kernel. A word before each block tells how much it holds.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::{copy_nonoverlapping, null_mut, write_bytes};

use crate::arena;
use crate::single::Single;

const WORD: usize = 8;
const ALIGNMENT: usize = 16;
/// Up to here every multiple of 16 is a class; above, four classes to each doubling.
const SMALL: usize = 1024;
const SMALL_CLASSES: usize = SMALL / ALIGNMENT;
const CLASSES: usize = SMALL_CLASSES + 4 * 21;

/// Heads of the lists of free blocks; the first word of a free block leads to the next.
pub type FreeLists = [usize; CLASSES];

static FREE: Single<FreeLists> = Single::new([0; CLASSES]);

/// The class of a block of `size` bytes with its word, and the size all blocks of that class have.
fn class(size: usize) -> (usize, usize) {
    if size <= SMALL {
        let size = size.next_multiple_of(ALIGNMENT);
        return (size / ALIGNMENT - 1, size);
    }
    let doubling = (size - 1).ilog2();
    let quarter = 1 << (doubling - 2);
    let size = size.next_multiple_of(quarter);
    let quarters = size / quarter - 5;
    (SMALL_CLASSES + 4 * (doubling - SMALL.ilog2()) as usize + quarters, size)
}

/// # Safety
/// `block` came from [`allocate`].
unsafe fn usable_size(block: *mut u8) -> usize {
    // SAFETY: `allocate` wrote the word there.
    unsafe { block.sub(WORD).cast::<usize>().read() }
}

fn allocate(size: usize) -> *mut u8 {
    if size > isize::MAX as usize / 2 {
        return null_mut();
    }
    let (list, size) = class(size + WORD);
    if list >= CLASSES {
        return null_mut();
    }
    let head = FREE.get().cast::<usize>().wrapping_add(list);
    // SAFETY: `list` is in bounds, and blocks in a list are free and hold the link in their first word.
    unsafe {
        if *head != 0 {
            let block: *mut u8 = core::ptr::with_exposed_provenance_mut(*head);
            *head = block.cast::<usize>().read();
            return block;
        }
    }
    let start = arena::take(size);
    if start.is_null() {
        return null_mut();
    }
    // SAFETY: the arena gave `size` bytes, at least 16.
    unsafe {
        start.cast::<usize>().write(size - WORD);
        start.add(WORD)
    }
}

/// Whether a block of that class waits to be given out again.
fn has_free(list: usize) -> bool {
    // SAFETY: one thread, nobody else holds a reference.
    unsafe { (*FREE.get().cast::<usize>().wrapping_add(list)) != 0 }
}

/// # Safety
/// `block` came from [`allocate`] and is not used any more.
unsafe fn free(block: *mut u8) {
    // SAFETY: as promised by the caller; every block has room for a link.
    unsafe {
        let size = usable_size(block);
        if arena::retract(block.addr() - WORD, block.addr() + size) {
            return;
        }
        let (list, _) = class(size + WORD);
        let head = FREE.get().cast::<usize>().add(list);
        block.cast::<usize>().write(*head);
        *head = block.expose_provenance();
    }
}

/// # Safety
/// `block` came from [`allocate`]; the old one is not used after success.
unsafe fn reallocate(block: *mut u8, size: usize) -> *mut u8 {
    // SAFETY: as promised by the caller.
    unsafe {
        let old = usable_size(block);
        if size <= old {
            return block;
        }
        let (list, longer) = class(size.saturating_add(WORD));
        if list < CLASSES && !has_free(list) && arena::extend(block.addr() + old, longer - WORD - old) {
            block.sub(WORD).cast::<usize>().write(longer - WORD);
            return block;
        }
        let new = allocate(size);
        if !new.is_null() {
            copy_nonoverlapping(block, new, old);
            free(block);
        }
        new
    }
}

/// The free lists as they are, for an image. Free blocks are cleared, so that what they held does not get into it.
pub fn freeze() -> FreeLists {
    // SAFETY: one thread; blocks in a list are free, so all but the link may be cleared.
    unsafe {
        for head in *FREE.get() {
            let mut block: *mut u8 = core::ptr::with_exposed_provenance_mut(head);
            while !block.is_null() {
                write_bytes(block.add(WORD), 0, usable_size(block) - WORD);
                block = core::ptr::with_exposed_provenance_mut(block.cast::<usize>().read());
            }
        }
        *FREE.get()
    }
}

/// Goes on with the free lists of an image.
pub fn resume(lists: &FreeLists) {
    // SAFETY: one thread, nobody else holds a reference.
    unsafe { *FREE.get() = *lists }
}

/// The engine's allocator.
pub struct EngineAllocator;

// SAFETY: blocks are as large as asked for, aligned to a word, and tell their size.
unsafe impl rquickjs_core::allocator::Allocator for EngineAllocator {
    fn alloc(&mut self, size: usize) -> *mut u8 {
        allocate(size)
    }

    fn calloc(&mut self, count: usize, size: usize) -> *mut u8 {
        let Some(size) = count.checked_mul(size) else { return null_mut() };
        let block = allocate(size);
        if !block.is_null() {
            // SAFETY: the block holds at least `size` bytes.
            unsafe { write_bytes(block, 0, size) };
        }
        block
    }

    unsafe fn dealloc(&mut self, block: *mut u8) {
        if !block.is_null() {
            // SAFETY: the engine gives back what it got from here.
            unsafe { free(block) }
        }
    }

    unsafe fn realloc(&mut self, block: *mut u8, size: usize) -> *mut u8 {
        if block.is_null() {
            return allocate(size);
        }
        // SAFETY: the engine hands in what it got from here.
        unsafe { reallocate(block, size) }
    }

    unsafe fn usable_size(block: *mut u8) -> usize {
        // SAFETY: the engine asks about what it got from here.
        unsafe { usable_size(block) }
    }
}

/// Rust's allocator: what `rquickjs` keeps for the engine must be in the image too.
struct RustAllocator;

#[global_allocator]
static RUST: RustAllocator = RustAllocator;

// SAFETY: blocks are as large and as aligned as the layout says.
unsafe impl GlobalAlloc for RustAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= ALIGNMENT {
            return allocate(layout.size());
        }
        // Rare: a longer block, of which only the aligned part is used. It is never given back.
        let block = allocate(layout.size() + layout.align());
        if block.is_null() { block } else { block.wrapping_add(block.align_offset(layout.align())) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if layout.align() <= ALIGNMENT {
            // SAFETY: Rust gives back what it got from `alloc`.
            unsafe { free(block) }
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if layout.align() <= ALIGNMENT {
            // SAFETY: Rust hands in what it got from `alloc`.
            return unsafe { reallocate(block, size) };
        }
        // SAFETY: the caller's promise about `layout` and `size` is the one this needs.
        let new = unsafe { self.alloc(Layout::from_size_align_unchecked(size, layout.align())) };
        if !new.is_null() {
            // SAFETY: both blocks hold that many bytes.
            unsafe { copy_nonoverlapping(block, new, layout.size().min(size)) };
        }
        new
    }
}
