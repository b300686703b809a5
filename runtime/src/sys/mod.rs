//! One function a system call, named as in its man page, all in one table. Policy is TypeScript's.

mod buffer;
mod child;
mod clock;
mod device;
mod directory;
mod files;
mod lock;
mod message;
mod namespace;
mod pipe;
mod process;
mod signal;
mod socket;
mod spawn;
mod status;
mod supervise;
mod wait;

pub use child::wait;
pub use process::set_arguments;

use crate::native::Native;

pub const FUNCTIONS: &[Native] = &[
    // process
    Native::host(c"argv", 0, process::argv),
    Native::host(c"environ", 0, process::environ),
    Native::host(c"exit", 1, process::exit),
    Native::host(c"getpid", 0, process::getpid),
    Native::host(c"geteuid", 0, process::geteuid),
    Native::host(c"kill", 2, process::kill),
    Native::host(c"attachment", 0, process::attachment),
    Native::host(c"start", 1, spawn::start),
    Native::host(c"finish", 1, spawn::finish),
    Native::host(c"execve", 3, spawn::execve),
    Native::host(c"signalfd", 1, signal::signalfd),
    // files
    Native::host(c"open", 3, files::open),
    Native::host(c"close", 1, files::close),
    Native::host(c"read", 2, files::read),
    Native::host(c"write", 2, files::write),
    Native::host(c"fsync", 1, files::fsync),
    Native::host(c"fdatasync", 1, files::fdatasync),
    Native::host(c"ftruncate", 2, files::ftruncate),
    Native::host(c"rename", 2, directory::rename),
    Native::host(c"linkat", 2, directory::linkat),
    Native::host(c"unlink", 1, directory::unlink),
    Native::host(c"mkdir", 2, directory::mkdir),
    Native::host(c"rmdir", 1, directory::rmdir),
    Native::host(c"readdir", 1, directory::readdir),
    Native::host(c"symlink", 2, directory::symlink),
    Native::host(c"readlink", 1, directory::readlink),
    Native::host(c"stat", 1, status::stat),
    Native::host(c"lstat", 1, status::lstat),
    Native::host(c"fstat", 1, status::fstat),
    Native::host(c"access", 2, status::access),
    Native::host(c"chmod", 2, status::chmod),
    Native::host(c"statfs", 1, status::statfs),
    Native::host(c"fstatfs", 1, status::fstatfs),
    Native::host(c"flock", 3, lock::flock),
    // namespaces and mounts
    Native::host(c"setns", 2, namespace::setns),
    Native::host(c"unshare", 1, namespace::unshare),
    Native::host(c"mount", 5, namespace::mount),
    Native::host(c"umount2", 2, namespace::umount2),
    // sockets
    Native::host(c"socket", 3, socket::socket),
    Native::host(c"socketpair", 3, socket::socketpair),
    Native::host(c"bind", 2, socket::bind),
    Native::host(c"connect", 2, socket::connect),
    Native::host(c"listen", 2, socket::listen),
    Native::host(c"accept", 1, socket::accept),
    Native::host(c"getsockname", 1, socket::getsockname),
    Native::host(c"getpeername", 1, socket::getpeername),
    Native::host(c"getsockopt", 4, socket::getsockopt),
    Native::host(c"setsockopt", 4, socket::setsockopt),
    Native::host(c"attachFilter", 2, socket::attach_filter),
    Native::host(c"shutdown", 2, socket::shutdown),
    Native::host(c"send", 3, message::send),
    Native::host(c"recv", 3, message::recv),
    Native::host(c"sendmsg", 5, message::sendmsg),
    Native::host(c"recvmsg", 3, message::recvmsg),
    // waiting, time, chance
    Native::host(c"poll", 2, wait::poll),
    Native::host(c"timerfdCreate", 1, wait::timerfd_create),
    Native::host(c"timerfdSettime", 3, wait::timerfd_settime),
    Native::host(c"clockGettime", 1, clock::clock_gettime),
    Native::host(c"nanosleep", 1, clock::nanosleep),
    Native::host(c"getrandom", 1, clock::getrandom),
    // the rest
    Native::host(c"ioctl", 3, device::ioctl),
    Native::host(c"uname", 0, device::uname),
];
