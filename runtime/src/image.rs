//! The heap image: an engine that has evaluated its modules, in one piece of memory at a fixed address.

use core::ffi::c_void;
use core::mem::size_of;
use core::ptr;
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

use crate::arena;
use crate::engine::{self, Engine};
use crate::packed::{self, Layout, PAGE};
use crate::program::ProgramFile;
use crate::report;

const MAGIC: u64 = u64::from_le_bytes(*b"loomheap");
/// Where the first block of a spread image lies in it: behind the page of its head.
pub const SPREAD_START: usize = PAGE;

/// The first block of an image: what a start needs of it.
#[repr(C)]
struct Head {
    magic: u64,
    base: usize,
    /// First free address.
    next: usize,
    engine: Engine,
}

/// Evaluates the program and gives its image. The memory that the image consists of must not change before it is
/// written: what is allocated afterwards lies behind it.
pub fn make(bytecode: &[u8], layout: Layout) -> &'static [u8] {
    arena::begin_image();
    let head_size = match layout {
        Layout::Spread => SPREAD_START,
        Layout::Dense(_) => size_of::<Head>().next_multiple_of(8),
    };
    let head = arena::take(head_size).cast::<Head>();
    if head.addr() != arena::BASE {
        report::fatal(&[b"the address of the image is taken"]);
    }
    // SAFETY: nothing was allocated yet.
    unsafe { packed::begin(layout) };
    let engine = engine::load(bytecode);
    engine.settle();
    packed::finish();
    let end = arena::next().next_multiple_of(PAGE);
    arena::end_image();
    let rest = end - arena::next();
    // SAFETY: the head is a block of that size; the image is the arena from its start, and the rest of its last page,
    // which is taken so that nothing else writes there.
    unsafe {
        ptr::write_bytes(ptr::with_exposed_provenance_mut::<u8>(arena::next()), 0, rest);
        head.write(Head { magic: MAGIC, base: arena::BASE, next: arena::next(), engine });
        if !arena::take(rest).is_null() || rest == 0 {
            return core::slice::from_raw_parts(
                ptr::with_exposed_provenance(arena::BASE),
                end - arena::BASE,
            );
        }
    }
    report::fatal(&[b"no memory for the image"])
}

/// Maps the program's image where it wants to be and gives its engine; the reason if that cannot be.
pub fn map(file: &ProgramFile) -> Result<&'static Engine, Errno> {
    let (base, length) = (file.trailer.base as usize, file.trailer.image.length as usize);
    if length < size_of::<Head>() + PAGE || base % PAGE != 0 {
        return Err(Errno::INVAL);
    }
    let place = map_file(file, base, length)?;
    // SAFETY: as long as a head and more is mapped there, and any bytes may be read as numbers.
    let (magic, made_at) = unsafe {
        let head = place.cast::<u64>();
        (head.read(), head.add(1).cast::<usize>().read())
    };
    if magic != MAGIC || made_at != base || place.addr() != base {
        // SAFETY: mapped just now, and nobody knows of it.
        unsafe { munmap(place, length) }?;
        return Err(if place.addr() == base { Errno::NOEXEC } else { Errno::EXIST });
    }
    // SAFETY: the head of an image that this very build of the host wrote, at the address it was written for.
    let head = unsafe { &*place.cast::<Head>() };
    arena::resume(head.next, base + length.next_multiple_of(page_size()));
    Ok(&head.engine)
}

fn page_size() -> usize {
    // SAFETY: getauxval has no preconditions.
    unsafe { libc::getauxval(libc::AT_PAGESZ) as usize }.max(PAGE)
}

fn map_file(file: &ProgramFile, base: usize, length: usize) -> Result<*mut c_void, Errno> {
    let protection = ProtFlags::READ | ProtFlags::WRITE;
    // MAP_POPULATE would copy every page of a writable private mapping; a start touches few.
    let flags = MapFlags::PRIVATE | MapFlags::FIXED_NOREPLACE;
    // SAFETY: MAP_FIXED_NOREPLACE replaces nothing.
    unsafe {
        let at = ptr::with_exposed_provenance_mut(base);
        mmap(at, length, protection, flags, &file.fd, file.trailer.image.offset)
    }
}
