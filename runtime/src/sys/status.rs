//! What the kernel knows of files and file systems.

use rustix::fs::{Access, AtFlags, CWD, Mode, Stat, StatFs};
use rustix::io::retry_on_intr;

use crate::call::Call;
use crate::failure::Outcome;

/// `stat(path)`
pub fn stat<'js>(call: &Call<'js>) -> Outcome<'js> {
    describe(call, &rustix::fs::stat(call.path(0, "path")?.as_c_str())?)
}

/// `lstat(path)`
pub fn lstat<'js>(call: &Call<'js>) -> Outcome<'js> {
    describe(call, &rustix::fs::lstat(call.path(0, "path")?.as_c_str())?)
}

/// `fstat(fd)`
pub fn fstat<'js>(call: &Call<'js>) -> Outcome<'js> {
    describe(call, &rustix::fs::fstat(call.fd(0)?)?)
}

fn describe<'js>(call: &Call<'js>, stat: &Stat) -> Outcome<'js> {
    let object = call.new_object()?;
    object.set("dev", call.number(stat.st_dev)?)?;
    object.set("ino", call.number(stat.st_ino)?)?;
    object.set("mode", stat.st_mode)?;
    object.set("uid", stat.st_uid)?;
    object.set("gid", stat.st_gid)?;
    object.set("nlink", call.number(u64::from(stat.st_nlink))?)?;
    object.set("size", call.number(stat.st_size)?)?;
    object.set("mtime", stat.st_mtime as f64 + stat.st_mtime_nsec as f64 / 1e9)?;
    Ok(object.into_value())
}

/// `access(path, mode)`: as the real user, as access(2) does.
pub fn access<'js>(call: &Call<'js>) -> Outcome<'js> {
    let path = call.path(0, "path")?;
    let mode = Access::from_bits_retain(call.integer(1, "mode")?);
    rustix::fs::accessat(CWD, path.as_c_str(), mode, AtFlags::empty())?;
    call.done()
}

/// `chmod(path, mode)`
pub fn chmod<'js>(call: &Call<'js>) -> Outcome<'js> {
    let path = call.path(0, "path")?;
    rustix::fs::chmod(path.as_c_str(), Mode::from_bits_retain(call.integer(1, "mode")?))?;
    call.done()
}

/// `statfs(path)`
pub fn statfs<'js>(call: &Call<'js>) -> Outcome<'js> {
    let path = call.path(0, "path")?;
    describe_system(call, &retry_on_intr(|| rustix::fs::statfs(path.as_c_str()))?)
}

/// `fstatfs(fd)`
pub fn fstatfs<'js>(call: &Call<'js>) -> Outcome<'js> {
    let fd = call.fd(0)?;
    describe_system(call, &retry_on_intr(|| rustix::fs::fstatfs(fd))?)
}

fn describe_system<'js>(call: &Call<'js>, system: &StatFs) -> Outcome<'js> {
    let object = call.new_object()?;
    object.set("type", call.number(system.f_type as i64)?)?;
    object.set("blockSize", call.number(system.f_bsize as i64)?)?;
    object.set("blocksAvailable", call.number(system.f_bavail as i64)?)?;
    object.set("filesFree", call.number(system.f_ffree as i64)?)?;
    Ok(object.into_value())
}
