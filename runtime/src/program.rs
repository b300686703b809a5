//! The program file: host, image (at a multiple of 64 KiB; empty in a daemon's), bytecode, attachment, trailer. The trailer
//! tells where each is and to which host the image belongs.

use alloc::vec::Vec;
use core::ffi::CStr;
use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags, SeekFrom};
use rustix::io::{Errno, retry_on_intr};

use crate::elf;
use crate::report;
use crate::single::Single;

const MAGIC: [u8; 8] = *b"netloom1";
/// The largest page of the kernels that users run: an image is mapped from the file.
pub const IMAGE_ALIGNMENT: u64 = 64 << 10;

/// A part of the file.
#[derive(Clone, Copy, Default)]
pub struct Part {
    pub offset: u64,
    pub length: u64,
}

/// A part of the file that is being made.
pub fn part(offset: usize, length: usize) -> Part {
    Part { offset: offset as u64, length: length as u64 }
}

/// The end of a program file.
#[derive(Clone, Copy)]
pub struct Trailer {
    pub image: Part,
    pub bytecode: Part,
    pub attachment: Part,
    /// Where the image wants to lie.
    pub base: u64,
    /// The build id of the host whose functions the image points to.
    pub build_id: elf::BuildId,
}

const NUMBERS: usize = 7;
pub const TRAILER_LENGTH: usize = NUMBERS * 8 + elf::BUILD_ID_LENGTH + MAGIC.len();

impl Trailer {
    pub fn encode(&self) -> [u8; TRAILER_LENGTH] {
        let mut bytes = [0; TRAILER_LENGTH];
        let numbers = [
            self.image.offset,
            self.image.length,
            self.bytecode.offset,
            self.bytecode.length,
            self.attachment.offset,
            self.attachment.length,
            self.base,
        ];
        for (place, number) in bytes.chunks_exact_mut(8).zip(numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        bytes[NUMBERS * 8..][..elf::BUILD_ID_LENGTH].copy_from_slice(&self.build_id);
        bytes[TRAILER_LENGTH - MAGIC.len()..].copy_from_slice(&MAGIC);
        bytes
    }

    /// Reads a trailer and checks it against the host and the file's length; what is wrong otherwise.
    fn decode(bytes: &[u8; TRAILER_LENGTH], file_length: u64) -> Result<Self, &'static str> {
        let trailer = Self::parse(bytes)?;
        trailer.check(file_length)?;
        Ok(trailer)
    }

    /// Reads a trailer, of whatever host.
    pub fn parse(bytes: &[u8; TRAILER_LENGTH]) -> Result<Self, &'static str> {
        if !bytes.ends_with(&MAGIC) {
            return Err("it does not end with a trailer");
        }
        let mut numbers = [0; NUMBERS];
        for (number, place) in numbers.iter_mut().zip(bytes.chunks_exact(8)) {
            *number = place.try_into().map(u64::from_le_bytes).unwrap_or(0);
        }
        let [image_at, image, bytecode_at, bytecode, attachment_at, attachment, base] = numbers;
        Ok(Self {
            image: Part { offset: image_at, length: image },
            bytecode: Part { offset: bytecode_at, length: bytecode },
            attachment: Part { offset: attachment_at, length: attachment },
            base,
            build_id: bytes[NUMBERS * 8..][..elf::BUILD_ID_LENGTH].try_into().unwrap_or_default(),
        })
    }

    fn check(&self, file_length: u64) -> Result<(), &'static str> {
        if self.build_id != elf::build_id() {
            return Err("its image was made by another build of the host");
        }
        let room = elf::file_length()..=file_length - TRAILER_LENGTH as u64;
        let inside = [self.image, self.bytecode, self.attachment].iter().all(|part| {
            let end = part.offset.checked_add(part.length);
            room.contains(&part.offset) && end.is_some_and(|end| room.contains(&end))
        });
        if !inside || self.image.offset % IMAGE_ALIGNMENT != 0 {
            return Err("a part of it lies outside of the file");
        }
        Ok(())
    }
}

/// The file this process runs, opened.
pub struct ProgramFile {
    pub fd: OwnedFd,
    pub trailer: Trailer,
}

static RUNNING: Single<Option<ProgramFile>> = Single::new(None);

/// Opens the file this process runs.
fn open_self() -> Result<OwnedFd, Errno> {
    let open = |path: &CStr| {
        retry_on_intr(|| rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()))
    };
    open(c"/proc/self/exe").or_else(|errno| match path_of_execution() {
        Some(path) => open(path),
        None => Err(errno),
    })
}

/// The path execve(2) was given; for where /proc is missing.
fn path_of_execution() -> Option<&'static CStr> {
    // SAFETY: the kernel leaves a C string on the stack, for as long as the process lives.
    unsafe {
        let path = libc::getauxval(libc::AT_EXECFN) as *const core::ffi::c_char;
        (!path.is_null()).then(|| CStr::from_ptr(path))
    }
}

/// Descriptors 0 to 2 must be open, or what is opened next would be taken for standard output. A new descriptor is the
/// lowest that is free: so this one tells. What stands in for a closed one fails with EBADF, as the closed one would:
/// standard input cannot be read, the others cannot be written.
fn open_above_standard() -> Result<OwnedFd, Errno> {
    use rustix::fd::AsRawFd;
    loop {
        let fd = open_self()?;
        if fd.as_raw_fd() > 2 {
            return Ok(fd);
        }
        let access = if fd.as_raw_fd() == 0 { OFlags::WRONLY } else { OFlags::RDONLY };
        drop(fd);
        let null = rustix::fs::open(c"/dev/null", access, Mode::empty())?;
        core::mem::forget(null);
    }
}

/// The program in this process's file; `None` if it is the bare host. Ends the process if it is damaged.
pub fn find() -> Option<&'static ProgramFile> {
    let file = open_above_standard().and_then(|fd| {
        let length = rustix::fs::seek(&fd, SeekFrom::End(0))?;
        Ok((fd, length))
    });
    let (fd, length) =
        file.unwrap_or_else(|errno| report::fatal_errno("open", b"/proc/self/exe", errno));
    if length <= elf::file_length() {
        return None;
    }
    let mut bytes = [0; TRAILER_LENGTH];
    let start = length.saturating_sub(TRAILER_LENGTH as u64);
    if let Err(errno) = read_exactly(&fd, &mut bytes, start) {
        report::fatal_errno("read", b"/proc/self/exe", errno);
    }
    match Trailer::decode(&bytes, length) {
        // SAFETY: called once, at the start.
        Ok(trailer) => unsafe {
            *RUNNING.get() = Some(ProgramFile { fd, trailer });
            running()
        },
        Err(wrong) => report::fatal(&[b"this program file is damaged: ", wrong.as_bytes()]),
    }
}

fn running() -> Option<&'static ProgramFile> {
    // SAFETY: written once, before anything else reads it.
    unsafe { (*RUNNING.get()).as_ref() }
}

/// Fills the buffer from that place of the file; EIO if the file ends before.
pub fn read_exactly(fd: &OwnedFd, buffer: &mut [u8], offset: u64) -> Result<(), Errno> {
    let mut filled = 0;
    while filled < buffer.len() {
        let at = offset + filled as u64;
        match retry_on_intr(|| rustix::io::pread(fd, &mut buffer[filled..], at))? {
            0 => return Err(Errno::IO),
            count => filled += count,
        }
    }
    Ok(())
}

/// What the build attached to the program; empty if nothing.
pub fn attachment() -> Result<Vec<u8>, crate::failure::Failure> {
    let Some(file) = running() else { return Ok(Vec::new()) };
    let part = file.trailer.attachment;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(part.length as usize)?;
    bytes.resize(part.length as usize, 0);
    read_exactly(&file.fd, &mut bytes, part.offset)?;
    Ok(bytes)
}

/// The bytecode of the program, mapped.
pub fn bytecode(file: &ProgramFile) -> Result<&'static [u8], Errno> {
    let part = file.trailer.bytecode;
    let before = part.offset % IMAGE_ALIGNMENT;
    let length = (part.length + before) as usize;
    // SAFETY: a private mapping of a part of the file, which is never undone.
    unsafe {
        let protection = rustix::mm::ProtFlags::READ;
        let flags = rustix::mm::MapFlags::PRIVATE;
        let offset = part.offset - before;
        let start =
            rustix::mm::mmap(core::ptr::null_mut(), length, protection, flags, &file.fd, offset)?;
        Ok(core::slice::from_raw_parts(
            start.cast::<u8>().add(before as usize),
            part.length as usize,
        ))
    }
}
