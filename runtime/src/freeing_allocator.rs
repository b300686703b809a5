//! Blocks from the C library, for the engine and for Rust: those of a program that stays must go back. musl's allocator gives
//! pages back to the kernel, keeps what it knows of blocks apart from them, and ends the process when that was overwritten.

use core::alloc::{GlobalAlloc, Layout};
use core::ffi::c_void;

/// What malloc(3) aligns every block to.
const ALIGNMENT: usize = 16;

unsafe extern "C" {
    fn malloc_usable_size(block: *mut c_void) -> usize;
}

/// The engine's allocator.
pub struct EngineAllocator;

// SAFETY: the C library's blocks are as large as asked for, aligned to two words, and tell their size.
unsafe impl rquickjs_core::allocator::Allocator for EngineAllocator {
    fn alloc(&mut self, size: usize) -> *mut u8 {
        // SAFETY: malloc has no preconditions.
        unsafe { libc::malloc(size).cast() }
    }

    fn calloc(&mut self, count: usize, size: usize) -> *mut u8 {
        // SAFETY: calloc has no preconditions.
        unsafe { libc::calloc(count, size).cast() }
    }

    unsafe fn dealloc(&mut self, block: *mut u8) {
        // SAFETY: null, or what the engine got from here.
        unsafe { libc::free(block.cast()) }
    }

    unsafe fn realloc(&mut self, block: *mut u8, size: usize) -> *mut u8 {
        // SAFETY: null, or what the engine got from here.
        unsafe { libc::realloc(block.cast(), size).cast() }
    }

    unsafe fn usable_size(block: *mut u8) -> usize {
        // SAFETY: null, or what the engine got from here.
        unsafe { malloc_usable_size(block.cast()) }
    }
}

/// Rust's allocator.
struct RustAllocator;

#[global_allocator]
static RUST: RustAllocator = RustAllocator;

// SAFETY: blocks are as large and as aligned as the layout says, and all go back by free(3).
unsafe impl GlobalAlloc for RustAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: neither function has preconditions that a layout does not keep.
        unsafe {
            if layout.align() <= ALIGNMENT {
                return libc::malloc(layout.size()).cast();
            }
            libc::aligned_alloc(layout.align(), layout.size()).cast()
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, _layout: Layout) {
        // SAFETY: Rust gives back what it got from `alloc`.
        unsafe { libc::free(block.cast()) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if layout.align() <= ALIGNMENT {
            // SAFETY: Rust hands in what it got from `alloc`.
            return unsafe { libc::realloc(block.cast(), size).cast() };
        }
        // SAFETY: the caller's promise about `layout` and `size` is the one this needs; both blocks hold what is copied.
        unsafe {
            let new = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !new.is_null() {
                core::ptr::copy_nonoverlapping(block, new, layout.size().min(size));
                self.dealloc(block, layout);
            }
            new
        }
    }
}
