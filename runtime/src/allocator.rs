//! Blocks out of the arena, for the engine and for Rust. A block goes back to the list of its size class and is given
//! out again; nothing goes back to the kernel. A word before each block tells its size. Blocks of an image are packed
//! while it is made, and so of any size; a start leaves its gaps alone, since memory behind it costs fewer pages.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::{copy_nonoverlapping, null_mut, write_bytes};

use crate::single::Single;
use crate::{arena, packed};

const WORD: usize = 8;
/// Every block is aligned to a word; where Rust wants more it gets it in a longer block.
const ALIGNMENT: usize = WORD;
/// Up to here every multiple of 16 is a class; above, four classes to each doubling.
const SMALL: usize = 1024;
const STEP: usize = 16;
const SMALL_CLASSES: usize = SMALL / STEP;
const CLASSES: usize = SMALL_CLASSES + 4 * 21;

/// Heads of the lists of free blocks; the first word of a free block leads to the next.
static FREE: Single<[usize; CLASSES]> = Single::new([0; CLASSES]);

/// The class of a block of `size` bytes with its word, and the size all blocks of that class have.
#[inline(always)]
fn class(size: usize) -> (usize, usize) {
    if size <= SMALL {
        let size = size.next_multiple_of(STEP);
        return (size / STEP - 1, size);
    }
    large_class(size)
}

#[inline(never)]
fn large_class(size: usize) -> (usize, usize) {
    let doubling = (size - 1).ilog2();
    let quarter = 1 << (doubling - 2);
    let size = size.next_multiple_of(quarter);
    let quarters = size / quarter - 5;
    (SMALL_CLASSES + 4 * (doubling - SMALL.ilog2()) as usize + quarters, size)
}

/// The class whose requests a block of `size` bytes with its word can serve.
#[inline(always)]
fn class_of_block(size: usize) -> usize {
    if size <= SMALL {
        return size / STEP - 1;
    }
    let (list, class_size) = large_class(size);
    if class_size > size { list - 1 } else { list }
}

/// # Safety
/// `block` came from [`allocate`].
#[inline(always)]
unsafe fn usable_size(block: *mut u8) -> usize {
    // SAFETY: `allocate` wrote the word there.
    unsafe { block.sub(WORD).cast::<usize>().read() - WORD }
}

#[inline(always)]
fn allocate(size: usize) -> *mut u8 {
    if size > isize::MAX as usize / 2 {
        return null_mut();
    }
    let start =
        if arena::is_building() { packed::allocate(size) } else { allocate_class(size + WORD) };
    if start == 0 { null_mut() } else { core::ptr::with_exposed_provenance_mut(start + WORD) }
}

/// The address of the word of a block of at least `size` bytes, or 0.
#[inline(always)]
fn allocate_class(size: usize) -> usize {
    let (list, size) = class(size);
    if list >= CLASSES {
        return 0;
    }
    let head = FREE.get().cast::<usize>().wrapping_add(list);
    // SAFETY: `list` is in bounds, and blocks in a list are free and hold the link behind their word.
    unsafe {
        if *head != 0 {
            let block: *mut usize = core::ptr::with_exposed_provenance_mut(*head);
            *head = block.read();
            return block.addr() - WORD;
        }
    }
    let start = arena::take(size);
    if !start.is_null() {
        // SAFETY: the arena gave `size` bytes, at least two words.
        unsafe { start.cast::<usize>().write(size) };
    }
    start.expose_provenance()
}

/// # Safety
/// `block` came from [`allocate`] and is not used any more.
#[inline(always)]
unsafe fn free(block: *mut u8) {
    // SAFETY: as promised by the caller; every block has room for a link.
    unsafe {
        if arena::is_building() {
            return packed::free(block.expose_provenance() - WORD);
        }
        let list = class_of_block(usable_size(block) + WORD).min(CLASSES - 1);
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
        if resize(block, size) {
            return block;
        }
        let new = allocate(size);
        if !new.is_null() {
            copy_nonoverlapping(block, new, usable_size(block).min(size));
            free(block);
        }
        new
    }
}

/// Makes a block hold `size` bytes in its place, if that can be.
///
/// # Safety
/// `block` came from [`allocate`].
unsafe fn resize(block: *mut u8, size: usize) -> bool {
    // SAFETY: as promised by the caller.
    unsafe {
        if arena::is_building() {
            return packed::resize(block.expose_provenance() - WORD, size);
        }
        let old = usable_size(block);
        let (list, longer) = class(size.saturating_add(WORD));
        if size > old && list < CLASSES && arena::extend(block.addr() + old, longer - WORD - old) {
            block.sub(WORD).cast::<usize>().write(longer);
            return true;
        }
        size <= old
    }
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
        // Rare (hash tables): a longer block, of which only the aligned part is used. It is never given back.
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
