//! Names in directories.

use alloc::vec::Vec;
use core::mem::MaybeUninit;
use rustix::fd::AsRawFd;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RawDir};
use rustix::io::{Errno, retry_on_intr};

use crate::call::Call;
use crate::failure::Outcome;

/// `rename(from, to)`
pub fn rename<'js>(call: &Call<'js>) -> Outcome<'js> {
    let (from, to) = (call.path(0, "from")?, call.c_string(1, "to")?);
    rustix::fs::rename(from.as_c_str(), to.as_c_str())?;
    call.done()
}

/// `linkat(fd, path)`: names what is open; without CAP_DAC_READ_SEARCH by way of /proc.
pub fn linkat<'js>(call: &Call<'js>) -> Outcome<'js> {
    let (fd, path) = (call.fd(0)?, call.path(1, "path")?);
    match rustix::fs::linkat(fd, c"", CWD, path.as_c_str(), AtFlags::EMPTY_PATH) {
        Err(Errno::NOENT) => {
            let open = alloc::format!("/proc/self/fd/{}", fd.as_raw_fd());
            rustix::fs::linkat(CWD, open.as_str(), CWD, path.as_c_str(), AtFlags::SYMLINK_FOLLOW)?;
        }
        linked => linked?,
    }
    call.done()
}

/// `unlink(path)`
pub fn unlink<'js>(call: &Call<'js>) -> Outcome<'js> {
    rustix::fs::unlink(call.path(0, "path")?.as_c_str())?;
    call.done()
}

/// `mkdir(path, mode)`
pub fn mkdir<'js>(call: &Call<'js>) -> Outcome<'js> {
    let path = call.path(0, "path")?;
    rustix::fs::mkdir(path.as_c_str(), Mode::from_bits_retain(call.integer(1, "mode")?))?;
    call.done()
}

/// `rmdir(path)`
pub fn rmdir<'js>(call: &Call<'js>) -> Outcome<'js> {
    rustix::fs::rmdir(call.path(0, "path")?.as_c_str())?;
    call.done()
}

/// `readdir(path)`: the names in it, as the kernel orders them.
pub fn readdir<'js>(call: &Call<'js>) -> Outcome<'js> {
    let path = call.path(0, "path")?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = retry_on_intr(|| rustix::fs::open(path.as_c_str(), flags, Mode::empty()))?;
    let mut buffer = [MaybeUninit::uninit(); 8192];
    let mut entries = RawDir::new(directory, &mut buffer);
    let mut names: Vec<Vec<u8>> = Vec::new();
    while let Some(entry) = entries.next() {
        let name = entry?.file_name().to_bytes().to_vec();
        if name != b"." && name != b".." {
            names.push(name);
        }
    }
    call.texts(names.iter().map(Vec::as_slice))
}

/// `symlink(target, path)`
pub fn symlink<'js>(call: &Call<'js>) -> Outcome<'js> {
    let (target, path) = (call.c_string(0, "target")?, call.path(1, "path")?);
    rustix::fs::symlink(target.as_c_str(), path.as_c_str())?;
    call.done()
}

/// `readlink(path)`
pub fn readlink<'js>(call: &Call<'js>) -> Outcome<'js> {
    let path = call.path(0, "path")?;
    call.text(rustix::fs::readlink(path.as_c_str(), Vec::new())?.to_bytes())
}
